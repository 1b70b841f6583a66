"""Intervals: the percentile bootstrap (Efron 1979) over independent units, 95%, seeded.

The unit is the correction, not the question: three rewordings of one correction stand or fall together, and
counting them as three would make intervals too narrow. For general probes the unit is the probe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from studio.domain.measures import Estimate

FEWEST_UNITS = 5
"""With fewer units no interval is given: resampling so few would promise more than is known."""

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
    low, high = _interval(pairs)
    return Estimate(mean, low, high, len(pairs))


def _interval(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    # Here, not above: the app starts without it.
    import numpy as np

    table = np.array(pairs)
    generator = np.random.default_rng(_SEED)
    # How often each unit is drawn, instead of which: the sums are then one matrix product.
    drawn = generator.multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), size=_RESAMPLES)
    above, below = (drawn @ table).T
    low, high = np.percentile(above[below != 0] / below[below != 0], [2.5, 97.5])
    return float(low), float(high)
