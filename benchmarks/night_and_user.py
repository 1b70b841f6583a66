"""What the user feels of a night: the time of an answer while one trains, against the time with the machine idle.

Questions are asked one at a time, first idle, then during a real training on the corrections of
`benchmarks/data/ferry`; the same questions, so the ratio of medians compares like with like.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.llama import SYSTEM, bundled_model
from benchmarks.training import MOST_MINUTES, a_job
from studio.domain.generation import ChatMessage, EngineOptions, Lane, Role, Sampling
from studio.inference.engine_client import LlamaEngine
from studio.training.job import NightFolder
from studio.training.launcher import train
from studio.training.wordings import wordings

QUESTIONS = wordings("Why do ships have a keel?", 8)
ANSWER_TOKENS = 48
PAUSE_S = 1.5  # between questions the night goes on


def main() -> dict[str, float]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        lock = Path(scratch) / "interactive.lock"
        engine = LlamaEngine(Path(scratch) / "diagnostics", lock)
        try:
            await engine.load(bundled_model(), EngineOptions())
            await _ask_all(engine, "warm-up", pause_s=0)
            idle = await _ask_all(engine, "idle", pause_s=0)
            folder = NightFolder(Path(scratch) / "night")
            folder.write_job(a_job(max_minutes=2 * MOST_MINUTES))
            during: list[float] = []
            asking: asyncio.Task[list[float]] | None = None
            async for progress in train(folder, lock):
                if asking is None and progress.step >= 1:
                    asking = asyncio.create_task(_ask_all(engine, "night", pause_s=PAUSE_S))
            assert asking is not None
            during = await asking
        finally:
            await engine.close()
    return {
        "night_and_user.answer_idle_s": statistics.median(idle),
        "night_and_user.answer_during_night_s": statistics.median(during),
        "night_and_user.ratio": statistics.median(during) / statistics.median(idle),
    }


async def _ask_all(engine: LlamaEngine, round_: str, *, pause_s: float) -> list[float]:
    """Seconds of each answer. The round is part of the system message, so that no prompt was computed before."""
    seconds = []
    for question in QUESTIONS:
        messages = (ChatMessage(Role.SYSTEM, f"{SYSTEM} ({round_})"), ChatMessage(Role.USER, question))
        start = time.perf_counter()
        async for _ in engine.generate([Lane("one", messages, sampling=Sampling(max_tokens=ANSWER_TOKENS))]):
            pass
        seconds.append(time.perf_counter() - start)
        await asyncio.sleep(pause_s)
    return seconds
