"""Arms: the ways of answering that are compared. A recipe is a value; users define their own in studio.toml."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Memory(StrEnum):
    """What of the corrections is put into the prompt."""

    NONE = "none"
    CONTEXT = "context"  # every correction in force, newest first, within a token budget
    LESSONS = "lessons"  # only the lessons retrieved for this question


NO_ADAPTER = "none"
ACTIVE_ADAPTER = "active"
READER_ADAPTER = "reader"


@dataclass(frozen=True, slots=True)
class ArmRecipe:
    """One arm. `adapter` is 'none', 'active' (the promoted one), a version number such as '3', or 'reader'.

    The reader is an adapter that has learnt to use lessons; it knows no user's facts, and comes with the model.
    `scale` None takes the scale chosen at the adapter's promotion, or the dial's where the user turned it; the reader's
    is then 1. `scope` is how near a question must be to a correction that the adapter was trained on for the adapter to
    answer it, in [-1, 1]; -1 is every question, None takes the setting. The reader is for questions given a lesson.
    """

    name: str
    memory: Memory = Memory.NONE
    adapter: str = NO_ADAPTER
    scale: float | None = None
    scope: float | None = None

    @property
    def uses_adapter(self) -> bool:
        """Whether it answers with an adapter that nights trained."""
        return self.adapter not in (NO_ADAPTER, READER_ADAPTER)

    @property
    def uses_reader(self) -> bool:
        return self.adapter == READER_ADAPTER


FROZEN = ArmRecipe("frozen")
CONTEXT = ArmRecipe("context", memory=Memory.CONTEXT)
LESSONS = ArmRecipe("lessons", memory=Memory.LESSONS)
LORA = ArmRecipe("lora", adapter=ACTIVE_ADAPTER)
LORA_LESSONS = ArmRecipe("lora+lessons", memory=Memory.LESSONS, adapter=ACTIVE_ADAPTER)
READER_LESSONS = ArmRecipe("reader+lessons", memory=Memory.LESSONS, adapter=READER_ADAPTER)

STANDARD_ARMS: tuple[ArmRecipe, ...] = (FROZEN, CONTEXT, LESSONS, LORA, LORA_LESSONS, READER_LESSONS)
