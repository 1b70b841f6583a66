"""Another fine-tuning of the embedder over an older log: lessons are embedded anew, old vectors never compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio_fakes import FakeEmbedder, fake_studio

from studio.services.find_lessons import current_index, fitting_lessons
from studio.services.learn_lessons import learn_lesson, learn_pending
from studio.services.record_correction import record_correction
from studio.services.studio import Studio

QUESTION = "What is the refund window at our store?"


class OtherEmbedder(FakeEmbedder):
    """The same texts in other places: the vectors of the one are noise to the other."""

    name = "fake-embedder+studio-2"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [vector[1:] + vector[:1] for vector in await super().embed(texts)]


async def corrected(studio: Studio, question: str, answer: str) -> None:
    correction = await record_correction(
        studio, answer=None, prompt=question, original="It is unknown.", corrected=answer
    )
    await learn_lesson(studio, correction)


async def found(studio: Studio) -> list[str]:
    index = await current_index(studio)
    return [one.lesson.guidance for one in await fitting_lessons(studio, index, QUESTION)]


async def test_lessons_of_an_older_embedder_are_embedded_anew_and_found(tmp_path: Path) -> None:
    older = fake_studio(tmp_path)
    await corrected(older, QUESTION, "45 days.")
    await corrected(older, "Who keeps the keys?", "Pilar.")
    assert await found(older) == ["45 days."]
    await older.close()
    newer = fake_studio(tmp_path)
    newer.embedder = OtherEmbedder()
    assert await found(newer) == []
    assert await learn_pending(newer) == 2
    assert await learn_pending(newer) == 0
    assert await found(newer) == ["45 days."]
    assert {lesson_id for lesson_id, _, _ in newer.log.lessons.vectors(newer.embedder.name)} == {
        lesson.id for lesson in newer.log.lessons.all()
    }
    await newer.close()
