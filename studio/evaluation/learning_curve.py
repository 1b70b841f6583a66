"""How fast an arm learns: measures against the number of corrections made, and what one correction is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from studio.domain.measures import Estimate
from studio.evaluation.metrics import BASELINE, Answers, ArmMeasures, ProbeRecord, group_by_arm, measure_arms
from studio.evaluation.statistics import mean_estimate

CURVE_MEASURES = ("reliability", "rephrase", "locality", "retention", "gain")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What each arm could do on the day of asking, after so many corrections."""

    day: int
    corrections: int
    arms: dict[str, ArmMeasures]


def learning_curve(records: Iterable[ProbeRecord], baseline: str = BASELINE) -> tuple[CurvePoint, ...]:
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
                for arm, measures in measure_arms(asked, baseline).items()
            },
        )
        for (day, corrections), asked in sorted(occasions.items())
    )


def efficiency(records: Sequence[ProbeRecord], baseline: str = BASELINE) -> dict[str, ArmMeasures]:
    """By arm, over all occasions:

    - `gain_per_correction`: the gain on the last occasion divided by the corrections made by then;
    - `area_under_curve`: the mean gain along the curve, over the number of corrections (trapezoids);
    - `corrections_until_right`: for the probes that come to stay right, how many corrections after their first
      asking that took, 0 if they were right at once;
    - `same_day_gain`, `next_day_gain`: the gain before and after the first night since the correction.
    """
    curve = learning_curve(records, baseline)
    by_arm = group_by_arm(records)
    frozen = by_arm.get(baseline, [])
    return {
        arm: {
            "gain_per_correction": _gain_per_correction(arm, curve),
            "area_under_curve": _area(arm, curve),
            "corrections_until_right": _corrections_until_right(answers),
            "same_day_gain": _gain_where(arm, answers, frozen, lambda record: record.age == 0),
            "next_day_gain": _gain_where(arm, answers, frozen, lambda record: record.age > 0),
        }
        for arm, answers in by_arm.items()
    }


def _gain_per_correction(arm: str, curve: Sequence[CurvePoint]) -> Estimate:
    gain, made = curve[-1].arms.get(arm, {}).get("gain"), curve[-1].corrections
    if gain is None or not made:
        return Estimate(None, None, None, 0)
    mean, low, high = (None if value is None else value / made for value in (gain.mean, gain.low, gain.high))
    return replace(gain, mean=mean, low=low, high=high)


def _area(arm: str, curve: Sequence[CurvePoint]) -> Estimate:
    # A night adds no correction: of the occasions after the same number, the last one counts.
    by_corrections = {
        point.corrections: point.arms[arm]["gain"] for point in curve if "gain" in point.arms.get(arm, {})
    }
    points = [(made, gain.mean) for made, gain in by_corrections.items() if gain.mean is not None]
    if not points:
        return Estimate(None, None, None, 0)
    width = points[-1][0] - points[0][0]
    area = sum((b - a) * (y + z) / 2 for (a, y), (b, z) in pairwise(points))
    return Estimate(area / width if width else points[-1][1], None, None, len(points))


def _corrections_until_right(answers: Sequence[ProbeRecord]) -> Estimate:
    asked: dict[tuple[int, str], list[ProbeRecord]] = {}
    for record in sorted(answers, key=lambda record: record.question):
        if record.correction_id is not None:
            asked.setdefault((record.order, record.probe_id), []).append(record)
    taken: dict[str, list[float]] = {}
    for history in asked.values():
        wrong = max((i for i, record in enumerate(history) if not record.ok), default=-1)
        if wrong + 1 < len(history):
            waited = history[wrong + 1].corrections - history[0].corrections
            taken.setdefault(history[0].unit, []).append(float(waited))
    return mean_estimate(taken)


def _gain_where(
    arm: str, answers: Sequence[ProbeRecord], frozen: Sequence[ProbeRecord], wanted: Callable[[ProbeRecord], bool]
) -> Estimate:
    return Answers(arm, [record for record in answers if wanted(record)], frozen).gain()
