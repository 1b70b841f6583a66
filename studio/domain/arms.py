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


@dataclass(frozen=True, slots=True)
class ArmRecipe:
    """One arm. `adapter` is 'none', 'active' (the promoted one), or a version number such as '3'.

    `scale` None takes the scale chosen at the adapter's promotion, or the dial's where the user turned it. `scope` is
    how near a question must be to a correction that the adapter was trained on for the adapter to answer it, in
    [-1, 1]; -1 is every question, None takes the setting. `reader` adds, where a lesson is given, the adapter that has
    learnt to use lessons: it knows no user's facts, comes with the model, and is attached as trained.
    """

    name: str
    memory: Memory = Memory.NONE
    adapter: str = NO_ADAPTER
    scale: float | None = None
    scope: float | None = None
    reader: bool = False

    @property
    def uses_adapter(self) -> bool:
        """Whether it answers with an adapter that nights trained."""
        return self.adapter != NO_ADAPTER

    @property
    def names_version(self) -> bool:
        """Whether its adapter is one of this log's nights, whichever is in use."""
        return self.adapter not in {NO_ADAPTER, ACTIVE_ADAPTER}

    @property
    def rests_on_reader(self) -> bool:
        """Whether, without a reader, it would only repeat the arm that has the same memory and nothing else."""
        return self.reader and not self.uses_adapter


FROZEN = ArmRecipe("frozen")
CONTEXT = ArmRecipe("context", memory=Memory.CONTEXT)
LESSONS = ArmRecipe("lessons", memory=Memory.LESSONS)
LORA = ArmRecipe("lora", adapter=ACTIVE_ADAPTER)
LORA_LESSONS = ArmRecipe("lora+lessons", memory=Memory.LESSONS, adapter=ACTIVE_ADAPTER, reader=True)
READER_LESSONS = ArmRecipe("reader+lessons", memory=Memory.LESSONS, reader=True)

STANDARD_ARMS: tuple[ArmRecipe, ...] = (FROZEN, CONTEXT, LESSONS, LORA, LORA_LESSONS, READER_LESSONS)
