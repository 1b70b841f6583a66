"""Gain against overhead: which arms nothing beats, and what beats the others. Never one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.reporting.figures import COSTS, ArmFigures, Arms, cell, is_measured, label, units
from studio.reporting.tables import Table

WEIGHED = (*COSTS, "night_minutes", "disk_mb")


def beaten_by(arms: Arms, costs: Sequence[str]) -> Mapping[str, tuple[str, ...] | None]:
    """By arm, those that are at least as good in gain and every cost and better in something.

    None for an arm that lacks a figure and so cannot be placed; an empty tuple for one on the front.
    """
    placed = {arm: place for arm, figures in arms.items() if (place := _place(figures, costs)) is not None}
    return {
        arm: tuple(other for other in placed if _dominates(placed[other], placed[arm])) if arm in placed else None
        for arm in arms
    }


def measured_costs(arms: Arms) -> tuple[str, ...]:
    """The costs that every arm has a figure of."""
    return tuple(cost for cost in WEIGHED if arms and all(is_measured(figures, cost) for figures in arms.values()))


def pareto_table(arms: Arms, costs: Sequence[str] = COSTS) -> Table:
    """Cheapest prompt first; * marks the front, ? an arm that lacks a figure; the others name what beats them."""
    beaten = beaten_by(arms, costs)
    ordered = sorted(arms, key=lambda arm: (beaten[arm] is None, (_place(arms[arm], costs) or ())[1:]))
    rows = []
    for arm in ordered:
        better = beaten[arm]
        mark = "?" if better is None else "" if better else "*"
        figures = [cell(name, arms[arm].get(name)) for name in ("gain", *costs)]
        rows.append([mark, arm, *figures, units([arms[arm].get("gain")]), ", ".join(better or ())])
    header = ["front", "arm", *(label(name) for name in ("gain", *costs)), "n", "dominated by"]
    return Table(
        "Gain against overhead (Pareto)",
        header,
        rows,
        left=(0, 1, len(header) - 1),
        note="* on the front: no other arm is at least as good in gain and every cost and better in one. "
        "Means are compared; the intervals say how sure a place is. n: corrections behind the gain.",
    )


def _place(figures: ArmFigures, costs: Sequence[str]) -> tuple[float, ...] | None:
    """Loss of gain, then the costs: all the smaller the better."""
    means = [figures[name].mean if name in figures else None for name in ("gain", *costs)]
    known = [mean for mean in means if mean is not None]
    return (-known[0], *known[1:]) if len(known) == len(means) else None


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
