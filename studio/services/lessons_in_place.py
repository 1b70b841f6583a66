"""What a corrected question followed: 'And on Sundays?' asks one thing of the library, another of the pool.

Where one of two equal questions began its conversation, it makes sense by itself, and both are the same. Where both
followed something, they are the same only if that is.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.generation import ChatMessage
from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson
from studio.domain.stores import Log
from studio.lessons.behind import CONTRADICTED

History = tuple[ChatMessage, ...]


def own_first(log: Log, asked: Sequence[RetrievedLesson], history: History) -> list[RetrievedLesson]:
    """Of lessons of the very question asked after this history, its own one, first; or none where none is its own.

    `asked` are best first. That of a question which followed the same goes before those which followed nothing, and
    these before the newest of any other.
    """
    if len(asked) == 1 and not history:
        return list(asked)
    followed = _followed(log, [one.lesson for one in asked])
    same = [one for one in asked if history in followed[one.lesson.id]]
    alone = [one for one in asked if () in followed[one.lesson.id]]
    newest = sorted(asked, key=lambda one: one.lesson.created_at, reverse=True)
    return same or alone or ([] if history else newest)


def answered_differently(asked: Sequence[RetrievedLesson]) -> list[RetrievedLesson]:
    """Facts among the lessons of one question that say different things: its words alone do not tell which is meant."""
    facts = [one for one in asked if one.lesson.kind is LessonKind.FACT and not one.lesson.pinned]
    return facts if len({one.lesson.guidance for one in facts}) > 1 else []


def retired_in_place(log: Log, new: Lesson, retired: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """`retired` without those that only seem to be contradicted by `new`: their question followed something else."""
    contradicted = [old for old in retired if old.retired_reason == CONTRADICTED]
    if not contradicted:
        return tuple(retired)
    followed = _followed(log, [new, *contradicted])
    others = {old.id for old in contradicted if not _same_place(followed[new.id], followed[old.id])}
    return tuple(old for old in retired if old.id not in others)


def _same_place(one: set[History], other: set[History]) -> bool:
    return () in one or () in other or bool(one & other)


def _followed(log: Log, lessons: Sequence[Lesson]) -> dict[str, set[History]]:
    """By lesson, what the questions of its corrections in force followed; of one without any, nothing."""
    sources = {source for lesson in lessons for source in lesson.source_ids}
    histories = {one.id: one.history for one in log.corrections.in_force_of(ids=sources)}
    return {
        lesson.id: {histories[source] for source in lesson.source_ids if source in histories} or {()}
        for lesson in lessons
    }
