"""Tokens a second: what a model is expected to decode here, from one measurement of the machine, and what it did.

The measurement takes a second or two in a process of its own, and is kept for this machine, its threads and this
llama.cpp. One made while other programs kept some of the cores busy holds for some minutes only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

from studio.domain.sizes import size_text
from studio.domain.speed import MachineSpeed, Work, token_seconds
from studio.domain.stores import Log
from studio.durable import write_whole
from studio.errors import StorageError
from studio.inference.free_cores import INTERVAL_S, cores_left, read_cpu_times
from studio.models.fit import MemoryNeed, layers_on_gpu
from studio.models.titles import quant_of
from studio.owned_folder import owned_folder
from studio.services.studio import off_loop
from studio.settings import ModelSettings
from studio.small_files import read_small
from studio.workspace import Workspace

_BUSY_KEPT_S = 600
_LONGEST_S = 90
_MATTERS = 0.05
_LAYERS, _WIDTH = 30, 2048
"""Of a model of which only the size is known; they move what is expected by a few hundredths."""
_KINDS: Mapping[str, Mapping[int, float]] = {
    "F16": {1: 1},
    "BF16": {30: 1},
    "Q4_0": {2: 1},
    "Q4_1": {3: 1},
    "Q5_0": {6: 1},
    "Q5_1": {7: 1},
    "Q8_0": {8: 1},
    "Q3_K_M": {11: 0.6, 12: 0.25, 14: 0.15},
    "Q4_K_S": {12: 0.9, 14: 0.1},
    "Q4_K_M": {12: 0.7, 14: 0.3},
    "Q5_K_M": {13: 0.7, 14: 0.3},
    "Q6_K": {14: 1},
    "IQ4_XS": {23: 0.9, 14: 0.1},
    "IQ4_NL": {20: 0.9, 14: 0.1},
}
"""What parts of a file are of which ggml type, by the quantisation its name tells."""


class _Kept(msgspec.Struct, frozen=True):
    at: float
    speed: MachineSpeed


@dataclass(frozen=True, slots=True)
class Pace:
    """Tokens a second of a model on this machine. None: not known."""

    expected: float | None = None
    measured: float | None = None
    busy: bool = False
    on_gpu: str = ""
    """How many layers fit onto the graphics card; empty where there is none."""

    @property
    def words(self) -> str:
        """A sentence or two; empty where nothing is known."""
        busy = ", beside what else computes" if self.busy else ""
        expected = f"{_number(self.expected)} tokens a second expected here{busy}" if self.expected else ""
        measured = f"{_number(self.measured)} measured" if self.measured else ""
        if measured and not expected:
            measured = f"{_number(self.measured)} tokens a second measured"
        told = "; ".join(filter(None, (expected, measured)))
        return " ".join(filter(None, (f"About {told}." if told else "", self.on_gpu)))

    @property
    def short(self) -> str:
        """For a line of a list."""
        parts = [f"{_number(self.expected)} tok/s expected" if self.expected else ""]
        parts.append(f"{_number(self.measured)}{'' if self.expected else ' tok/s'} measured" if self.measured else "")
        return ", ".join(filter(None, parts))


def _number(value: float | None) -> str:
    return f"{value or 0:.1f}" if (value or 0) < 10 else f"{value:.0f}"


def guessed_work(file: str, size: int) -> Work | None:
    """Of a model that is not here, from its file's name and size; None where the name tells no known quantisation."""
    parts = _KINDS.get(quant_of(file).removeprefix("UD-"))
    if parts is None or not size:
        return None
    bytes_each = 16 / 8 if quant_of(file).endswith("F16") else 0.6
    rows = int(size / bytes_each / _WIDTH)
    return Work({kind: int(size * part) for kind, part in parts.items()}, rows, _LAYERS, 0)


