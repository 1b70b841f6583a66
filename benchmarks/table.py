"""The one table that `make bench` prints: what a user waits for, beside what they would otherwise use, or a limit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_HEADS = ("what", "unit", "ours", "against", "theirs", "ratio", "least to most", "wanted", "reached")


@dataclass(frozen=True, slots=True)
class Row:
    """Ours and theirs, taken by turns: one ratio for each turn, of which the median counts.

    `wanted` is the ratio to reach: at most that much, or, where `more_is_better`, at least; None where nobody asked for
    one. `note` says what else is to be known.
    """

    what: str
    against: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    wanted: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        return [one / other for one, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def reached(self) -> bool | None:
        if self.wanted is None:
            return None
        return self.ratio >= self.wanted if self.more_is_better else self.ratio <= self.wanted


def against_limit(what: str, unit: str, ours: Sequence[float], limit: float, note: str = "") -> Row:
    """A figure that is to stay under a limit: the ratio is its share of that."""
    return Row(what, f"a limit of {limit:g} {unit}", unit, ours, [limit] * len(ours), wanted=1.0, note=note)


def rounds(budget_s: float, *, least: int = 3, most: int = 30) -> Iterator[int]:
    """Numbers of turns: as many as fit into the budget, but not fewer than `least`."""
    began = time.perf_counter()
    for number in range(most):
        spent = time.perf_counter() - began
        if number >= least and spent * (number + 1) / number > budget_s:
            return
        yield number


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def render(rows: Sequence[Row]) -> str:
    """The table in Markdown, columns aligned, so that it reads as well in a terminal as in a document."""
    lines = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    told = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    told.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"{row.what}: {row.note}" for row in rows if row.note]
    return "\n".join([*told, *([""] if notes else []), *notes])


def as_json(row: Row) -> dict[str, Any]:
    return asdict(row) | {"ratio": row.ratio, "reached": row.reached}


def from_json(read: dict[str, Any]) -> Row:
    return Row(**{name: value for name, value in read.items() if name not in ("ratio", "reached")})


def _cells(row: Row) -> tuple[str, ...]:
    wanted = "" if row.wanted is None else f"{'>=' if row.more_is_better else '<='} {row.wanted:g}"
    return (
        row.what,
        row.unit,
        f"{statistics.median(row.ours):.4g}",
        row.against,
        f"{statistics.median(row.theirs):.4g}",
        f"{row.ratio:.3f}",
        f"{min(row.ratios):.3f} to {max(row.ratios):.3f}" if len(row.ratios) > 1 else "one run",
        wanted,
        {True: "yes", False: "no", None: ""}[row.reached],
    )
