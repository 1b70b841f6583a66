"""By which correction the answers to a question are judged: its own, or that of the question it is a rewording of."""

from __future__ import annotations

from dataclasses import dataclass

from studio.domain.lessons import LessonKind
from studio.domain.log import Correction
from studio.errors import EmbedderError
from studio.services.find_lessons import current_index, fitting_lessons
from studio.services.record_correction import correction_in_force, same_question
from studio.services.studio import Studio, off_loop


@dataclass(frozen=True, slots=True)
class Judging:
    """`reworded` is the corrected question where another one was asked: what is judged by it says so."""

    correction: Correction
    reworded: str = ""


async def judging_correction(studio: Studio, prompt: str) -> Judging | None:
    """The latest in force of this question; else that of the fact whose lesson the question finds. None: unknown.

    A lesson is found by likeness, and can be a neighbour's; so it is told whose check it was. Rules of style are left
    out: their example's check is about the example. Nothing is embedded for this: a question that no arm has looked up
    a lesson for is judged by its own correction alone.
    """
    if (own := await correction_in_force(studio, prompt)) is not None:
        return Judging(own)
    if prompt not in studio.question_vectors:
        return None
    try:
        found = await fitting_lessons(studio, await current_index(studio), prompt)
    except EmbedderError:
        return None
    facts = [one.lesson for one in found if one.lesson.kind is LessonKind.FACT]
    if not facts:
        return None
    in_force = {correction.id: correction for correction in await off_loop(studio.log.corrections.in_force)}
    sources = [in_force[source] for source in facts[0].source_ids if source in in_force]
    checked = [source for source in sources if not source.check.is_empty]
    if not checked or same_question(checked[-1].prompt, prompt):
        return None
    return Judging(checked[-1], reworded=checked[-1].prompt)
