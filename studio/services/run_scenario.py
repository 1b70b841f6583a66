"""Run a scenario headless: corrections day by day, a night after each day, every probe by free generation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.domain.arms import FROZEN, ArmRecipe
from studio.domain.generation import Sampling
from studio.domain.log import Origin
from studio.domain.nights import Night, NightState
from studio.domain.plural import plural
from studio.errors import InterruptedNightError, ScenarioError, StudioError, TrainingError, UsageError
from studio.evaluation.comparison import paired_differences, two_by_two
from studio.evaluation.judging import judge
from studio.evaluation.learning_curve import efficiency, learning_curve
from studio.evaluation.metrics import ProbeRecord, answers_that_differ, group_by_arm, measure_arms
from studio.evaluation.result import BenchDetail, NightOutcome, ResetCheck, ScenarioSize, bench_result
from studio.evaluation.scenario import (
    Scenario,
    ScenarioCorrection,
    ScenarioProbe,
    TaughtCorrection,
    given_and_shuffled_orders,
)
from studio.evaluation.scenario_file import load_scenario
from studio.prompting.thinking import without_thinking
from studio.services.ask_many import Ask, ask_many
from studio.services.holdings import Holdings, holdings, overhead
from studio.services.judge_probes import PROBE_SAMPLING, Occasion, judge_probes
from studio.services.learn_lessons import learn_lesson, prove_lesson
from studio.services.loaded_title import loaded_title
from studio.services.record_correction import record_correction, refuse_bad, storable
from studio.services.run_night import run_night
from studio.services.studio import Studio
from studio.services.time_answers import Wait, time_answers, waiting
from studio.training.job import NightFolder

ORDER_SEED = 7


async def run_scenario(
    make_studio: Callable[[str], Studio],
    folder: Path,
    recipes: Sequence[ArmRecipe],
    *,
    orders: int = 1,
    every: int = 0,
    max_tokens: int = PROBE_SAMPLING.max_tokens,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run a scenario with every order in a studio of its own; returns what `studio bench --json` writes.

    The frozen arm always runs: the others are measured against it. With `every`, what was corrected so far is also
    asked within days, after each that many corrections, which makes the learning curve finer. An answer has at most
    `max_tokens`. Raises ScenarioError on a faulty folder, or a correction that cannot be learnt from; StudioError where
    an arm that was reset is not the frozen model.
    """
    scenario = load_scenario(folder)
    _refuse_unlearnable(scenario, folder, tell)
    sampling = replace(PROBE_SAMPLING, max_tokens=max_tokens)
    arms = [FROZEN, *(recipe for recipe in recipes if recipe != FROZEN)]
    reset = await _check_reset(make_studio("reset"), scenario, arms, sampling, tell)
    runs: list[_Run] = []
    for number, order in enumerate(given_and_shuffled_orders(scenario.corrections, orders, ORDER_SEED)):
        tell(f"Order {number + 1} of {orders}: {scenario.title}")
        studio = make_studio(f"order-{number}")
        run = _Run(studio, scenario, arms, number, every=every, sampling=sampling, tell=tell)
        await run.play(order)
        runs.append(run)
    facts = await studio.model()
    title = loaded_title(facts, studio.catalogues)
    return _result(scenario_name(folder), title, scenario, runs, reset)


def _refuse_unlearnable(scenario: Scenario, folder: Path, tell: Callable[[str], None]) -> None:
    """What no arm could be taught would end the run in its middle; what none could get right is told."""
    for correction in scenario.corrections:
        prompt, target = storable(correction.taught.prompt), without_thinking(storable(correction.taught.target))
        try:
            refuse_bad(prompt, target, "")
        except UsageError as error:
            raise ScenarioError(f"{folder / 'corrections.jsonl'}, correction '{correction.id}': {error}") from error
        if reasons := judge(target, correction.check).reasons:
            tell(f"Correction '{correction.id}': its own target fails its check, for it {', '.join(reasons)}.")


