"""Decoding, one arm: tokens a second against a bare greedy loop over llama.cpp's C API, by turns, same settings."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks.llama import BareLoop, bundled_model, chat, complete, engine
from benchmarks.table import Row, rounds
from studio.domain.generation import Lane, Sampling
from studio.inference.llama_native import silence_log

TOKENS = 128
STORY = "Write a very long story about a lighthouse keeper and the sea."


def rows(budget_s: float) -> list[Row]:
    log = silence_log()
    measured = asyncio.run(_measure(budget_s))
    del log
    return [measured]


async def _measure(budget_s: float) -> Row:
    lane = Lane("a", chat(STORY), sampling=Sampling(max_tokens=TOKENS))
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder)) as asked:
            bare = BareLoop(bundled_model())
            for _ in rounds(budget_s):
                (completion,) = (await complete(asked, [lane])).values()
                assert completion.completion_tokens == TOKENS
                ours.append((completion.completion_tokens - 1) / (completion.latency_s - completion.first_token_s))
                theirs.append(bare.tokens_per_second(lane.messages, completion.completion_tokens))
    return Row("decode, one arm", "a bare llama.cpp loop", "tok/s", ours, theirs, wanted=0.97, more_is_better=True)
