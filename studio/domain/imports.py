"""Corrections on their way into the log: as a file tells them, as another log holds them, and the import itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from studio.domain.generation import ChatMessage
from studio.domain.log import Correction


@dataclass(frozen=True, slots=True)
class UndoEvent:
    """A correction was taken back, or that was taken back."""

    undone: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Logged:
    """A correction with all that happened to it, as a log holds it; its id is the same in every log."""

    correction: Correction
    undo_events: tuple[UndoEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A correction as a file of another tool tells it. `original` is "" and `created_at` None where it does not say."""

    prompt: str
    corrected: str
    original: str = ""
    history: tuple[ChatMessage, ...] = ()
    created_at: datetime | None = None
    rationale: str = ""
    feedback: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """One import: from where, in which format. `corrections` counts what it brought in; `undone_at` is when it was
    taken back.
    """

    id: str
    source: str
    format: str
    created_at: datetime
    corrections: int = 0
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Additions:
    """What one import writes: all of it or nothing.

    `reinstated` are ids of corrections that came with an import that was taken back; `superseded` pairs of ids, the
    replaced and the replacing.
    """

    corrections: tuple[Logged, ...] = ()
    reinstated: tuple[str, ...] = ()
    superseded: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.corrections) + len(self.reinstated)
