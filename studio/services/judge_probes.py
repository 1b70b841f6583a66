"""Ask probes of arms and judge the answers: the common ground of nights, scenarios and the demonstration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from studio.domain.arms import ArmRecipe, Memory
from studio.domain.generation import FinishReason, Sampling
from studio.evaluation.judging import is_stale, judge
from studio.evaluation.metrics import ProbeRecord
from studio.evaluation.scenario import ScenarioProbe
from studio.services.ask_many import Ask, Reply, stream_many
from studio.services.studio import Studio

PROBE_SAMPLING = Sampling(max_tokens=96)
"""Probes are answered greedily; a small model that has not stopped by then has lost its way."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """When probes are asked: of which run of a scenario, on which day, after how many corrections.

    `slept`: whether the night after that day is over. `learnt` names, by lesson id, the corrections (as the probes name
    them) that each lesson was learnt from.
    """

    order: int = 0
    day: int = 0
    corrections: int = 0
    days: Sequence[int] = ()
    slept: bool = True
    learnt: Mapping[str, Collection[str]] = field(default_factory=dict)

    def age(self, probe: ScenarioProbe) -> int:
        """Nights since the probe's correction was made."""
        last_night = self.day if self.slept else self.day - 1
        return sum(probe.day <= day <= last_night for day in self.days) if probe.day else 0


async def judge_probes(
    studio: Studio,
    probes: Sequence[ScenarioProbe],
    recipes: Sequence[ArmRecipe],
    *,
    occasion: Occasion = Occasion(),
    sampling: Sampling = PROBE_SAMPLING,
    verdicts_only: bool = False,
    observe: Callable[[int, int], None] = lambda done, total: None,
) -> list[ProbeRecord]:
    """Every arm's judged answer to every probe, by free generation. `observe(done, total)` follows the progress.

    With `verdicts_only` right answers end where it is certain that they are: the records' costs mean nothing then.
    """
    asks = [
        (probe, Ask(probe.probe.prompt, recipe, until=probe.probe.check if verdicts_only else None))
        for recipe in recipes
        for probe in probes
    ]
    records: dict[int, ProbeRecord] = {}
    async with aclosing(stream_many(studio, [ask for _, ask in asks], sampling=sampling)) as replies:
        async for number, reply in replies:
            probe, ask = asks[number]
            records[number] = _record(ask.recipe.name, probe, reply, occasion)
            observe(len(records), len(asks))
    return [records[number] for number in range(len(asks))]


def _record(arm: str, asked: ScenarioProbe, reply: Reply, occasion: Occasion) -> ProbeRecord:
    verdict = judge(reply.text, asked.probe.check)
    looked_up = reply.ask.recipe.memory is Memory.LESSONS
    given = [occasion.learnt.get(lesson.lesson_id, ()) for lesson in reply.given.lessons]
    correction = asked.probe.correction_id
    return ProbeRecord(
        probe_id=asked.probe.id,
        kind=asked.probe.kind,
        arm=arm,
        correction_id=asked.probe.correction_id,
        text=reply.text,
        score=verdict.score,
        ok=verdict.ok,
        stale=is_stale(reply.text, asked.probe.check, asked.superseded),
        cut=reply.completion.finish_reason is FinishReason.LENGTH,
        order=occasion.order,
        day=occasion.day,
        age=occasion.age(asked),
        corrections=occasion.corrections,
        prompt_tokens=reply.completion.prompt_tokens,
        completion_tokens=reply.completion.completion_tokens,
        lessons=len(given) if looked_up else None,
        right_lesson=any(correction in sources for sources in given) if looked_up and correction else None,
    )