def _result(
    name: str,
    model: str,
    scenario: Scenario,
    runs: Sequence[_Run],
    reset: ResetCheck,
) -> dict[str, Any]:
    arms, sampling = runs[0].arms, runs[0].sampling
    records = [record for run in runs for record in run.records]
    last = [record for record in records if record.corrections == len(scenario.corrections)]
    measures = measure_arms(last)
    per_correction = efficiency(records, [record for run in runs for record in run.evenings])
    held = {recipe.name: overhead(recipe, [run.holdings for run in runs]) for recipe in arms}
    waits = [wait for run in runs for wait in run.waits]
    return bench_result(
        scenario=name,
        model=model,
        orders=len(runs),
        arms={arm: {**measures[arm], **waiting(arm, waits), **per_correction[arm], **held[arm]} for arm in measures},
        nights=[night for run in runs for night in run.nights],
        curve=learning_curve(records),
        detail=BenchDetail(
            _size(scenario), reset, paired_differences(last), two_by_two(last, arms), sampling.max_tokens
        ),
    )


def _size(scenario: Scenario) -> ScenarioSize:
    return ScenarioSize(
        days=len(scenario.days),
        corrections=len(scenario.corrections),
        general=len(scenario.general),
        rules=len({prompt.rule for prompt in scenario.induction}),
        induction=len(scenario.induction),
    )


async def _check_reset(
    studio: Studio,
    scenario: Scenario,
    arms: Sequence[ArmRecipe],
    sampling: Sampling,
    tell: Callable[[str], None],
) -> ResetCheck:
    """Ask every arm all that will be judged, in a studio that has learnt nothing: it must answer as the frozen one.

    Gains are measured against the frozen arm; only if this holds are they gains over the same arm reset. Raises
    StudioError naming the first arm and question of which it does not hold.
    """
    tell("Reset: every arm without what it learns, against the frozen model")
    probes = (*scenario.probes(scenario.days[-1]), *(ScenarioProbe(probe) for probe in scenario.general))
    # The adapter in use is none in an empty studio, and the reader is attached to no question, for there is no lesson.
    answers = group_by_arm(await judge_probes(studio, probes, arms, sampling=sampling))
    for arm in (recipe.name for recipe in arms if recipe.name != FROZEN.name):
        if differing := answers_that_differ(answers[arm], answers[FROZEN.name]):
            raise StudioError(
                f"With nothing learnt, the arm {arm} answers {len(differing)} of {len(probes)} questions otherwise than"
                f" the frozen model, first '{differing[0]}'; its gain would not be what it learnt.",
                "Something reaches this arm besides its memory and adapter.",
            )
    return ResetCheck(tuple(recipe.name for recipe in arms if recipe.name != FROZEN.name), len(probes))


