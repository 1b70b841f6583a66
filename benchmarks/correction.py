"""From a correction to the next answer: `python -m benchmarks correction`.

In a warm app (embedder running, index in memory) over a log of CORRECTIONS corrections with their lessons, times
saving a correction, learning its lesson, and preparing the next question's lessons lane, which must hold that lesson.
Prints p50 and p95 in milliseconds. The engine only counts tokens here; what it then decodes is `engine`'s to time.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from studio.bootstrap import build_studio
from studio.domain.arms import LESSONS
from studio.services.learn_lessons import learn_lesson
from studio.services.prepare_lanes import Question, prepare_lanes
from studio.services.record_correction import record_correction
from studio.services.studio import Studio
from studio.workspace import Workspace

CORRECTIONS = 50
REPEATS = 30
STEPS = ("saved", "learnt", "given to the next question")


def main() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    studio = build_studio(Workspace(folder).ensure())
    try:
        await studio.model()
        await studio.embedder.start()
        for number in range(CORRECTIONS):
            await _correct_and_ask(studio, number)
        times = [await _correct_and_ask(studio, CORRECTIONS + number) for number in range(REPEATS)]
    finally:
        await studio.close()
    figures = {}
    for index, step in enumerate((*STEPS, "together")):
        column = [sum(row) if step == "together" else row[index] for row in times]
        figures[f"correction, {step}, p50 ms"] = statistics.median(column)
        figures[f"correction, {step}, p95 ms"] = statistics.quantiles(column, n=20, method="inclusive")[-1]
    return figures


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
