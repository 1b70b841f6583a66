"""A measured figure with its uncertainty: what evaluation computes, reports print and nights keep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95% interval. `n` counts the independent units behind it: corrections, or general probes.

    `mean` is None where nothing was measured; `low` and `high` are None where `n` is too small for an interval.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
