"""How retrieved lessons are put before the model: facts after the question, rules as a question answered by them.

The default was found by measurement on SmolLM2-135M (docs/lessons.md): small models copy what they read last, and
use a fact more often when it comes with the question it answers and is followed by being asked once more; and what they
seem to have done before they do again, be it to keep a rule or to answer by a note. Other models may read facts better
in one of the other forms (`LessonForm`); rules have one form.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.generation import ChatMessage, Role
from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson
from studio.domain.same_question import folded
from studio.prompting.prompt_forms import LessonForm

_TIMES_SHOWN = 2  # one example seen twice is kept to more often than one seen once
_ASKED_AGAIN = "What is your answer?"
_KNOWN = "Known facts:"


def with_lessons(question: str, lessons: Sequence[RetrievedLesson]) -> str:
    """The user message: the question, then the lessons, the best one nearest the answer. Without any, the question."""
    if not lessons:
        return question
    notes = [as_note(retrieved.lesson) for retrieved in reversed(lessons)]
    return "\n".join([question, "", *notes, _ASKED_AGAIN])


def shown_answered(question: str, lessons: Sequence[RetrievedLesson]) -> tuple[ChatMessage, ...]:
    """Two earlier turns in which this very question was answered as its lesson says; none without such a fact."""
    for one in _facts(lessons):
        if folded(one.lesson.example_question) == folded(question):
            return _TIMES_SHOWN * _as_turn(one)
    return ()


def asked(question: str, lessons: Sequence[RetrievedLesson], form: LessonForm = LessonForm.AFTER) -> str:
    """The user message as arms send it: the question, the rules, and of the facts what this form puts here."""
    under_rules = _under_rules(question, [one.lesson for one in _rules(lessons)])
    facts = _facts(lessons)
    match form:
        case LessonForm.SHOWN | LessonForm.AFTER:
            return with_lessons(under_rules, facts)
        case LessonForm.BEFORE:
            return f"{_known(facts)}\n\n{under_rules}" if facts else under_rules
        case LessonForm.TURN:  # a fact in its own words answers no question that could have been asked
            return with_lessons(under_rules, [one for one in facts if not _has_question(one.lesson)])
        case LessonForm.SYSTEM:
            return under_rules


def turns_shown(lessons: Sequence[RetrievedLesson], form: LessonForm = LessonForm.AFTER) -> tuple[ChatMessage, ...]:
    """What the lessons show as earlier turns, the best ones last: each rule's example, asked under the rule and
    answered by it; and in two forms each fact, as a question that was answered, beside its note or without it."""
    rules = tuple(
        message
        for one in _TIMES_SHOWN * _rules(lessons)
        if _has_question(one.lesson)
        for message in (
            ChatMessage(Role.USER, _under_rules(one.lesson.example_question, [one.lesson])),
            ChatMessage(Role.ASSISTANT, one.lesson.example_answer),
        )
    )
    if form not in (LessonForm.SHOWN, LessonForm.TURN):
        return rules
    facts = [one for one in reversed(_facts(lessons)) if _has_question(one.lesson)]
    as_turn = _in_use if form is LessonForm.SHOWN else _as_turn
    return rules + tuple(message for fact in facts for message in as_turn(fact))


def _in_use(fact: RetrievedLesson) -> tuple[ChatMessage, ...]:
    noted = with_lessons(fact.lesson.example_question, [fact])
    return ChatMessage(Role.USER, noted), ChatMessage(Role.ASSISTANT, fact.lesson.guidance)


def _as_turn(fact: RetrievedLesson) -> tuple[ChatMessage, ...]:
    return ChatMessage(Role.USER, fact.lesson.example_question), ChatMessage(Role.ASSISTANT, fact.lesson.guidance)


def system_with(system: str, lessons: Sequence[RetrievedLesson], form: LessonForm = LessonForm.AFTER) -> str:
    """The system message, and in that form the facts below it."""
    facts = _facts(lessons)
    if form is not LessonForm.SYSTEM or not facts:
        return system
    return f"{system}\n\n{_known(facts)}" if system.strip() else _known(facts)


def _known(facts: Sequence[RetrievedLesson]) -> str:
    return "\n".join([_KNOWN, *(as_note(one.lesson) for one in reversed(facts))])


def _has_question(lesson: Lesson) -> bool:
    return bool(lesson.example_question.strip())


def _facts(lessons: Sequence[RetrievedLesson]) -> list[RetrievedLesson]:
    return [one for one in lessons if one.lesson.kind is LessonKind.FACT]


def _rules(lessons: Sequence[RetrievedLesson]) -> list[RetrievedLesson]:
    return [one for one in reversed(lessons) if one.lesson.kind is LessonKind.STYLE]


def _under_rules(question: str, rules: Sequence[Lesson]) -> str:
    return "\n".join([question, "", *(rule.guidance for rule in rules)]) if rules else question


def as_note(lesson: Lesson) -> str:
    """A lesson in words. `guidance` is what counts: edited by hand, it is the edited words that are given."""
    if not _has_question(lesson):
        return lesson.guidance
    if lesson.kind is LessonKind.FACT:
        return f'The answer to the question "{lesson.example_question}" is: {lesson.guidance}'
    return f'{lesson.guidance}\nFor example, the answer to "{lesson.example_question}" is: {lesson.example_answer}'
