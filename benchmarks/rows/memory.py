"""Memory of app, engine and embedder after a question to five arms, against the model's file and MiniLM's.

What the three share of files is counted once, and in full even where other programs share it too: by proportional set
size, the row of a busy machine told up to 130 MB less.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.interface import FIRST_PAINT, Terminal, terminal
from benchmarks.llama import bundled_model
from benchmarks.table import Row
from studio.bootstrap import build_studio
from studio.domain.arms import STANDARD_ARMS
from studio.lessons.embedder import find_model
from studio.services.learn_lessons import learn_lesson
from studio.services.record_correction import record_correction
from studio.storage import DuckDbLog
from studio.workspace import Workspace

_WANTED = 2.5
_QUESTION = "What colour is the door?"
_PATIENCE_S = 90.0


def rows(budget_s: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_correct(Path(folder)))
        with terminal([sys.executable, "-m", "studio", "--workspace", folder]) as opened:
            opened.wait_for(FIRST_PAINT, 60)
            opened.drain(6.0)
            opened.type("\x1bOR")  # F3: all arms
            opened.drain(2.0)
            opened.type(f"{_QUESTION}\r")
            _wait_for_answers(opened, DuckDbLog(Workspace(Path(folder)).log_file, Path(folder) / "backups"))
            app = psutil.Process(opened.process.pid)
            taken = _taken([app, *app.children(recursive=True)])
    files = (bundled_model().stat().st_size + (find_model() / "model.safetensors").stat().st_size) / 1e6
    note = ", ".join(f"{name} {size:.0f} MB" for name, size in taken.items())
    ours = sum(taken.values())
    del budget_s  # one look is enough: memory does not vary as time does
    return [Row("memory: app, engine, embedder", "model file + MiniLM file", "MB", [ours], [files], _WANTED, note=note)]


def _wait_for_answers(opened: Terminal, log: DuckDbLog) -> None:
    until = time.perf_counter() + _PATIENCE_S
    while len(log.answers.to_prompt(_QUESTION)) < len(STANDARD_ARMS):
        if time.perf_counter() > until:
            raise TimeoutError("not all arms answered")
        opened.drain(1.0)


async def _correct(folder: Path) -> None:
    """A lesson, for the embedder to be asked."""
    studio = build_studio(Workspace(folder).ensure())
    try:
        correction = await record_correction(
            studio, answer=None, prompt="Which colour has the door?", original="White.", corrected="It is green."
        )
        await learn_lesson(studio, correction)
    finally:
        await studio.close()


def _part(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    return next((name for name in ("embedder", "engine") if f"{name}_process" in command), "app")


def _taken(processes: Sequence[psutil.Process]) -> dict[str, float]:
    """Megabytes by part, and of the files that are mapped; where the kernel tells no more, what each part has."""
    if not hasattr(psutil.Process, "memory_maps"):
        return {_part(process): process.memory_info().rss / 1e6 for process in processes}
    taken: dict[str, float] = {}
    files: Counter[str] = Counter()
    for process in processes:
        mapped = process.memory_maps(grouped=True)
        own = sum(one.rss if _is_anonymous(one.path) else one.private_dirty for one in mapped)
        taken[_part(process)] = taken.get(_part(process), 0.0) + own / 1e6
        for one in mapped:
            if not _is_anonymous(one.path):
                # Of one file they have mostly the same pages: what the one has that has most of them.
                files[one.path] = max(files[one.path], one.rss - one.private_dirty)
    return taken | {"files": files.total() / 1e6}


def _is_anonymous(path: str) -> bool:
    return path.startswith("[")
