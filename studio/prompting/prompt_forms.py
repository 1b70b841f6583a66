"""In which form what is remembered is put before the model: a choice that each model's own measurement makes.

The default was found by measurement on the bundled model (docs/lessons.md); services.choose_forms measures another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class LessonForm(StrEnum):
    """Where a lesson of a fact stands. The first is the default."""

    SHOWN = "shown"  # after the question, as below; and before it its own question, noted likewise and answered
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
    LessonForm.SHOWN: "a note after the question, once shown in use",
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
    earlier turns, in any form that does not show lessons in use; a model that was not taught to read them copies more
    surely than it reads.
    """

    lesson: LessonForm = LessonForm.SHOWN
    corrections: ShownForm = ShownForm.TWICE
    shows_same_question: bool = True

    def to_be_read(self) -> PromptForms:
        """The same, with nothing to copy from: lessons are not shown in use, nor their questions answered."""
        lesson = LessonForm.AFTER if self.lesson is LessonForm.SHOWN else self.lesson
        return replace(self, lesson=lesson, shows_same_question=False)


DEFAULT_FORMS = PromptForms()
READING_FORMS = DEFAULT_FORMS.to_be_read()
"""What a reader was trained on, and by what a lesson is proved."""
