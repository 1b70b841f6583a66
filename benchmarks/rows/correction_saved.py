"""From a correction to the next answer, in a warm app (embedder running, index in memory) over a log with CORRECTIONS.

Saving, learning its lesson, and preparing the next question's lessons lane, which must hold that lesson. The engine
only counts tokens here; what it then decodes is another row's.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.table import Row, against_limit, p95, rounds
from studio.bootstrap import build_studio
from studio.domain.arms import LESSONS
from studio.services.learn_lessons import learn_lesson
from studio.services.prepare_lanes import Question, prepare_lanes
from studio.services.record_correction import record_correction
from studio.services.studio import Studio
from studio.workspace import Workspace

CORRECTIONS = 50
STEPS = ("saved", "learnt", "given to the next question")
_LIMIT_MS = 150.0
_GROUPS = 3


def rows(budget_s: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        times = asyncio.run(measure(Path(folder), budget_s, corrections=CORRECTIONS))
    together = [sum(row) for row in times]
    size = len(together) // _GROUPS
    groups = [p95(together[start : start + size]) for start in range(0, size * _GROUPS, size)]
    steps = "; ".join(
        f"{step} {statistics.median(column):.0f}" for step, column in zip(STEPS, zip(*times, strict=True), strict=True)
    )
    return [against_limit("correction saved and usable, p95", "ms", groups, _LIMIT_MS, f"medians in ms: {steps}")]


async def measure(folder: Path, budget_s: float, *, corrections: int) -> list[tuple[float, ...]]:
    """Milliseconds of each step of each correction made after the first `corrections`."""
    studio = build_studio(Workspace(folder).ensure())
    try:
        await studio.model()
        await studio.embedder.start()
        for number in range(corrections):
            await _correct_and_ask(studio, number)
        return [await _correct_and_ask(studio, corrections + number) for number in rounds(budget_s, least=15, most=150)]
    finally:
        await studio.close()


async def _correct_and_ask(studio: Studio, number: int) -> tuple[float, ...]:
    """Milliseconds of each step; fails where the lesson is not given."""
    place = f"hall {number} of the {('north', 'south', 'east', 'west')[number % 4]} wing"
    start = time.perf_counter()
    correction = await record_correction(
        studio,
        answer=None,
        prompt=f"Which colour has the door of {place}?",
        original="It is white.",
        corrected=f"It is shade {number}.",
    )
    saved = time.perf_counter()
    lesson = await learn_lesson(studio, correction)
    learnt = time.perf_counter()
    question = Question(f"What colour is the door of {place}?")
    (lane,) = await prepare_lanes(studio, question, [LESSONS], studio.sampling)
    given = time.perf_counter()
    if lesson.id not in [used.lesson_id for used in lane.given.lessons]:
        raise AssertionError(f"the lesson of {place} was not given")
    return tuple(1000 * (end - begin) for begin, end in ((start, saved), (saved, learnt), (learnt, given)))
