"""The guided demonstration: ask, correct, compare, train, compare again, on the starter session.

Told through a Narrator, so that the app and the plain command line play the same story.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from studio.domain.arms import FROZEN, ArmRecipe
from studio.domain.log import Correction, Origin
from studio.domain.nights import Night, NightProgress, ProbeKind
from studio.errors import TrainingError
from studio.evaluation.audience_file import PreparedQuestion
from studio.evaluation.checks import judge
from studio.evaluation.metrics import ProbeRecord
from studio.evaluation.result import DemoAnswer, DemoAudience, DemoCorrection, NightOutcome, demo_result
from studio.evaluation.scenario import Scenario, ScenarioProbe
from studio.evaluation.scenario_file import load_scenario
from studio.services.ask_many import Ask, ask_many
from studio.services.judge_probes import PROBE_SAMPLING, judge_probes
from studio.services.learn_lessons import learn_lesson
from studio.services.loaded_title import loaded_title
from studio.services.reader import answering_arms, without_versions
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


@dataclass(frozen=True, slots=True)
class Chapter:
    """Announced before what happens in it; `number` counts from 1, `total` chapters there are."""

    number: int
    total: int
    title: str
    text: str

    @property
    def place(self) -> str:
        return f"chapter {self.number} of {self.total}"


class Narrator(Protocol):
    """Who tells the story. Each call may take as long as it likes: the story waits."""

    async def chapter(self, chapter: Chapter) -> None: ...
    async def say(self, line: str) -> None: ...
    async def correction(self, prompt: str, answer: str, corrected: str) -> None: ...
    async def tallies(self, tally: Tally) -> None:
        """By kind of question, stage and arm: which answers were right."""
        ...

    async def asked_again(self, prompt: str, right: dict[str, bool]) -> None:
        """By arm whether it answered a question of the audience, asked in other words, as corrected."""
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
    audience: list[DemoAudience] = field(default_factory=list)
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
            made = await self._correct(taught.prompt, taught.target, taught.rationale)
            self.corrections.append(DemoCorrection(made.prompt, made.original, made.corrected, made.rationale))

    async def hear(self, prepared: PreparedQuestion) -> None:
        """A question of the audience: asked, corrected, and asked again in other words of all arms."""
        made = await self._correct(prepared.question, prepared.answer, prepared.why)
        asks = [Ask(prepared.again, arm) for arm in self.arms]
        replies = await ask_many(self.studio, asks, sampling=PROBE_SAMPLING)
        verdicts = {reply.ask.recipe.name: judge(reply.text, made.check).ok for reply in replies}
        answers = {
            name: DemoAnswer(prepared.again, reply.text, ok, "audience")
            for (name, ok), reply in zip(verdicts.items(), replies, strict=True)
        }
        corrected = DemoCorrection(made.prompt, made.original, made.corrected, made.rationale)
        self.audience.append(DemoAudience(corrected, answers))
        await self.narrator.asked_again(prepared.again, verdicts)

    async def _correct(self, prompt: str, target: str, rationale: str) -> Correction:
        """What a user does: ask, see the answer, correct it; the lesson is learnt when this returns."""
        (reply,) = await ask_many(self.studio, [Ask(prompt, FROZEN)], sampling=PROBE_SAMPLING)
        made = await record_correction(
            self.studio,
            answer=None,
            prompt=prompt,
            # An answer that happens to be right already cannot be corrected; what it should be is kept all the same.
            original=reply.text if reply.text.strip() != target.strip() else "",
            corrected=target,
            rationale=rationale,
            origin=Origin.DEMO,
        )
        await learn_lesson(self.studio, made)
        await self.narrator.correction(prompt, reply.text, target)
        return made

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


async def play_demo(
    studio: Studio, session: Path, narrator: Narrator, audience: Sequence[PreparedQuestion] = ()
) -> dict[str, Any]:
    """Play the story on a scenario folder in a throw-away studio; returns what `studio demo --json` writes.

    Questions of an `audience` are a chapter of their own after the corrections.
    """
    scenario = load_scenario(session)
    model = loaded_title(await studio.model(), studio.catalogues)
    arms, _ = without_versions((await answering_arms(studio))[0])
    story = _Story(studio, scenario, arms, narrator)

    async def hear_all() -> None:
        for prepared in audience:
            await story.hear(prepared)

    acts: list[tuple[str, str, Callable[[], Awaitable[object]] | None]] = [
        (scenario.title, _opening(scenario, model), None),
        ("Before", "Nothing has been corrected yet.", lambda: story.compare(BEFORE)),
        ("Corrections", "Each answer is corrected once, and becomes a lesson.", story.correct_all),
        *([("The audience asks", "Asked, corrected, asked again in other words.", hear_all)] if audience else []),
        ("The same questions again", _given(arms), lambda: story.compare(AFTER_CORRECTIONS)),
        ("The night", "An adapter is trained on the corrections, then tested.", story.sleep),
        ("The morning after", "The same questions, with what the night left.", lambda: story.compare(AFTER_NIGHT)),
    ]
    for number, (title, text, happens) in enumerate(acts, 1):
        await narrator.chapter(Chapter(number, len(acts), title, text))
        if happens is not None:
            await happens()
    return demo_result(
        model=model,
        corrections=story.corrections,
        before=story.answers(BEFORE),
        after_corrections=story.answers(AFTER_CORRECTIONS),
        after_night=story.answers(AFTER_NIGHT),
        nights=story.nights,
        audience=story.audience,
    )


def _opening(scenario: Scenario, model: str) -> str:
    corrections, general = len(scenario.corrections), len(scenario.general)
    rewordings = sum(len(correction.rephrase) for correction in scenario.corrections)
    return (
        f"{corrections} facts that no model can guess, {rewordings} rewordings, {general} general questions. "
        f"{model} answers, on this machine."
    )


def _given(arms: Sequence[ArmRecipe]) -> str:
    reads = " The reader has learnt to use lessons." if any(arm.reader for arm in arms) else ""
    return f"Context sees all corrections, lessons those that fit. Nothing was trained yet.{reads}"
