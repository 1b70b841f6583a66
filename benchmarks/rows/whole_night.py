"""The night of the demonstration, its ten corrections made before: training, trials, gate; against ninety seconds."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.table import Row, against_limit
from studio.bootstrap import build_studio, starter_session
from studio.evaluation.scenario_file import load_scenario
from studio.services.learn_lessons import learn_lesson
from studio.services.record_correction import record_correction
from studio.services.run_night import run_night
from studio.workspace import Workspace

_LIMIT_S = 90.0


def rows(budget_s: float) -> list[Row]:
    del budget_s  # a night takes what it takes
    with tempfile.TemporaryDirectory() as folder:
        seconds, reason = asyncio.run(_measure(Path(folder)))
    return [against_limit("night of ten corrections", "s", [seconds], _LIMIT_S, reason)]


async def _measure(folder: Path) -> tuple[float, str]:
    studio = build_studio(Workspace(folder).ensure())
    try:
        for one in load_scenario(starter_session()).corrections:
            correction = await record_correction(
                studio, answer=None, prompt=one.taught.prompt, corrected=one.taught.target
            )
            await learn_lesson(studio, correction)
        began = time.perf_counter()
        night = await run_night(studio)
        return time.perf_counter() - began, night.reason
    finally:
        await studio.close()
