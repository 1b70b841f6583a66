"""The lesson browser's verbs: list, edit, pin, retire, restore, and where a lesson comes from and went."""

from __future__ import annotations

from dataclasses import replace

from studio.domain.identity import utc_now
from studio.domain.lessons import Lesson, LessonKind, LessonStatus, LessonUse, ScopeKind
from studio.domain.log import Correction
from studio.errors import NotFoundError, UsageError
from studio.services.learn_lessons import embed_lesson
from studio.services.studio import Studio, off_loop


async def lessons(studio: Studio) -> list[Lesson]:
    """All lessons, retired ones included, oldest first."""
    return await off_loop(studio.log.lessons.all)


async def newest_lessons(studio: Studio, most: int) -> tuple[list[Lesson], int]:
    """At most so many, newest first, and how many there are in all."""
    return await off_loop(lambda: (studio.log.lessons.newest(most), studio.log.lessons.count()))


async def labels_of_lessons(studio: Studio) -> dict[str, tuple[str, ...]]:
    """By lesson, the labels of the questions it was learnt from; of those that have any."""
    return await off_loop(studio.log.lessons.labels)


async def edit_lesson(studio: Studio, lesson: Lesson) -> Lesson:
    """Save an edited lesson under a new revision and find it by its new words. Raises UsageError on an empty one.

    Of all else, as whether it is in use, what the log says by now holds: it may have been retired while it was edited.
    One that is given a scope beyond the questions like its example is a rule of style from then on.
    """
    if not lesson.title.strip() or not lesson.guidance.strip():
        raise UsageError("A lesson needs a title and guidance.", "Fill both in, or retire the lesson.")
    stored = await off_loop(studio.log.lessons.get, lesson.id)
    edited = await _update(
        studio,
        replace(
            stored,
            title=lesson.title,
            applies_when=lesson.applies_when,
            guidance=lesson.guidance,
            example_question=lesson.example_question,
            example_answer=lesson.example_answer,
            scope=lesson.scope,
            kind=stored.kind if lesson.scope.kind is ScopeKind.LIKE else LessonKind.STYLE,
            weak=False,  # edited by hand it is the user's word: no longer weak by the old proof
        ),
    )
    await embed_lesson(studio, edited)
    return edited


async def pin_lesson(studio: Studio, lesson_id: str, pinned: bool) -> Lesson:
    """A pinned lesson is given to every question."""
    lesson = await off_loop(studio.log.lessons.get, lesson_id)
    if pinned and lesson.status is LessonStatus.RETIRED:
        raise UsageError(f"The lesson '{lesson.title}' is retired.", "Restore it before pinning it.")
    return await _update(studio, replace(lesson, pinned=pinned))


async def retire_lesson(studio: Studio, lesson_id: str) -> Lesson:
    """Take a lesson out of use without deleting it."""
    lesson = await off_loop(studio.log.lessons.get, lesson_id)
    retired = replace(lesson, status=LessonStatus.RETIRED, pinned=False, retired_reason="retired by hand")
    return await _update(studio, retired)


async def restore_lesson(studio: Studio, lesson_id: str) -> Lesson:
    """Put a retired lesson back into use."""
    lesson = await off_loop(studio.log.lessons.get, lesson_id)
    restored = replace(lesson, status=LessonStatus.ACTIVE, retired_reason="", replaced_by=None)
    saved = await _update(studio, restored)
    await embed_lesson(studio, saved)
    return saved


async def lesson_sources(studio: Studio, lesson_id: str) -> list[Correction]:
    """The corrections a lesson was distilled from."""

    def read() -> list[Correction]:
        found = []
        for source in studio.log.lessons.get(lesson_id).source_ids:
            try:
                found.append(studio.log.corrections.get(source))
            except NotFoundError:
                continue
        return found

    return await off_loop(read)


async def lesson_uses(studio: Studio, lesson_id: str) -> list[LessonUse]:
    """The answers a lesson was given to, newest first."""
    return await off_loop(studio.log.lessons.uses, lesson_id)


async def _update(studio: Studio, lesson: Lesson) -> Lesson:
    updated = replace(lesson, updated_at=utc_now(), revision=lesson.revision + 1)
    await off_loop(studio.log.lessons.update, updated)
    return updated
