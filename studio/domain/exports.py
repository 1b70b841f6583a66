"""What leaves the log as a dataset: which corrections, and the row that one of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

LOSSLESS_VERSION = 1
"""Of the rows that studio.exchange.lossless describes."""

_NO_WORDS = frozenset(
    ("id", "ids", "sha256", "at", "by", "supersedes", "kind", "role", "origin", "status", "state", "method", "record")
)


def holds_words(column: str) -> bool:
    """Whether a column or key can hold what a person or a model wrote, rather than an id, a hash, a time or a kind."""
    return column != "finish_reason" and column.rpartition("_")[2] not in _NO_WORDS


@dataclass(frozen=True, slots=True)
class Selection:
    """Which corrections are chosen; an empty field chooses all. Fields are joined by and, values of one field by or.

    `sessions` are ids or titles of conversations; `since` is included, `until` is not; `labels` any of which a
    correction bears; `models` names or hashes, as the corrected answer has them.
    """

    sessions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    labels: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    superseded: bool = True
    undone: bool = True

    @property
    def is_everything(self) -> bool:
        return self == Selection()


class ChoosableSession(NamedTuple):
    """A conversation in which answers were corrected, and how many."""

    id: str
    title: str
    corrections: int


@dataclass(frozen=True, slots=True)
class Choosable:
    """What a Selection can choose by in this log; mappings hold numbers of corrections. Days are of UTC, "" if none."""

    corrections: int = 0
    first_day: str = ""
    last_day: str = ""
    sessions: tuple[ChoosableSession, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    arms: Mapping[str, int] = field(default_factory=dict)
    models: Mapping[str, int] = field(default_factory=dict)


class CorrectionRow(NamedTuple):
    """A correction as datasets are made of it. `history` is JSON, a list of `{"role", "content"}`.

    `conversation` is what must stay together in a split: the id of its conversation, or its own. `system` is the system
    message the corrected answer was given, None where no answer is in the log. `model` names the model that gave it.
    A row is `suspect` where it may hold what the privacy pass looks for.
    """

    id: str
    conversation: str
    prompt: str
    original: str
    corrected: str
    history: str
    rationale: str
    labels: list[str]
    arm: str | None
    origin: str
    model: str | None
    system: str | None
    created_at: str
    suspect: bool
