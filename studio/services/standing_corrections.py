"""Which corrections stand: those in force whose answers the user has not contradicted since, in other words.

A correction of the same prompt supersedes the earlier one. One of the same question in other words does not: that it is
the same is told by likeness, and retires the earlier one's lesson. What that lesson said is not to be taught by other
ways either. A lesson that the user retired by hand says nothing of its correction.
"""

from __future__ import annotations

from studio.domain.log import Correction
from studio.domain.stores import Log
from studio.lessons.behind import CONTRADICTED


def standing_corrections(log: Log) -> list[Correction]:
    """Oldest first: what nights train on, and the context arm is given. Once what contradicts one is undone, it is
    among them again."""
    with log.one_look():
        contradicted = log.lessons.sources_retired(CONTRADICTED)
        return [correction for correction in log.corrections.in_force() if correction.id not in contradicted]
