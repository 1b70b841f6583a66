"""How lessons are found in other languages than English: `python -m benchmarks languages`.

Of `languages.toml`, each language's facts in an index of their own, embedded by the shipped embedder, at the threshold
in the settings: the share of other wordings that find their own fact, and of general questions and of those about
another thing that wrongly find one; by the cosine alone, and as the index scores (studio.lessons.other_languages).
"""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import index_of_lessons
from studio.domain.checks import Check
from studio.domain.identity import utc_now
from studio.domain.log import Correction
from studio.domain.ports import Embedder
from studio.lessons.distil import distil, lesson_keys
from studio.lessons.embedder import MiniLmEmbedder
from studio.settings import Settings

DATA = Path(__file__).with_suffix(".toml")


def main() -> dict[str, float]:
    return asyncio.run(_ask_all(tomllib.loads(DATA.read_text(encoding="utf-8"))))


async def _ask_all(parts: dict[str, dict[str, dict[str, Any]]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        embedder = MiniLmEmbedder(Path(folder))
        try:
            for part, languages in parts.items():
                shares: dict[str, list[bool]] = defaultdict(list)
                for language in languages.values():
                    asked = await _ask(language, embedder)
                    for kind, found in asked.items():
                        shares[kind] += found
                figures |= {f"{part}: {kind}": sum(found) / len(found) for kind, found in shares.items()}
        finally:
            await embedder.close()
    return figures


async def _ask(language: dict[str, Any], embedder: Embedder) -> dict[str, list[bool]]:
    facts: list[list[str]] = language["facts"]
    now, threshold = utc_now(), Settings().prompt.lessons_threshold
    lessons = [
        distil(Correction(question, question, answer, "", now, Check()), lesson_id=str(i), at=now)
        for i, (question, answer, *_) in enumerate(facts)
    ]
    index = await index_of_lessons(lessons, embedder)
    rows = [np.asarray(await embedder.embed(lesson_keys(lesson))).mean(axis=0) for lesson in lessons]
    questions = [("rewordings", text, str(i)) for i, (_, _, *wordings) in enumerate(facts) for text in wordings]
    questions += [(kind, text, "") for kind in ("general", "another") for text in language.get(kind, [])]
    vectors = await embedder.embed([text for _, text, _ in questions])
    asked: dict[str, list[bool]] = defaultdict(list)
    for (kind, text, owner), vector in zip(questions, vectors, strict=True):
        cosines = np.stack(rows) @ np.asarray(vector)
        alike = [str(int(cosines.argmax()))] if cosines.max() >= threshold else []
        given = [one.lesson.id for one in index.fitting(text, vector, k=1, threshold=threshold, rules=0)]
        for how, found in ((", by the cosine alone", alike), ("", given)):
            asked[f"{kind}: {'found' if owner else 'wrongly found'}{how}"].append(
                found == [owner] if owner else found != []
            )
    return asked
