"""From starting the engine to the first token, against a bare process that loads the model and reads the prompt.

The bare one is `python -m benchmarks.rows.first_token`: llama.cpp over its C API, the same settings, the same prompt.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path

from benchmarks.table import Row, rounds
from studio.domain.generation import ChatMessage, EngineOptions, Lane, Role, Sampling
from studio.inference.engine_client import LlamaEngine
from studio.models.discovery import find_model

_WANTED = 1.3
_PROMPT = (
    ChatMessage(Role.SYSTEM, "You are a helpful assistant."),
    ChatMessage(Role.USER, "Who keeps the instruments of the observatory, and in which room?"),
)


def rows(budget_s: float) -> list[Row]:
    return [asyncio.run(_measure(budget_s))]


async def _measure(budget_s: float) -> Row:
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        model = find_model(None, Path(folder))
        assert model is not None
        for _ in rounds(budget_s, least=5):
            engine = LlamaEngine(Path(folder) / "diagnostics")
            began = time.perf_counter()
            try:
                await engine.load(model, EngineOptions())
                async with aclosing(engine.generate([Lane("a", _PROMPT, sampling=Sampling(max_tokens=1))])) as events:
                    await anext(events)
                ours.append(time.perf_counter() - began)
            finally:
                await engine.close()
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.rows.first_token")
            assert await process.wait() == 0
            theirs.append(time.perf_counter() - began)
    return Row("start to first token", "bare load and prefill, a process of its own", "s", ours, theirs, _WANTED)


def bare() -> None:
    from benchmarks.llama import BareLoop, bundled_model
    from studio.inference.llama_native import silence_log

    log = silence_log()
    loop = BareLoop(bundled_model())
    loop.read(loop.tokens(_PROMPT))
    del log
    os._exit(0)  # what is freed at the end is not waited for on the other side either


if __name__ == "__main__":
    bare()
