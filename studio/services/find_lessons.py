"""The lessons that fit a question, from an index in memory that follows the log, whoever writes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.domain.lessons import LessonStatus, RetrievedLesson
from studio.services.studio import Studio, off_loop

if TYPE_CHECKING:
    from studio.lessons.retrieve import LessonIndex


async def find_lessons(studio: Studio, question: str) -> list[RetrievedLesson]:
    """The lessons to give, best first; none where nothing fits. Raises EmbedderError."""
    index = await current_index(studio)
    if not len(index):
        return []
    vector = await question_vector(studio, question)
    wanted = studio.settings.prompt
    return index.retrieve(question, vector, k=wanted.lessons_given, threshold=wanted.lessons_threshold)


async def current_index(studio: Studio) -> LessonIndex:
    """The index of the active lessons; read anew when this or another process changed a lesson."""
    from studio.lessons.retrieve import LessonIndex

    stamp = await off_loop(studio.log.lessons.stamp)
    if studio.lesson_index is None or stamp != studio.lesson_stamp:

        def read() -> LessonIndex:
            active = studio.log.lessons.all(LessonStatus.ACTIVE)
            return LessonIndex.build(active, studio.log.lessons.vectors(studio.embedder.name))

        studio.lesson_index, studio.lesson_stamp = await off_loop(read), stamp
    return studio.lesson_index


async def question_vector(studio: Studio, question: str) -> list[float]:
    """The embedding of a question; each is computed once, for all arms and every repeat."""
    known = studio.question_vectors
    if question not in known:
        (vector,) = await studio.embedder.embed([question])
        if len(known) >= studio.MOST_QUESTIONS_KEPT:
            known.clear()
        known[question] = vector
    return known[question]
