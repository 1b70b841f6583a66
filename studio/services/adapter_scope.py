"""Which questions an adapter answers: those near to a correction that it was trained on and that still stands.

A small model pays for a few facts in its weights with answers to everything else. So the adapter is attached where it
has something to say, and all else is answered by the model as shipped (a scope beside the edited model: SERAC, arXiv
2206.06520; adapters switched by nearness to what they were trained on: MELO, arXiv 2312.11795). A correction that was
undone or superseded since the night leaves the scope at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from studio.domain.arms import ArmRecipe
from studio.domain.log import Correction
from studio.domain.nights import Adapter
from studio.errors import NotFoundError
from studio.services.find_lessons import embed_questions
from studio.services.studio import Studio, off_loop

if TYPE_CHECKING:
    from studio.lessons.retrieve import LessonIndex

EVERYWHERE = -1.0
"""The threshold at which an adapter answers every question, and nothing is looked up."""


def scope_threshold(studio: Studio, recipe: ArmRecipe) -> float:
    """How near a question must be for the arm's adapter: the arm's own threshold, else the one in the settings."""
    return studio.settings.night.scope if recipe.scope is None else recipe.scope


async def scope_of(studio: Studio, adapter: Adapter, in_force: Sequence[Correction]) -> LessonIndex:
    """The corrections the adapter was trained on that still stand, found as lessons are; none if its night is unknown.

    Raises EmbedderError.
    """
    # Here, not above: the first paint waits for every import.
    from studio.lessons.distil import distil, lesson_keys
    from studio.lessons.retrieve import LessonIndex

    trained: set[str] = set()
    with suppress(NotFoundError):
        trained.update((await off_loop(studio.log.nights.get, adapter.night_id)).correction_ids)
    corrections = [correction for correction in in_force if correction.id in trained]
    ids = tuple(correction.id for correction in corrections)
    known = studio.adapter_scopes.get(adapter.id)
    if known is None or known[0] != ids:
        # A lesson's form is what is compared; it is made anew, for the user may have edited or retired the lesson.
        lessons = [distil(one, lesson_id=one.id, at=one.created_at) for one in corrections]
        vectors = await _vectors(studio, [key for lesson in lessons for key in lesson_keys(lesson)])
        keys = [(lesson.id, key, vectors[key]) for lesson in lessons for key in lesson_keys(lesson)]
        known = studio.adapter_scopes[adapter.id] = (ids, LessonIndex.build(lessons, keys))
    return known[1]


async def nearness(studio: Studio, scope: LessonIndex, question: str) -> float:
    """Score of the nearest correction in scope, as lessons are scored; -1 where there is none. Raises EmbedderError."""
    if not len(scope):
        return EVERYWHERE
    await embed_questions(studio, [question])
    (nearest,) = scope.retrieve(question, studio.question_vectors[question], k=1, threshold=EVERYWHERE)
    return nearest.score


async def _vectors(studio: Studio, texts: Sequence[str]) -> dict[str, Sequence[float]]:
    """Vectors by text, from the log where a lesson has them already."""
    logged = await off_loop(studio.log.lessons.vectors, studio.embedder.name)
    wanted = set(texts)
    known: dict[str, Sequence[float]] = {text: vector for _, text, vector in logged if text in wanted}
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    return known | dict(zip(missing, await studio.embedder.embed(missing) if missing else [], strict=True))
