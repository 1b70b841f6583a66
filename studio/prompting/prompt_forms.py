"""In which form what is remembered is put before the model: a choice that each model's own measurement makes.

The default was found by measurement on the bundled model (docs/lessons.md); services.choose_forms measures another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class LessonForm(StrEnum):
    """Where a lesson of a fact stands."""

    AFTER = "after"  # after the question, which is then asked once more
    BEFORE = "before"
    TURN = "turn"
    SYSTEM = "system"


class ShownForm(StrEnum):
    """How often the context arm shows the corrections; twice only where all of them fit twice."""

    TWICE = "twice"
    ONCE = "once"

    @property
    def times(self) -> int:
        return 2 if self is ShownForm.TWICE else 1


IN_WORDS: Mapping[str, str] = {
    LessonForm.AFTER: "a note after the question",
    LessonForm.BEFORE: "known facts before the question",
    LessonForm.TURN: "an earlier turn, question and answer",
    LessonForm.SYSTEM: "known facts in the system message",
    ShownForm.TWICE: "all corrections twice",
    ShownForm.ONCE: "all corrections once",
}


@dataclass(frozen=True, slots=True)
class PromptForms:
    """The forms of one model: of the lessons that are given, and of the context arm's corrections.

    `shows_same_question`: where the very question that was corrected is asked again, its lesson stands before it as two
    earlier turns, whatever the form; a model that was not taught to read lessons copies more surely than it reads.
    """

    lesson: LessonForm = LessonForm.AFTER
    corrections: ShownForm = ShownForm.TWICE
    shows_same_question: bool = True


DEFAULT_FORMS = PromptForms()
READING_FORMS = PromptForms(shows_same_question=False)
"""What a reader was trained on, and by what a lesson is proved: it is to be read."""
