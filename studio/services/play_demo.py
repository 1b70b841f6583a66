"""The guided demonstration: ask, correct, compare, train, compare again, on the starter session.

Told through a Narrator, so that the app and the plain command line play the same story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from studio.domain.arms import FROZEN, ArmRecipe
from studio.domain.log import Origin
from studio.domain.nights import Night, NightProgress, ProbeKind
from studio.errors import TrainingError
from studio.evaluation.metrics import ProbeRecord
from studio.evaluation.result import DemoAnswer, DemoCorrection, NightOutcome, demo_result
from studio.evaluation.scenario import Scenario, ScenarioProbe
from studio.evaluation.scenario_file import load_scenario
from studio.services.ask_many import Ask, ask_many
from studio.services.judge_probes import PROBE_SAMPLING, judge_probes
from studio.services.learn_lessons import learn_lesson
from studio.services.reader import answering_arms
from studio.services.record_correction import record_correction
from studio.services.run_night import run_night
from studio.services.run_scenario import outcome_of
from studio.services.studio import Studio

BEFORE, AFTER_CORRECTIONS, AFTER_NIGHT = "before", "after corrections", "after the night"
KINDS = {
    "corrected questions": ProbeKind.RELIABILITY,
    "in other words": ProbeKind.REPHRASE,
    "general questions": ProbeKind.GENERAL,
}
Tally = dict[str, dict[str, dict[str, list[bool | None]]]]


class Narrator(Protocol):
    """Who tells the story. Each call may take as long as it likes: the story waits."""

    async def chapter(self, title: str, text: str) -> None: ...
    async def say(self, line: str) -> None: ...
    async def correction(self, prompt: str, answer: str, corrected: str) -> None: ...
    async def tallies(self, tally: Tally) -> None:
        """By kind of question, stage and arm: which answers were right."""
        ...

    def progress(self, what: str, done: int, total: int) -> None: ...
    def night(self, progress: NightProgress) -> None: ...


@dataclass
class _Story:
    studio: Studio
    scenario: Scenario
    arms: Sequence[ArmRecipe]
    narrator: Narrator
    records: dict[str, list[ProbeRecord]] = field(default_factory=dict)
    corrections: list[DemoCorrection] = field(default_factory=list)
    nights: list[NightOutcome] = field(default_factory=list)

    async def compare(self, stage: str) -> None:
        """All arms on the corrected questions, their rewordings, and the general questions."""
        own = [p for p in self.scenario.probes(self.scenario.days[-1]) if p.probe.kind in KINDS.values()]
        probes = [*own, *(ScenarioProbe(probe) for probe in self.scenario.general)]
        self.records[stage] = await judge_probes(
            self.studio,
            probes,
            self.arms,
            observe=lambda done, total: self.narrator.progress("answers", done, total),
        )
        await self.narrator.tallies(self.tally())

    async def correct_all(self) -> None:
        for correction in self.scenario.corrections:
            taught = correction.taught
            (reply,) = await ask_many(self.studio, [Ask(taught.prompt, FROZEN)], sampling=PROBE_SAMPLING)
            recorded = await record_correction(
                self.studio,
                answer=None,
                prompt=taught.prompt,
                original=reply.text,
                corrected=taught.target,
                rationale=taught.rationale,
                origin=Origin.DEMO,
            )
            await learn_lesson(self.studio, recorded)
            self.corrections.append(DemoCorrection(taught.prompt, reply.text, taught.target, taught.rationale))
            await self.narrator.correction(taught.prompt, reply.text, taught.target)

    async def sleep(self) -> Night | None:
        try:
            night = await run_night(self.studio, observe=self.narrator.night)
        except TrainingError as error:
            self.nights.append(NightOutcome(0.0, None, False, str(error)))
            await self.narrator.say(str(error))
            return None
        self.nights.append(outcome_of(night))
        await self.narrator.say(night.reason)
        return night

    def tally(self) -> Tally:
        counted: Tally = {}
        for name, kind in KINDS.items():
            for stage, records in self.records.items():
                for record in records:
                    if record.kind is kind:
                        by_arm = counted.setdefault(name, {}).setdefault(stage, {})
                        by_arm.setdefault(record.arm, []).append(record.ok)
        return counted

    def answers(self, stage: str) -> dict[str, list[DemoAnswer]]:
        prompts = {p.probe.id: p.probe.prompt for p in self.scenario.probes(self.scenario.days[-1])}
        prompts |= {probe.id: probe.prompt for probe in self.scenario.general}
        by_arm: dict[str, list[DemoAnswer]] = {}
        for record in self.records.get(stage, []):
            answer = DemoAnswer(prompts[record.probe_id], record.text, record.ok, record.kind.value)
            by_arm.setdefault(record.arm, []).append(answer)
        return by_arm


def _reads(arms: Sequence[ArmRecipe]) -> bool:
    return any(arm.uses_reader for arm in arms)


async def play_demo(studio: Studio, session: Path, narrator: Narrator) -> dict[str, Any]:
    """Play the story on a scenario folder in a throw-away studio; returns what `studio demo --json` writes."""
    scenario = load_scenario(session)
    facts = await studio.model()
    arms, _ = await answering_arms(studio)
    story = _Story(studio, scenario, arms, narrator)
    await narrator.chapter(
        scenario.title,
        f"{' '.join(scenario.description.split())} The model is {facts.name}, on this machine; nothing leaves it.",
    )
    await narrator.chapter("Before", "Nothing has been corrected yet: all arms answer as the model was shipped.")
    await story.compare(BEFORE)
    await narrator.chapter(
        "Corrections", "Each answer is corrected once. Every correction is kept and becomes a lesson."
    )
    await story.correct_all()
    await narrator.chapter(
        "The same questions again",
        "Context sees all corrections, lessons only those that fit. Nothing was trained on them yet."
        + (" The reader came with the model: it has learnt to use lessons." if _reads(arms) else ""),
    )
    await story.compare(AFTER_CORRECTIONS)
    await narrator.chapter(
        "The night", "An adapter is trained on the corrections, tested on held-back wordings, and gated."
    )
    await story.sleep()
    await narrator.chapter("The morning after", "The same questions once more, now with what the night left behind.")
    await story.compare(AFTER_NIGHT)
    return demo_result(
        model=facts.name,
        corrections=story.corrections,
        before=story.answers(BEFORE),
        after_corrections=story.answers(AFTER_CORRECTIONS),
        after_night=story.answers(AFTER_NIGHT),
        nights=story.nights,
    )
