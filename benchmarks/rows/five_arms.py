"""Five arms on one prompt against five chat completions of llama-cpp-python in turn, same prompts, adapter and lengths.

`first` is a question with nothing in memory on either side, `next` one for which either side has what it keeps.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.llama import (
    OPTIONS,
    SYSTEM,
    ChatPeer,
    bundled_model,
    chat,
    complete,
    engine,
    on_gpu,
    random_adapter,
    taught,
)
from benchmarks.table import Row, rounds
from studio.domain.generation import AdapterUse, Lane, Sampling
from studio.inference.llama_native import silence_log

TOKENS = 64
# Asks for more than that, so that every arm is cut at the same length on both sides.
QUESTION = "Write a very long story about the instruments of an observatory and about everyone who borrowed them."
_WANTED, _WANTED_ON_GPU = 0.65, 0.35


def rows(budget_s: float) -> list[Row]:
    log = silence_log()
    measured = asyncio.run(_measure(budget_s))
    del log
    return measured


async def _measure(budget_s: float) -> list[Row]:
    taken: dict[str, tuple[list[float], list[float]]] = {"first": ([], []), "next": ([], [])}
    with tempfile.TemporaryDirectory() as folder:
        adapter = random_adapter(Path(folder) / "random.gguf")
        async with engine(Path(folder)) as asked:
            plain, adapted = ChatPeer(bundled_model()), ChatPeer(bundled_model(), adapter)
            for _ in rounds(budget_s, least=2):
                await asked.load(bundled_model(), OPTIONS)
                plain.forget()
                adapted.forget()
                for name, question in (("first", QUESTION), ("next", f"Please tell me: {QUESTION}")):
                    lanes = five_arms(adapter, question)
                    began = time.perf_counter()
                    completions = await complete(asked, lanes)
                    taken[name][0].append(time.perf_counter() - began)
                    began = time.perf_counter()
                    counts = {lane.key: (adapted if lane.adapters else plain).answer(lane) for lane in lanes}
                    taken[name][1].append(time.perf_counter() - began)
                    for key, of_peer in counts.items():
                        own = (completions[key].prompt_tokens, completions[key].completion_tokens)
                        assert own == of_peer, f"{key}: not the same tokens on both sides: {own} against {of_peer}"
            plain.close()
            adapted.close()
    wanted = _WANTED_ON_GPU if on_gpu() else _WANTED
    return [
        Row(f"five arms on one prompt, {name} question", "five chat completions", "s", ours, theirs, wanted)
        for name, (ours, theirs) in taken.items()
    ]


def five_arms(adapter: Path, question: str, tokens: int = TOKENS) -> list[Lane]:
    """Lanes as the five arms make them, the adapter's two with an adapter."""
    use = (AdapterUse(adapter),)
    sampling = Sampling(max_tokens=tokens)
    known = [f"{asked} {right}" for asked, right in taught("observatory")]
    corrected = "\n".join([SYSTEM, "Earlier corrections:", *known[:8]])
    lessons = "\n".join([SYSTEM, "Lessons:", *known[:2]])
    return [
        Lane("frozen", chat(question), sampling=sampling),
        Lane("context", chat(question, corrected), sampling=sampling),
        Lane("lessons", chat(question, lessons), sampling=sampling),
        Lane("lora", chat(question), use, sampling),
        Lane("lora+lessons", chat(question, lessons), use, sampling),
    ]
