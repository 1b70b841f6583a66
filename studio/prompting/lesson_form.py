"""How retrieved lessons are put before the model: after the question, in the same message.

The form was found by measurement on SmolLM2-135M (docs/lessons.md): small models copy what they read last, and
use a fact more often when it comes with the question it answers and is followed by being asked once more.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson

_ASKED_AGAIN = "What is your answer?"


def with_lessons(question: str, lessons: Sequence[RetrievedLesson]) -> str:
    """The user message: the question, then the lessons, the best one nearest the answer. Without any, the question."""
    if not lessons:
        return question
    notes = [as_note(retrieved.lesson) for retrieved in reversed(lessons)]
    return "\n".join([question, "", *notes, _ASKED_AGAIN])


def as_note(lesson: Lesson) -> str:
    """A lesson in words. `guidance` is what counts: edited by hand, it is the edited words that are given."""
    if not lesson.example_question.strip():
        return lesson.guidance
    if lesson.kind is LessonKind.FACT:
        return f'The answer to the question "{lesson.example_question}" is: {lesson.guidance}'
    return f'{lesson.guidance}\nFor example, the answer to "{lesson.example_question}" is: {lesson.example_answer}'
