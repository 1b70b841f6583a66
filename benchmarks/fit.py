"""What is expected of a model from its header and one measurement of the machine, beside what it then takes and does.

Memory, and tokens a second, of the bundled model and of random ones of other sizes and quantisations, written into the
folder for temporary files (2 GB in all). As many threads as there are cores to themselves.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import gguf
import psutil

from benchmarks._random_models import Shape, write_random_model
from benchmarks.llama import bundled_model, complete
from benchmarks.packed_night import SHAPE as SHAPE_1B
from studio.domain.generation import ChatMessage, EngineOptions, Lane, Role, Sampling
from studio.domain.speed import MachineSpeed, token_seconds
from studio.inference.engine_client import LlamaEngine
from studio.inference.free_cores import INTERVAL_S, cores_left, read_cpu_times
from studio.inference.llama_native import silence_log
from studio.inference.speed_probe import Probe
from studio.services.describe_model import FileFacts, file_facts
from studio.services.expected_speed import lacking
from studio.workspace import Workspace

CONTEXT_TOKENS = 2048
PROMPT_TOKENS = 60
"""About; every letter is a token of a random model."""
TOKENS = 24
ROUNDS = 4
_Q = gguf.GGMLQuantizationType
_SMOLLM2 = Shape(
    layers=32, width=960, inner=2560, heads=15, kv_heads=5, head=64, context=8192, vocabulary=49_152, tied=True
)
_QWEN3 = Shape(
    architecture="qwen3",
    layers=28,
    width=1024,
    inner=3072,
    heads=16,
    kv_heads=8,
    head=128,
    context=8192,
    vocabulary=151_936,
    tied=True,
)
MODELS = {
    "360M Q8_0": (_SMOLLM2, _Q.Q8_0),
    "360M Q4_0": (_SMOLLM2, _Q.Q4_0),
    "600M Q4_K": (_QWEN3, _Q.Q4_K),
    "1B Q4_0": (SHAPE_1B, _Q.Q4_0),
}


def main() -> dict[str, float]:
    kept = silence_log()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = {"135M Q4_1, bundled": bundled_model()}
        for name, (shape, kind) in MODELS.items():
            files[name] = write_random_model(folder / f"{name.replace(' ', '-')}.gguf", shape, kind)
        figures = asyncio.run(_all(files, Workspace(folder / "workspace").ensure()))
    del kept
    return figures


async def _all(files: dict[str, Path], workspace: Workspace) -> dict[str, float]:
    """Probe and models take turns, and of each the fastest time counts: what else computes only slows them down."""
    before, started = read_cpu_times(), time.monotonic()
    await asyncio.sleep(4 * INTERVAL_S)
    threads = max(1, cores_left(before, started))
    facts = {name: file_facts(file, CONTEXT_TOKENS) for name, file in files.items()}
    kinds = lacking([one.work for one in facts.values()], None)
    probe, speeds, took = Probe(workspace.diagnostics, threads, 0), [], []
    tokens_s: dict[str, list[float]] = {name: [] for name in files}
    async with AsyncExitStack() as running:
        engines = {name: await _engine(running, file, threads, workspace) for name, file in files.items()}
        for _ in range(ROUNDS):
            began = time.monotonic()
            speeds.append(probe.measure(kinds))
            took.append(time.monotonic() - began)
            for name, engine in engines.items():
                tokens_s[name].append(await _tokens_s(engine))
        memory = {name: await _memory_at_work(engine) for name, engine in engines.items()}
    speed = _fastest(speeds)
    figures = {"fit.threads": float(threads), "fit.probe_s": min(took)}
    for name, one in facts.items():
        figures |= _row(name, one, speed, memory[name], max(tokens_s[name]))
    return figures


def _fastest(speeds: Sequence[MachineSpeed]) -> MachineSpeed:
    return MachineSpeed(
        speeds[0].threads,
        min(one.layer_s for one in speeds),
        min(one.row_s for one in speeds),
        max(one.kv_bytes_s for one in speeds),
        {kind: max(one.bytes_s[kind] for one in speeds) for kind in speeds[0].bytes_s},
    )


def _row(name: str, facts: FileFacts, speed: MachineSpeed, memory: int, tokens_s: float) -> dict[str, float]:
    assert facts.work is not None
    assert facts.need is not None
    seconds = token_seconds(facts.work, speed, PROMPT_TOKENS + TOKENS // 2)
    expected = 1 / seconds if seconds else 0.0
    return {
        f"fit.{name}.expected_mb": facts.need.total / 1e6,
        f"fit.{name}.measured_mb": memory / 1e6,
        f"fit.{name}.memory_ratio": facts.need.total / memory,
        f"fit.{name}.expected_tokens_s": expected,
        f"fit.{name}.measured_tokens_s": tokens_s,
        f"fit.{name}.speed_ratio": expected / tokens_s,
    }


async def _engine(running: AsyncExitStack, file: Path, threads: int, workspace: Workspace) -> LlamaEngine:
    engine = LlamaEngine(workspace.diagnostics)
    running.push_async_callback(engine.close)
    await engine.load(file, EngineOptions(CONTEXT_TOKENS, threads, gpu_layers=0))
    return engine


async def _tokens_s(engine: LlamaEngine) -> float:
    """Of one answer decoded alone."""
    (done,) = (await complete(engine, [_lane("alone")])).values()
    return (done.completion_tokens - 1) / (done.latency_s - done.first_token_s)


async def _memory_at_work(engine: LlamaEngine) -> int:
    """With eight conversations side by side, which is what memory is reckoned for."""
    assert engine.process_id is not None
    _forget(engine.process_id)
    await complete(engine, [_lane(f"beside {number}") for number in range(8)])
    return _memory(engine.process_id)


def _forget(process: int) -> None:
    """From here on the kernel marks anew which pages are read."""
    if (marks := Path(f"/proc/{process}/clear_refs")).exists():
        marks.write_text("1", "ascii")


def _memory(process: int) -> int:
    """What it holds that is in no file, and what it read of files in the last round.

    Weights that llama.cpp lays out anew when it loads them (Q4_0, Q4_K) it no longer reads from the file, whose pages
    the system takes back when it needs them; counted as resident they would count twice.
    """
    smaps = Path(f"/proc/{process}/smaps")
    if not smaps.exists():
        return int(psutil.Process(process).memory_info().rss)
    kilobytes = referenced = 0
    for line in smaps.read_text("ascii", "replace").splitlines():
        name, _, value = line.partition(":")
        if name == "Referenced":
            referenced = int(value.split()[0])
        elif name == "Anonymous":  # comes after it, of the same mapping
            kilobytes += max(referenced, int(value.split()[0]))
    return 1024 * kilobytes


def _lane(name: str) -> Lane:
    question = (ChatMessage(Role.USER, f"please count {name} up to the end of all numbers"),)
    return Lane(name, question, (), Sampling(max_tokens=TOKENS))
