"""How well lessons are found: `python -m benchmarks retrieval`.

Of the scenarios in benchmarks/data, each with all its lessons in force at the end, embedded by the shipped embedder:
the share of wordings, one-hop uses and transfers that find their own lesson on top, alone (`top`) and at the
threshold in the settings (`found`); and the share of near-by and general questions that wrongly find one there, or are
in an adapter's scope (`in scope`). Facts are looked for among facts, as they are given; rules of style by likeness, as
they were before they had scopes (for which see `python -m benchmarks styles`). Harder near-by questions
(`near_by.jsonl`) ask the same of the world at large, or something else about what is the asker's own.

Then, of questions about another thing in the frame of a corrected one (`another_thing.jsonl`, all in one index), the
share that wrongly find a fact, by likeness and with the words compared. Last, the thresholds at which 1% and 3% of the
general questions find one.
"""

from __future__ import annotations

import asyncio
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.domain.checks import Check
from studio.domain.identity import utc_now
from studio.domain.lessons import Lesson
from studio.domain.log import Correction
from studio.domain.ports import Embedder
from studio.evaluation.scenario import CorrectionKind, Scenario, ScenarioCorrection
from studio.evaluation.scenario_file import load_scenario
from studio.lessons.distil import distil, lesson_keys
from studio.lessons.embedder import MiniLmEmbedder
from studio.lessons.retrieve import LessonIndex
from studio.settings import Settings

DATA = Path(__file__).parent / "data"
HARDER = {"world": "near-by, of the world", "own": "near-by, of one's own"}
ANYTHING = -1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question put to an index: the best lesson's score, and whether it is the right one."""

    score: float
    right: bool


def main() -> dict[str, float]:
    asked = asyncio.run(_ask_all())
    settings = Settings()
    given, scope = settings.prompt.lessons_threshold, settings.night.scope
    figures: dict[str, float] = {}
    for kind in ("rewording", "one hop", "transfer", "style"):
        figures[f"{kind}: top"] = _share([one.right for one in asked[kind]])
        figures[f"{kind}: found"] = _share([one.right and one.score >= given for one in asked[kind]])
    for kind in ("near-by", *HARDER.values(), "general"):
        figures[f"{kind}: wrongly found"] = _share([one.score >= given for one in asked[kind]])
        figures[f"{kind}: in scope"] = _share([one.score >= scope for one in asked[kind]])
    figures |= asyncio.run(_ask_of_another())
    scores = sorted((one.score for one in asked["general"]), reverse=True)
    for percent in (1, 3):
        figures[f"threshold at {percent}% of general"] = scores[math.floor(percent / 100 * len(scores))]
    return figures


async def _ask_all() -> dict[str, list[Asked]]:
    asked: dict[str, list[Asked]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        embedder = MiniLmEmbedder(Path(folder))
        try:
            harder = _harder()
            for scenario in sorted(DATA.iterdir()):
                questions = harder[scenario.name]
                for kind, results in (await _ask(load_scenario(scenario), embedder, questions)).items():
                    asked[kind] += results
        finally:
            await embedder.close()
    return asked


async def _ask_of_another() -> dict[str, float]:
    lines = [json.loads(line) for line in (Path(__file__).parent / "another_thing.jsonl").read_text().splitlines()]
    now, threshold = utc_now(), Settings().prompt.lessons_threshold
    lessons = [
        distil(
            Correction(line["corrected"], line["corrected"], line["answer"], "", now, Check()), lesson_id=str(i), at=now
        )
        for i, line in enumerate(lines)
    ]
    with tempfile.TemporaryDirectory() as folder:
        embedder = MiniLmEmbedder(Path(folder))
        try:
            index = await index_of_lessons(lessons, embedder)
            vectors = await embedder.embed([line["asked"] for line in lines])
        finally:
            await embedder.close()
    asked = [(line["asked"], vector) for line, vector in zip(lines, vectors, strict=True)]
    alike = [index.retrieve(text, vector, k=1, threshold=threshold) for text, vector in asked]
    given = [index.fitting(text, vector, k=1, threshold=threshold, rules=0) for text, vector in asked]
    return {
        "another thing: by likeness": _share([bool(one) for one in alike]),
        "another thing: wrongly found": _share([bool(one) for one in given]),
    }


def _harder() -> dict[str, list[tuple[str, str, str]]]:
    """By scenario, what `_ask` asks: the kind, the text, and no owner."""
    questions: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for line in (Path(__file__).parent / "near_by.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        questions[one["scenario"]].append((HARDER[one["kind"]], one["asked"], ""))
    return questions


async def _ask(
    scenario: Scenario, embedder: MiniLmEmbedder, harder: Sequence[tuple[str, str, str]]
) -> dict[str, list[Asked]]:
    corrections = scenario.in_force(scenario.days[-1])
    index = await index_of(corrections, embedder)
    questions = [("general", probe.prompt, "") for probe in scenario.general] + list(harder)
    for one in corrections:
        fact = one.kind is CorrectionKind.FACT
        questions += [("rewording" if fact else "style", text, one.id) for text in one.rephrase]
        questions += [("one hop" if fact else "style", use.prompt, one.id) for use in one.portability]
        questions += [("transfer" if fact else "style", use.prompt, one.id) for use in one.transfer]
        questions += [("near-by", near.prompt, "") for near in one.locality if fact]
    vectors = await embedder.embed([text for _, text, _ in questions])
    asked: dict[str, list[Asked]] = defaultdict(list)
    for (kind, text, owner), vector in zip(questions, vectors, strict=True):
        if kind == "style":
            found = index.retrieve(text, vector, k=1, threshold=ANYTHING)
        else:
            found = index.fitting(text, vector, k=1, threshold=ANYTHING, rules=0)
        asked[kind] += [Asked(best.score, best.lesson.id == owner) for best in found] or [Asked(ANYTHING, right=False)]
    return asked


async def index_of(corrections: tuple[ScenarioCorrection, ...], embedder: Embedder) -> LessonIndex:
    """The lessons of a scenario's corrections, each named after its own."""
    now = utc_now()
    lessons = [
        distil(
            Correction(
                one.id, one.taught.prompt, one.taught.target, "", now, one.check, rationale=one.taught.rationale
            ),
            lesson_id=one.id,
            at=now,
        )
        for one in corrections
    ]
    return await index_of_lessons(lessons, embedder)


async def index_of_lessons(lessons: Sequence[Lesson], embedder: Embedder) -> LessonIndex:
    keys = [(lesson.id, key) for lesson in lessons for key in lesson_keys(lesson)]
    vectors = await embedder.embed([key for _, key in keys])
    return LessonIndex.build(lessons, [(*key, vector) for key, vector in zip(keys, vectors, strict=True)])


def _share(held: list[bool]) -> float:
    return sum(held) / len(held)
