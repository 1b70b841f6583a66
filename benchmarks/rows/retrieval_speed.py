"""Finding among 100,000 lessons, the vector at hand, against NumPy's product and argmax over the same rows."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.table import Row, against_limit, p95, rounds
from studio.domain.identity import utc_now
from studio.domain.lessons import Lesson
from studio.lessons.retrieve import LessonIndex
from studio.services.find_lessons import RULES_GIVEN

LESSONS = 100_000
WIDTH = 384
_WANTED, _LIMIT_MS = 1.2, 10.0
_THRESHOLD = 0.42


def rows(budget_s: float) -> list[Row]:
    index, vectors = filled(LESSONS)
    ours, theirs = [], []
    draw = np.random.default_rng(1)
    for _ in rounds(budget_s, least=30, most=200):
        place = int(draw.integers(LESSONS))
        asked = vectors[place] + draw.normal(0, 0.01, WIDTH).astype(np.float32)
        asked /= np.linalg.norm(asked)
        question = asked.tolist()
        began = time.perf_counter()
        best = int((vectors @ asked).argmax())
        theirs.append(1000 * (time.perf_counter() - began))
        began = time.perf_counter()
        found = index.fitting("Where is it kept?", question, k=1, threshold=_THRESHOLD, rules=RULES_GIVEN)
        ours.append(1000 * (time.perf_counter() - began))
        assert [one.lesson.id for one in found] == [str(best)], "not the lesson that brute force finds"
    return [
        Row(f"finding among {LESSONS:,} lessons", "NumPy brute force", "ms", ours, theirs, _WANTED, note="recall 1.0"),
        against_limit(f"finding among {LESSONS:,} lessons, p95", "ms", [p95(ours)], _LIMIT_MS),
    ]


def filled(lessons: int) -> tuple[LessonIndex, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """An index of so many lessons, and their vectors, drawn by a seed."""
    vectors = np.random.default_rng(0).normal(0, 1, (lessons, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    one = Lesson("", "title", "applies when", "guidance", "Where is it?", "There.", (), utc_now(), utc_now())
    index = LessonIndex()
    for number, vector in enumerate(vectors):
        index.add(replace(one, id=str(number)), [vector])
    return index, vectors
