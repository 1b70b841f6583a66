"""The lessons that fit a question, from an index in memory that follows the log, whoever writes to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.domain.generation import ChatMessage, Priority
from studio.domain.lessons import LessonKind, LessonStatus, RetrievedLesson
from studio.domain.same_question import folded
from studio.services.lessons_in_place import answered_differently, own_first
from studio.services.likelier_lesson import MOST_NEAR, likeliest_first
from studio.services.studio import Studio, off_loop

if TYPE_CHECKING:
    from studio.lessons.retrieve import LessonIndex


RULES_GIVEN = 2
"""The most rules of style given to one question, beside what is found by likeness."""
MOST_TAKEN_IN = 500
"""Where more lessons than these have changed, all are read anew, off the event loop."""


async def fitting_lessons(
    studio: Studio,
    index: LessonIndex,
    question: str,
    *,
    history: Sequence[ChatMessage] = (),
    priority: Priority = Priority.INTERACTIVE,
) -> list[RetrievedLesson]:
    """The lessons to give, best first, rules of style last; none where nothing fits. Raises EmbedderError.

    Of facts that fit about equally well the model in use chooses. The very question that was corrected is given its own
    lesson alone, and what is pinned: the answer is known, and other rules would only change it. Where it was corrected
    after other messages than this `history` it is another question; and where it was answered differently after
    different ones, none of these answers is given.
    """
    if not len(index):
        return []
    await embed_questions(studio, [question])
    wanted = studio.settings.prompt
    vector = studio.question_vectors[question]
    k = wanted.lessons_given
    found = index.fitting(question, vector, k=max(k, MOST_NEAR), threshold=wanted.lessons_threshold, rules=RULES_GIVEN)
    asked = [one for one in found if folded(one.lesson.example_question) == folded(question)]
    if asked and (own := await off_loop(own_first, studio.log, asked, tuple(history))):
        found = [one for one in found if one is own[0] or one.lesson.pinned]
    else:
        unclear = answered_differently(asked)
        found = [one for one in found if one not in unclear]
        found = await likeliest_first(studio, question, found, priority=priority)
    by_likeness = [one for one in found if not one.lesson.pinned and one.lesson.kind is not LessonKind.STYLE]
    too_many = by_likeness[k:]
    return [replace(one, rank=rank) for rank, one in enumerate((one for one in found if one not in too_many), 1)]


async def current_index(studio: Studio) -> LessonIndex:
    """The index of the active lessons; of what this or another process changed, only that is read anew."""
    from studio.lessons.retrieve import LessonIndex

    store, embedder = studio.log.lessons, studio.embedder.name
    stamp = await off_loop(store.stamp)
    if studio.lesson_index is not None and stamp == studio.lesson_stamp:
        return studio.lesson_index
    marks = await off_loop(store.marks, embedder)
    changed = [lesson_id for lesson_id, mark in marks.items() if studio.lesson_marks.get(lesson_id) != mark]
    index = studio.lesson_index
    if index is None or len(changed) > MOST_TAKEN_IN:
        index = await off_loop(lambda: LessonIndex.build(store.all(LessonStatus.ACTIVE), store.vectors(embedder)))
    else:
        lessons, vectors = await off_loop(lambda: (store.of(changed), store.vectors(embedder, changed)))
        index.take(lessons, vectors)
        index.keep_only(marks)
    studio.lesson_index, studio.lesson_stamp, studio.lesson_marks = index, stamp, marks
    return index


async def embed_questions(studio: Studio, questions: Sequence[str]) -> None:
    """Embed what is not known yet, together: each once, for all arms and every repeat. Raises EmbedderError."""
    known = studio.question_vectors
    if len(known) + len(questions) > studio.MOST_QUESTIONS_KEPT:
        known.clear()
    missing = [question for question in dict.fromkeys(questions) if question not in known]
    if missing:
        known.update(zip(missing, await studio.embedder.embed(missing), strict=True))
