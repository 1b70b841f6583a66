"""Which older corrections a night learns again, where there is no time for all.

Prioritised interactive experience replay (PIER of ASkDAgger, arXiv 2508.05310), without its uncertainty term, which the
log does not hold for every answer: what was wrong when last asked is most likely to be taken, and the more so the
later it was trained; what was right least, and the less so. Corrections that no night has learnt yet come first.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

BASE = 10.0
EXPONENT = 1.5


@dataclass(frozen=True, slots=True)
class Standing:
    """How a correction stands. `trained` counts nights from the first, None where none has learnt it yet; `right`
    whether the arm with the adapter answered rightly when it was last asked, None where it was not."""

    correction_id: str
    trained: int | None
    right: bool | None


def choose(standings: Sequence[Standing], most: int, seed: int) -> list[str]:
    """At most `most` ids, in the order given (oldest correction first); the same for a seed."""
    new = [one.correction_id for one in standings if one.trained is None][-most:]
    older = [one for one in standings if one.trained is not None]
    weights = _weights(older)
    draw = random.Random(seed)  # noqa: S311 - variety, not a secret
    # The largest of u^(1/w) are a draw without replacement by weight w (Efraimidis and Spirakis 2006).
    keys = [math.log(1 - draw.random()) / weight for weight in weights]
    best = sorted(range(len(older)), key=lambda place: keys[place], reverse=True)[: most - len(new)]
    chosen = {*new, *(older[place].correction_id for place in best)}
    return [one.correction_id for one in standings if one.correction_id in chosen]


def _weights(older: Sequence[Standing]) -> list[float]:
    """P_i, not normalised: p^a with p = 1 - r (b^(1-c) - 1) / (b - 1), c the age; never zero, so that none is lost."""
    latest = max((one.trained or 0 for one in older), default=0)
    weights = []
    for one in older:
        age = (latest - (one.trained or 0)) / max(latest, 1)
        success = 0 if one.right is None else 1 if one.right else -1
        priority = 1 - success * (BASE ** (1 - age) - 1) / (BASE - 1)
        weights.append(max(priority, 0.01) ** EXPONENT)
    return weights