class _Run:
    """One order of a scenario, in one throw-away studio."""

    def __init__(
        self,
        studio: Studio,
        scenario: Scenario,
        arms: Sequence[ArmRecipe],
        order: int,
        *,
        every: int,
        sampling: Sampling,
        tell: Callable[[str], None],
    ) -> None:
        self.studio, self.scenario, self.arms = studio, scenario, arms
        self.order, self.every, self.sampling, self.tell = order, every, sampling, tell
        self.records: list[ProbeRecord] = []
        self.evenings: list[ProbeRecord] = []
        self.holdings = Holdings()
        self.waits: list[Wait] = []
        self.nights: list[NightOutcome] = []
        self.learnt: dict[str, str] = {}
        self.lessons_of: dict[str, set[str]] = {}

    async def play(self, order: Sequence[ScenarioCorrection]) -> None:
        made: list[ScenarioCorrection] = []
        for day in self.scenario.days:
            todays = [correction for correction in order if correction.day == day]
            for correction in todays:
                await self._teach(correction.taught)
                made.append(correction)
                if self.every and len(made) % self.every == 0 and correction is not todays[-1]:
                    probes = self.scenario.probes_after(made)
                    self.records += await self._examine(day, probes, made=len(made), slept=False)
            self.tell(f"  day {day}: {plural(len(todays), 'correction')} made")
            todays_probes = [probe for probe in self.scenario.probes(day) if probe.day == day]
            self.evenings += await self._examine(day, todays_probes, made=len(made), slept=False)
            if any(recipe.uses_adapter for recipe in self.arms):
                self.nights.append(await self._sleep(day))
            general = (ScenarioProbe(probe) for probe in self.scenario.general)
            probes = (*self.scenario.probes(day), *general)
            self.records += await self._examine(day, probes, made=len(made), slept=True)
        self.holdings = await holdings(self.studio, self.nights)
        self.tell("  what a user waits for: a few questions, one by one")
        asked = [probe.probe.prompt for probe in probes]
        self.waits = await time_answers(self.studio, asked, self.arms, self.sampling)

    async def _teach(self, taught: TaughtCorrection) -> None:
        """What a user does: ask, see the answer, correct it. Only the taught part of the correction is at hand here."""
        (reply,) = await ask_many(self.studio, [Ask(taught.prompt, FROZEN)], sampling=self.sampling)
        correction = await record_correction(
            self.studio,
            answer=None,
            prompt=taught.prompt,
            original=reply.text if reply.text.strip() != taught.target.strip() else "",
            corrected=taught.target,
            rationale=taught.rationale,
            supersedes=self.learnt[taught.supersedes] if taught.supersedes else None,
            origin=Origin.BENCH,
        )
        self.learnt[taught.id] = correction.id
        lesson = await learn_lesson(self.studio, correction)
        self.lessons_of.setdefault(lesson.id, set()).add(taught.id)
        await prove_lesson(self.studio, lesson)

    async def _sleep(self, day: int) -> NightOutcome:
        self.tell(f"  night {day}: training")
        try:
            night = await run_night(self.studio, tell=lambda line: self.tell(f"  night {day}: {line}"))
        except InterruptedNightError as error:
            self.tell(f"  night {day}: {error}")
            return await self._sleep(day)  # goes on with it: the next day's corrections are the next night's
        except TrainingError as error:
            return NightOutcome(0.0, None, False, str(error), self.order, day)
        self.tell(f"  night {day}: {night.reason}")
        outcome = replace(outcome_of(night), order=self.order, day=day)
        if (kept := self.studio.kept_nights) is None:
            return outcome
        folder = NightFolder(self.studio.workspace.nights / night.id)
        return replace(outcome, minutes=kept.minutes(folder, outcome.minutes))

    async def _examine(self, day: int, probes: Sequence[ScenarioProbe], *, made: int, slept: bool) -> list[ProbeRecord]:
        when = f"day {day}" if slept else f"day {day}, after {made} corrections, before the night"
        shown = 0

        def observe(done: int, total: int) -> None:
            nonlocal shown
            if done * 10 // total > shown:
                shown = done * 10 // total
                self.tell(f"  {when}: {done} of {total} answers")

        return await judge_probes(
            self.studio,
            probes,
            self.arms,
            occasion=Occasion(self.order, day, made, self.scenario.days, slept, self.lessons_of),
            sampling=self.sampling,
            observe=observe,
        )


def outcome_of(night: Night) -> NightOutcome:
    """A finished night as reports show it."""
    seconds = (night.finished_at - night.started_at).total_seconds() if night.finished_at else 0.0
    peak = night.metrics.get("peak_rss_bytes")
    return NightOutcome(
        minutes=seconds / 60,
        peak_rss_mb=float(peak) / 2**20 if isinstance(peak, int | float) else None,
        promoted=night.state is NightState.PROMOTED,
        reason=night.reason,
    )


def scenario_name(folder: Path) -> str:
    """The folder's own name, also where it was given as '.'."""
    return folder.resolve().name
