"""How retrieved lessons are put before the model: facts after the question, rules as a question answered by them.

The forms were found by measurement on SmolLM2-135M (docs/lessons.md): small models copy what they read last, and
use a fact more often when it comes with the question it answers and is followed by being asked once more. A rule they
keep best when they seem to have kept it before.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.generation import ChatMessage, Role
from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson

_TIMES_SHOWN = 2  # one example seen twice is kept to more often than one seen once
_ASKED_AGAIN = "What is your answer?"


def with_lessons(question: str, lessons: Sequence[RetrievedLesson]) -> str:
    """The user message: the question, then the lessons, the best one nearest the answer. Without any, the question."""
    if not lessons:
        return question
    notes = [as_note(retrieved.lesson) for retrieved in reversed(lessons)]
    return "\n".join([question, "", *notes, _ASKED_AGAIN])


def asked(question: str, lessons: Sequence[RetrievedLesson]) -> str:
    """The user message as arms send it: the question, the rules, then what `with_lessons` makes of the facts."""
    facts = [one for one in lessons if one.lesson.kind is LessonKind.FACT]
    return with_lessons(_under_rules(question, [one.lesson for one in _rules(lessons)]), facts)


def rules_shown(lessons: Sequence[RetrievedLesson]) -> tuple[ChatMessage, ...]:
    """Each rule's example as earlier turns, asked under the rule and answered by it; the best rule last."""
    return tuple(
        message
        for one in _TIMES_SHOWN * _rules(lessons)
        if one.lesson.example_question.strip()
        for message in (
            ChatMessage(Role.USER, _under_rules(one.lesson.example_question, [one.lesson])),
            ChatMessage(Role.ASSISTANT, one.lesson.example_answer),
        )
    )


def _rules(lessons: Sequence[RetrievedLesson]) -> list[RetrievedLesson]:
    return [one for one in reversed(lessons) if one.lesson.kind is LessonKind.STYLE]


def _under_rules(question: str, rules: Sequence[Lesson]) -> str:
    return "\n".join([question, "", *(rule.guidance for rule in rules)]) if rules else question


def as_note(lesson: Lesson) -> str:
    """A lesson in words. `guidance` is what counts: edited by hand, it is the edited words that are given."""
    if not lesson.example_question.strip():
        return lesson.guidance
    if lesson.kind is LessonKind.FACT:
        return f'The answer to the question "{lesson.example_question}" is: {lesson.guidance}'
    return f'{lesson.guidance}\nFor example, the answer to "{lesson.example_question}" is: {lesson.example_answer}'
