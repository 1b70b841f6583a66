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

    @property
    def is_inconclusive(self) -> bool:
        """Of a difference: whether it may as well be none, because its interval spans zero or there is no interval."""
        return self.low is None or self.high is None or self.low <= 0 <= self.high
