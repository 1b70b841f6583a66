"""Which lessons a crash kept from following their corrections. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from studio.domain.lessons import Lesson, LessonStatus

UNDONE = "its correction was undone"
EXPLICITLY_SUPERSEDED = "its correction was superseded"
CONTRADICTED = "a newer lesson answers the same question differently"


def corrections_to_follow(
    lessons: Sequence[Lesson], in_force: Set[str], changed_at: Mapping[str, datetime]
) -> set[str]:
    """The corrections whose lessons, or what these had replaced, are out of line with what is in force.

    `lessons` are those that LessonStore.out_of_line gives, or more; `in_force` are ids of corrections. `changed_at`
    tells when it last changed whether a correction is in force. A lesson revised since then is as somebody wanted it,
    the user's hand included.
    """
    by_id = {lesson.id: lesson for lesson in lessons}
    found: set[str] = set()

    def stands(lesson: Lesson) -> bool:
        return not in_force.isdisjoint(lesson.source_ids)

    def changed_since(lesson: Lesson, other: Lesson) -> bool:
        """Whether what stands behind the other one changed after the lesson was revised."""
        changes = [changed_at[source] for source in other.source_ids if source in changed_at]
        return bool(changes) and max(changes) > lesson.updated_at

    for lesson in lessons:
        if (lesson.status is LessonStatus.ACTIVE) == stands(lesson):
            continue
        if lesson.status is LessonStatus.ACTIVE or lesson.retired_reason in (UNDONE, EXPLICITLY_SUPERSEDED):
            if changed_since(lesson, lesson):
                found.update(lesson.source_ids)
        elif (newer := by_id.get(lesson.replaced_by or "")) and not stands(newer) and changed_since(lesson, newer):
            found.update(newer.source_ids)
    return found
