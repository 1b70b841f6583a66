"""Arms against each other: paired differences, and the two by two of weights and prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from studio.domain.arms import ArmRecipe, Memory
from studio.domain.measures import Estimate
from studio.domain.nights import ProbeKind
from studio.evaluation.metrics import BASELINE, GAIN_KINDS, ProbeRecord, Question, group_by_arm
from studio.evaluation.statistics import mean_estimate

# By measure, what one answer counts, seen beside the frozen model's; None where it does not count.
_Value = Callable[[ProbeRecord, ProbeRecord], float | None]
_Values = Mapping[str, Mapping[Question, tuple[str, float]]]


def _right(*kinds: ProbeKind) -> _Value:
    return lambda own, _: float(own.ok) if own.kind in kinds else None


COMPARED: Mapping[str, _Value] = {
    "score": lambda own, _: own.score if own.kind in GAIN_KINDS else None,
    "reliability": _right(ProbeKind.RELIABILITY),
    "rephrase": _right(ProbeKind.REPHRASE),
    "locality": lambda own, base: float(own.ok and own.ok == base.ok) if own.kind is ProbeKind.LOCALITY else None,
    "portability": _right(ProbeKind.PORTABILITY),
    "transfer": _right(ProbeKind.TRANSFER),
    "induction": _right(ProbeKind.INDUCTION),
    "retention": lambda own, base: float(own.ok) if own.kind is ProbeKind.GENERAL and base.ok else None,
    "stale_rate": lambda own, _: None if own.stale is None else float(own.stale),
}
"""The measures of which differences between arms are taken, as they are defined in metrics."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What `arm` is above `against`, paired per probe, by measure."""

    arm: str
    against: str
    measures: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """Slow learning (weights) crossed with fast learning (prompt): four arms, their measures and the interaction.

    `arms` and each measure's cells are keyed 'neither', 'prompt', 'weights', 'both'; 'interaction' is
    both - prompt - weights + neither: below zero, the two know partly the same.
    """

    memory: str
    adapter: str
    arms: dict[str, str]
    measures: dict[str, dict[str, Estimate]]


def paired_differences(records: Iterable[ProbeRecord]) -> tuple[Difference, ...]:
    """Each later arm minus each earlier one, in the order of the records."""
    values = _values(records)
    return tuple(
        Difference(later, earlier, _contrasts({later: 1.0, earlier: -1.0}, values))
        for earlier, later in combinations(values, 2)
    )


def two_by_two(records: Iterable[ProbeRecord], recipes: Sequence[ArmRecipe]) -> tuple[TwoByTwo, ...]:
    """One table for each memory and adapter that ran alone and together, beside the arm with neither."""
    values = _values(records)
    asked = [recipe for recipe in reversed(recipes) if recipe.name in values]
    named = {(recipe.memory, recipe.adapter): recipe.name for recipe in asked}
    reading = {recipe.memory: recipe.name for recipe in asked if recipe.rests_on_reader}
    plain = {recipe.memory: recipe.name for recipe in asked if not recipe.uses_adapter and not recipe.reader}
    tables = []
    for recipe in recipes:
        if recipe.memory is Memory.NONE or not recipe.uses_adapter or recipe.name not in values:
            continue
        # Beside an arm that reads with the reader, one that does too; where none ran, the one without.
        prompt = reading.get(recipe.memory) if recipe.reader else None
        prompt = prompt or plain.get(recipe.memory)
        weights = named.get((Memory.NONE, recipe.adapter))
        if prompt is not None and weights is not None:
            arms = {"neither": BASELINE, "prompt": prompt, "weights": weights, "both": recipe.name}
            tables.append(TwoByTwo(recipe.memory.value, recipe.adapter, arms, _cells(arms, values)))
    return tuple(tables)


def _cells(arms: Mapping[str, str], values: Mapping[str, _Values]) -> dict[str, dict[str, Estimate]]:
    cells = {cell: _contrasts({arm: 1.0}, values) for cell, arm in arms.items()}
    cells["interaction"] = _contrasts(
        {arms["both"]: 1.0, arms["prompt"]: -1.0, arms["weights"]: -1.0, arms["neither"]: 1.0}, values
    )
    measured = [name for name in COMPARED if cells["interaction"][name].mean is not None]
    return {name: {cell: estimates[name] for cell, estimates in cells.items()} for name in measured}


def _values(records: Iterable[ProbeRecord]) -> dict[str, _Values]:
    """By arm and measure, what each answer counts, by question."""
    by_arm = group_by_arm(records)
    base = {record.question: record for record in by_arm.get(BASELINE, [])}
    values: dict[str, _Values] = {}
    for arm, answers in by_arm.items():
        of_arm: dict[str, dict[Question, tuple[str, float]]] = {name: {} for name in COMPARED}
        for record in answers:
            for name, value in COMPARED.items():
                if (counted := value(record, base[record.question])) is not None:
                    of_arm[name][record.question] = record.unit, counted
        values[arm] = of_arm
    return values


def _contrasts(weights: Mapping[str, float], values: Mapping[str, _Values]) -> dict[str, Estimate]:
    """The weighted sum of several arms' values, question by question, averaged, by measure."""
    estimates: dict[str, Estimate] = {}
    for name in COMPARED:
        tables = [(weight, values[arm][name]) for arm, weight in weights.items()]
        by_unit: dict[str, list[float]] = {}
        for question, (unit, _) in tables[0][1].items():
            if all(question in table for _, table in tables):
                by_unit.setdefault(unit, []).append(sum(weight * table[question][1] for weight, table in tables))
        estimates[name] = mean_estimate(by_unit)
    return estimates
