"""Run a scenario headless: corrections day by day, a night after each day, every probe by free generation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from studio.domain.arms import FROZEN, ArmRecipe
from studio.domain.log import Origin
from studio.domain.nights import Night, NightState
from studio.errors import TrainingError
from studio.evaluation.learning_curve import efficiency, learning_curve
from studio.evaluation.metrics import ProbeRecord, measure_arms
from studio.evaluation.result import NightOutcome, bench_result
from studio.evaluation.scenario import (
    Scenario,
    ScenarioCorrection,
    ScenarioProbe,
    TaughtCorrection,
    given_and_shuffled_orders,
)
from studio.evaluation.scenario_file import load_scenario
from studio.services.ask_many import Ask, ask_many
from studio.services.judge_probes import PROBE_SAMPLING, Occasion, judge_probes
from studio.services.learn_lessons import learn_lesson, prove_lesson
from studio.services.record_correction import record_correction
from studio.services.run_night import run_night
from studio.services.studio import Studio

ORDER_SEED = 7


async def run_scenario(
    make_studio: Callable[[str], Studio],
    folder: Path,
    recipes: Sequence[ArmRecipe],
    *,
    orders: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run a scenario with every order in a studio of its own; returns what `studio bench --json` writes.

    The frozen arm always runs: the others are measured against it. Raises ScenarioError on a faulty folder.
    """
    scenario = load_scenario(folder)
    arms = [FROZEN, *(recipe for recipe in recipes if recipe != FROZEN)]
    records: list[ProbeRecord] = []
    nights: list[NightOutcome] = []
    for number, order in enumerate(given_and_shuffled_orders(scenario.corrections, orders, ORDER_SEED)):
        tell(f"Order {number + 1} of {orders}: {scenario.title}")
        studio = make_studio(f"order-{number}")
        run = _Run(studio, scenario, arms, number, tell)
        await run.play(order)
        records += run.records
        nights += run.nights
    last = [record for record in records if record.day == scenario.days[-1]]
    measures = measure_arms(last)
    per_correction = efficiency(records)
    facts = await studio.model()
    return bench_result(
        scenario=scenario_name(folder),
        model=facts.name,
        orders=orders,
        arms={arm: {**measures[arm], **per_correction[arm]} for arm in measures},
        nights=nights,
        curve=learning_curve(records),
    )


class _Run:
    """One order of a scenario, in one throw-away studio."""

    def __init__(
        self,
        studio: Studio,
        scenario: Scenario,
        arms: Sequence[ArmRecipe],
        order: int,
        tell: Callable[[str], None],
    ) -> None:
        self.studio, self.scenario, self.arms = studio, scenario, arms
        self.order, self.tell = order, tell
        self.records: list[ProbeRecord] = []
        self.nights: list[NightOutcome] = []
        self.learnt: dict[str, str] = {}

    async def play(self, order: Sequence[ScenarioCorrection]) -> None:
        for day in self.scenario.days:
            todays = [correction for correction in order if correction.day == day]
            for correction in todays:
                await self._teach(correction.taught)
            self.tell(f"  day {day}: {len(todays)} corrections made")
            if any(recipe.uses_adapter for recipe in self.arms):
                self.nights.append(await self._sleep(day))
            await self._examine(day)

    async def _teach(self, taught: TaughtCorrection) -> None:
        """What a user does: ask, see the answer, correct it. Only the taught part of the correction is at hand here."""
        (reply,) = await ask_many(self.studio, [Ask(taught.prompt, FROZEN)], sampling=PROBE_SAMPLING)
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
        await prove_lesson(self.studio, await learn_lesson(self.studio, correction))

    async def _sleep(self, day: int) -> NightOutcome:
        self.tell(f"  night {day}: training")
        try:
            night = await run_night(self.studio)
        except TrainingError as error:
            return NightOutcome(0.0, None, False, str(error))
        self.tell(f"  night {day}: {night.reason}")
        return outcome_of(night)

    async def _examine(self, day: int) -> None:
        general = tuple(ScenarioProbe(probe) for probe in self.scenario.general)
        probes = (*self.scenario.probes(day), *general)
        made = len(self.scenario.made_by(day))
        shown = 0

        def observe(done: int, total: int) -> None:
            nonlocal shown
            if done * 10 // total > shown:
                shown = done * 10 // total
                self.tell(f"  day {day}: {done} of {total} answers")

        self.records += await judge_probes(
            self.studio,
            probes,
            self.arms,
            occasion=Occasion(self.order, day, made, self.scenario.days),
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
