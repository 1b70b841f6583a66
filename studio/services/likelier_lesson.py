"""Of lessons that fit a question about equally well by likeness, the one that is meant.

Vectors hardly tell hall 7 from hall 8: a lesson whose question names the numbers that are asked about goes before those
that do not. Of the two best the model then chooses. The embedder has six layers and has read little; the model that
answers has read much, and knows what people ask next. Each lesson is put before it as a question that was answered, and
the new question as what the user asks after that: its log likelihood decides (query likelihood, Ponte and Croft, SIGIR
1998). Measured in docs/lessons.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from studio.domain.generation import ChatMessage, Lane, LaneFinished, Priority, Role
from studio.domain.lessons import LessonKind, RetrievedLesson
from studio.errors import EngineError
from studio.evaluation.words import words
from studio.services.studio import Studio

NEARLY_AS_GOOD = 0.02
"""A lesson whose score is this near to the best one's may be the one meant."""
MOST_NEAR = 8
"""As many of these are looked at for what numbers they name."""
MOST_COMPARED = 2
"""As many of these the model compares: a third was never meant, and costs a prompt (docs/lessons.md)."""


async def likeliest_first(
    studio: Studio, question: str, found: Sequence[RetrievedLesson], *, priority: Priority
) -> list[RetrievedLesson]:
    """`found` again, the fact that is meant before others that are nearly as good as the best.

    As it is where there is nothing to choose, or the engine does not tell how likely a text is.
    """
    facts = [one for one in found if _may_be_meant(one)]
    near = [one for one in facts if one.score >= facts[0].score - NEARLY_AS_GOOD][:MOST_NEAR]
    naming = [one for one in near if _numbers(question) <= _numbers(one.lesson.example_question)]
    compared = (naming or near)[:MOST_COMPARED]
    chosen = [*naming, *(one for one in near if one not in naming)]
    if len({one.lesson.guidance for one in compared}) > 1:
        likely = await _log_likelihoods(studio, question, compared, priority)
        if likely is not None:
            chosen[: len(compared)] = sorted(compared, key=lambda one: -likely[one.lesson.id])
    in_order = iter(chosen)
    return [next(in_order) if one in near else one for one in found]


def _numbers(text: str) -> frozenset[str]:
    """The words of a text that have a digit."""
    return frozenset(word for word in words(text) if any(map(str.isdigit, word)))


def _may_be_meant(one: RetrievedLesson) -> bool:
    """A fact that was found by likeness, and can be shown as a question that was answered."""
    lesson = one.lesson
    return lesson.kind is LessonKind.FACT and not lesson.pinned and bool(lesson.example_question.strip())


async def _log_likelihoods(
    studio: Studio, question: str, lessons: Sequence[RetrievedLesson], priority: Priority
) -> dict[str, float] | None:
    """Of the question after each lesson, in nats, by the lesson's id; None where it cannot be told."""
    kept = studio.question_likelihoods
    model = (await studio.model()).sha256
    keys = {one.lesson.id: (model, question, one.lesson.id, one.lesson.revision) for one in lessons}
    known = {lesson_id: kept[key] for lesson_id, key in keys.items() if key in kept}
    lanes = [
        Lane(one.lesson.id, _asked_after(one, question), forced=True) for one in lessons if one.lesson.id not in known
    ]
    try:
        async with aclosing(studio.engine.generate(lanes, priority=priority)) as events:
            async for event in events:
                if isinstance(event, LaneFinished) and (mean := event.completion.mean_log_probability) is not None:
                    known[event.key] = mean * event.completion.completion_tokens
    except EngineError:
        return None
    if len(known) < len(keys):
        return None
    if len(kept) > studio.MOST_QUESTIONS_KEPT:
        kept.clear()
    kept.update({key: known[lesson_id] for lesson_id, key in keys.items()})
    return known


def _asked_after(one: RetrievedLesson, question: str) -> tuple[ChatMessage, ...]:
    return (
        ChatMessage(Role.USER, one.lesson.example_question),
        ChatMessage(Role.ASSISTANT, one.lesson.guidance),
        ChatMessage(Role.USER, question),
    )
