"""Intervals: the percentile bootstrap (Efron 1979) over independent units, 95%, seeded.

The unit is the correction, not the question: three rewordings of one correction stand or fall together, and
counting them as three would make intervals too narrow. For general probes the unit is the probe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from studio.domain.measures import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST_UNITS = 5
"""With fewer units no interval is given: resampling so few would promise more than is known."""

MOST_RESAMPLED = 500
"""With more units the interval is the normal one, which differs by less than is shown."""

_RESAMPLES = 5_000
_SEED = 20_250_101


def mean_estimate(values: Mapping[str, Sequence[float]]) -> Estimate:
    """The mean of all values, which are grouped by unit.

    Paired differences are estimated by passing the differences. Every call draws the same units, so that
    estimates over the same corrections are comparable. Where all values agree the interval has no width, which
    is a limit of the bootstrap, not certainty.
    """
    return ratio_estimate((sum(group), float(len(group))) for group in values.values() if group)


def ratio_estimate(units: Iterable[tuple[float, float]]) -> Estimate:
    """The sum of numerators over the sum of denominators, each unit giving one of both.

    The mean is None without units or where the denominators sum to 0.
    """
    pairs = list(units)
    denominator = sum(below for _, below in pairs)
    if not pairs or denominator == 0:
        return Estimate(None, None, None, len(pairs))
    mean = sum(above for above, _ in pairs) / denominator
    if len(pairs) < FEWEST_UNITS:
        return Estimate(mean, None, None, len(pairs))
    return Estimate(mean, *_interval([pairs], [1.0]), len(pairs))


def weighted_sum_of_ratios(terms: Sequence[tuple[float, Mapping[str, tuple[float, float]]]]) -> Estimate:
    """The sum of weight * (sum of numerators / sum of denominators) over terms that share their units.

    Each resample draws the same units for all terms: what is learnt of one correction is in every term that asks for
    it. A term's units may be fewer than those of all terms. None where a term has none.
    """
    units = sorted({unit for _, by_unit in terms for unit in by_unit})
    tables = [[by_unit.get(unit, (0.0, 0.0)) for unit in units] for _, by_unit in terms]
    below = [sum(pair[1] for pair in table) for table in tables]
    if not terms or not all(below):
        return Estimate(None, None, None, len(units))
    weights = [weight for weight, _ in terms]
    mean = sum(
        weight * sum(pair[0] for pair in table) / total
        for weight, table, total in zip(weights, tables, below, strict=True)
    )
    if len(units) < FEWEST_UNITS:
        return Estimate(mean, None, None, len(units))
    return Estimate(mean, *_interval(tables, weights), len(units))


def _interval(tables: Sequence[Sequence[tuple[float, float]]], weights: Sequence[float]) -> tuple[float, float]:
    # Here, not above: the app starts without it.
    import numpy as np

    units = len(tables[0])
    if units > MOST_RESAMPLED:
        return _normal_interval(tables, weights)
    drawn = _drawn(units)
    total = np.zeros(_RESAMPLES)
    for weight, table in zip(weights, tables, strict=True):
        above, below = (drawn @ np.array(table)).T
        # A resample without anything to divide by says nothing; it is left out of the percentiles.
        total += weight * np.divide(above, below, out=np.full(_RESAMPLES, np.nan), where=below != 0)
    low, high = np.nanpercentile(total, [2.5, 97.5])
    return float(low), float(high)


@lru_cache(maxsize=4)
def _drawn(units: int) -> NDArray[np.uint16]:
    """How often each unit is drawn, instead of which: the sums are then one matrix product.

    Kept, at most five megabytes each, for drawing takes far longer than that product.
    """
    import numpy as np

    generator = np.random.default_rng(_SEED)
    return generator.multinomial(units, np.full(units, 1 / units), size=_RESAMPLES).astype(np.uint16)


def _normal_interval(tables: Sequence[Sequence[tuple[float, float]]], weights: Sequence[float]) -> tuple[float, float]:
    """What the bootstrap tends to with many units: 1.96 standard errors to either side, of the linearised ratios."""
    import numpy as np

    mean, influence = 0.0, np.zeros(len(tables[0]))
    for weight, table in zip(weights, tables, strict=True):
        above, below = np.array(table).T
        ratio = above.sum() / below.sum()
        mean += weight * ratio
        influence += weight * (above - ratio * below) / below.sum()
    error = float(np.sqrt(np.square(influence).sum()))
    return float(mean - 1.96 * error), float(mean + 1.96 * error)


def chance_of_gain(differences: Sequence[int]) -> float:
    """How likely differences that sum to this much or more are where each might as well have had the other sign.

    The exact one-sided permutation test for pairs (Fisher 1935): small is a gain that is not chance; 1 without any.
    """
    sums = {0: 1}
    for difference in differences:
        flipped: dict[int, int] = {}
        for so_far, ways in sums.items():
            for signed in (so_far + difference, so_far - difference):
                flipped[signed] = flipped.get(signed, 0) + ways
        sums = flipped
    reached = sum(differences)
    as_much: int = sum(ways for total, ways in sums.items() if total >= reached)
    return as_much / (1 << len(differences))
