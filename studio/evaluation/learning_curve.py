"""How fast an arm learns: measures against the number of corrections made, and what one correction is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from studio.domain.measures import Estimate
from studio.evaluation.metrics import (
    BASELINE,
    GAIN_KINDS,
    Answers,
    ArmMeasures,
    ProbeRecord,
    group_by_arm,
    measure_arms,
)
from studio.evaluation.statistics import mean_estimate, weighted_sum_of_ratios

CURVE_MEASURES = ("reliability", "rephrase", "locality", "portability", "transfer", "retention", "stale_rate", "gain")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What each arm could do on the day of asking, after so many corrections."""

    day: int
    corrections: int
    arms: dict[str, ArmMeasures]


def learning_curve(records: Iterable[ProbeRecord]) -> tuple[CurvePoint, ...]:
    """One point per occasion, in order, pooled over orders. Raises UsageError as measure_arms does."""
    occasions: dict[tuple[int, int], list[ProbeRecord]] = {}
    for record in records:
        occasions.setdefault((record.day, record.corrections), []).append(record)
    return tuple(
        CurvePoint(
            day,
            corrections,
            {
                arm: {name: measures[name] for name in CURVE_MEASURES if measures[name].mean is not None}
                for arm, measures in measure_arms(asked).items()
            },
        )
        for (day, corrections), asked in sorted(occasions.items())
    )


def efficiency(records: Sequence[ProbeRecord], evenings: Sequence[ProbeRecord] = ()) -> dict[str, ArmMeasures]:
    """By arm, over all occasions; `evenings` are the answers to a day's probes before the night that follows it:

    - `gain_per_correction`: the gain on the last occasion divided by the corrections made by then;
    - `area_under_curve`: the mean gain along the curve, over the number of corrections (trapezoids);
    - `corrections_until_right`: for the probes that a correction should set right and that come to stay right, how
      many corrections after their first asking that took, 0 if they were right at once; `stays_right`: their share;
    - `same_day_gain`, `next_day_gain`: the gain before and after the first night since the correction;
    - `overnight_gain`: what that night added to the score, paired per probe.
    """
    curve = learning_curve(records)
    by_arm, before_nights = group_by_arm(records), group_by_arm(evenings)
    frozen = [*by_arm.get(BASELINE, []), *before_nights.get(BASELINE, [])]
    measures: dict[str, ArmMeasures] = {}
    for arm, answers in by_arm.items():
        before = before_nights.get(arm, [])
        mornings = _first_mornings([*answers, *before])
        measures[arm] = {
            "gain_per_correction": _gain_per_correction(arm, curve),
            "area_under_curve": _area(answers, by_arm.get(BASELINE, [])),
            **_until_right(answers),
            "same_day_gain": _gain_where(arm, before or answers, frozen, lambda record: record.age == 0),
            "next_day_gain": _gain_where(arm, mornings, frozen, lambda record: record.age == 1),
            "overnight_gain": _overnight_gain(before or answers, mornings),
        }
    return measures


def _gain_per_correction(arm: str, curve: Sequence[CurvePoint]) -> Estimate:
    gain, made = curve[-1].arms.get(arm, {}).get("gain"), curve[-1].corrections
    if gain is None or not made:
        return Estimate(None, None, None, 0)
    mean, low, high = (None if value is None else value / made for value in (gain.mean, gain.low, gain.high))
    return replace(gain, mean=mean, low=low, high=high)


def _area(answers: Sequence[ProbeRecord], frozen: Sequence[ProbeRecord]) -> Estimate:
    base = {record.question: record.score for record in frozen}
    # A night adds no correction: of the occasions after the same number, the last one counts.
    last_day = {record.corrections: record.day for record in sorted(answers, key=lambda record: record.day)}
    points: dict[int, dict[str, tuple[float, float]]] = {made: {} for made in sorted(last_day)}
    for record in answers:
        if record.kind in GAIN_KINDS and record.day == last_day[record.corrections]:
            above, below = points[record.corrections].get(record.unit, (0.0, 0.0))
            gained = record.score - base[record.question]
            points[record.corrections][record.unit] = above + gained, below + 1.0
    numbers = [made for made, units in points.items() if units]
    terms = zip(_trapezoid_weights(numbers), (points[made] for made in numbers), strict=True)
    return weighted_sum_of_ratios(list(terms))


def _trapezoid_weights(at: Sequence[int]) -> list[float]:
    """What each point counts for in the mean along a curve of straight lines."""
    if len(at) < 2 or at[0] == at[-1]:
        return [1.0] * len(at)
    halves = [(b - a) / 2 / (at[-1] - at[0]) for a, b in pairwise(at)]
    return [before + after for before, after in zip([0.0, *halves], [*halves, 0.0], strict=True)]


def _first_mornings(answers: Iterable[ProbeRecord]) -> list[ProbeRecord]:
    """Of each probe of a correction the first answer after the first night since, before more was learnt."""
    first: dict[tuple[int, str, str], ProbeRecord] = {}
    for record in sorted(answers, key=lambda record: record.question):
        if record.age == 1:
            first.setdefault((record.order, record.probe_id, record.unit), record)
    return list(first.values())


def _overnight_gain(evenings: Iterable[ProbeRecord], mornings: Iterable[ProbeRecord]) -> Estimate:
    """Of what was asked on a correction's day the last asking counts, in the evening."""
    scores = {
        (record.order, record.probe_id, record.unit): record.score
        for record in sorted(evenings, key=lambda record: record.corrections)
        if record.age == 0 and record.kind in GAIN_KINDS
    }
    gained: dict[str, list[float]] = {}
    for after in mornings:
        before = scores.get((after.order, after.probe_id, after.unit))
        if before is not None:
            gained.setdefault(after.unit, []).append(after.score - before)
    return mean_estimate(gained)


def _until_right(answers: Sequence[ProbeRecord]) -> ArmMeasures:
    asked: dict[tuple[int, str], list[ProbeRecord]] = {}
    for record in sorted(answers, key=lambda record: record.question):
        if record.kind in GAIN_KINDS:
            asked.setdefault((record.order, record.probe_id), []).append(record)
    taken: dict[str, list[float]] = {}
    stays: dict[str, list[float]] = {}
    for history in asked.values():
        wrong = max((i for i, record in enumerate(history) if not record.ok), default=-1)
        stays.setdefault(history[0].unit, []).append(float(wrong + 1 < len(history)))
        if wrong + 1 < len(history):
            waited = history[wrong + 1].corrections - history[0].corrections
            taken.setdefault(history[0].unit, []).append(float(waited))
    return {"corrections_until_right": mean_estimate(taken), "stays_right": mean_estimate(stays)}


def _gain_where(
    arm: str, answers: Sequence[ProbeRecord], frozen: Sequence[ProbeRecord], wanted: Callable[[ProbeRecord], bool]
) -> Estimate:
    return Answers(arm, [record for record in answers if wanted(record)], frozen).gain()