def pace(
    work: Work | None, speed: MachineSpeed | None, measured: float | None = None, need: MemoryNeed | None = None
) -> Pace:
    """What is expected of the model, beside what was measured; nothing of one that is only partly on the GPU."""
    if work is None or speed is None:
        return Pace(None, measured)
    on_gpu = ""
    if speed.gpu_bytes and need is not None:
        fitting = layers_on_gpu(need, work.layers, speed.gpu_bytes)
        on_gpu = f"{fitting} of {work.layers} layers fit into {size_text(speed.gpu_bytes)} of the graphics card."
        if fitting < work.layers:
            return Pace(None, measured, speed.busy, on_gpu)
    seconds = token_seconds(work, speed)
    return Pace(1 / seconds if seconds else None, measured, speed.busy, on_gpu)


def measured_pace(log: Log, sha256: str) -> float | None:
    """Tokens a second of the latest answers in the log that the model decoded alone; None where there are too few."""
    try:
        return log.answers.tokens_per_second(sha256) if sha256 else None
    except StorageError:
        return None  # the log is held or damaged, which others tell of


def known_speed(workspace: Workspace, settings: ModelSettings) -> MachineSpeed | None:
    """What was measured of this machine; None where nothing was, or what was no longer holds."""
    kept = _read(_file(workspace)).get(_machine(_threads(settings), settings.gpu_layers))
    if kept is None or (kept.speed.busy and not 0 <= time.time() - kept.at < _BUSY_KEPT_S):
        return None
    return kept.speed


def lacking(works: Iterable[Work | None], speed: MachineSpeed | None) -> list[int]:
    """The kinds of numbers that matter to these models and were not measured yet; nothing where all are known."""
    wanted: set[int] = set()
    for work in works:
        if work is not None:
            every = sum(work.weights.values())
            wanted |= {kind for kind, size in work.weights.items() if size > _MATTERS * every}
    return sorted(wanted - set(speed.bytes_s if speed else ()))


async def measure_speed(
    workspace: Workspace, settings: ModelSettings, kinds: Iterable[int], known: MachineSpeed | None
) -> MachineSpeed | None:
    """Measure the machine for these kinds, and keep it beside what is `known`.

    What is known where it cannot be measured now: other programs keep all cores busy.
    """
    most = _threads(settings)
    before, started = read_cpu_times(), time.monotonic()
    await asyncio.sleep(INTERVAL_S)
    threads = min(most, cores_left(before, started))
    if threads < 1:
        return known
    told = b""
    with contextlib.suppress(OSError):
        workspace.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with owned_folder(workspace.scratch) as folder:
            told = await _run(folder, threads, settings.gpu_layers, kinds)
    try:
        speed = replace(msgspec.json.decode(told, type=MachineSpeed), busy=threads < most)
    except msgspec.MsgspecError:
        return known
    if known is not None and known.threads == speed.threads:
        speed = replace(speed, bytes_s={**known.bytes_s, **speed.bytes_s})
    await off_loop(_write, _file(workspace), _machine(most, settings.gpu_layers), _Kept(time.time(), speed))
    return speed


async def _run(folder: Path, threads: int, gpu_layers: int, kinds: Iterable[int]) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "studio.inference.speed_probe"),
        *(str(folder), str(threads), str(gpu_layers), *map(str, kinds)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return (await asyncio.wait_for(process.communicate(), _LONGEST_S))[0]
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _threads(settings: ModelSettings) -> int:
    return settings.threads or psutil.cpu_count(logical=False) or os.cpu_count() or 1


def _file(workspace: Workspace) -> Path:
    return workspace.diagnostics / "machine_speed.json"


@cache
def _machine(threads: int, gpu_layers: int) -> str:
    memory = round(psutil.virtual_memory().total / 2**30)
    here = f"{_processor()}, {os.cpu_count()} cores, {memory} GiB"
    return f"{here}, {threads} threads, {gpu_layers} layers on a GPU, llama.cpp {version('llama-cpp-python')}"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _read(file: Path) -> dict[str, _Kept]:
    try:
        return msgspec.json.decode(read_small(file), type=dict[str, _Kept])
    except (OSError, ValueError, RecursionError):
        return {}


def _write(file: Path, machine: str, kept: _Kept) -> None:
    """Losing it costs only another measurement."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, msgspec.json.encode({**_read(file), machine: kept}), durably=False)
