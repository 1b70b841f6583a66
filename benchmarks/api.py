"""Four clients of `studio serve` at once against the same four one after the other: wall time, by turns.

The real command on the bundled model in an empty workspace, asked by the official client. Rounds ask other questions.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import openai

ROUNDS = 3
TOKENS = 64
ARM = "frozen"
TOKEN = "benchmark-token"
THINGS = ("ship", "bridge", "clock", "garden")


def main() -> dict[str, float]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "studio", "--workspace", str(Path(folder)), "serve", "--port", "0"),
            *("--token", TOKEN),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            said = (await process.stdout.readuntil(b"models")).decode()
            base_url = said.partition("base URL")[2].split()[0]
            async with openai.AsyncOpenAI(base_url=base_url, api_key=TOKEN, timeout=600) as client:
                return await _compare(client)
        finally:
            process.terminate()
            await process.wait()


async def _compare(client: openai.AsyncOpenAI) -> dict[str, float]:
    walls: dict[str, list[float]] = {"parallel": [], "sequential": []}
    tokens = 0
    await _ask(client, "What is a boat?")
    for number in range(ROUNDS):
        for way, found in walls.items():
            prompts = [f"Tell the story of {thing} {number}, {way}." for thing in THINGS]
            began = time.perf_counter()
            if way == "parallel":
                counted = await asyncio.gather(*(_ask(client, prompt) for prompt in prompts))
            else:
                counted = [await _ask(client, prompt) for prompt in prompts]
            found.append(time.perf_counter() - began)
            tokens += sum(counted)
    ratios = [one / other for one, other in zip(walls["parallel"], walls["sequential"], strict=True)]
    return {
        "api.parallel_s": statistics.median(walls["parallel"]),
        "api.sequential_s": statistics.median(walls["sequential"]),
        "api.parallel_to_sequential.median": statistics.median(ratios),
        "api.parallel_to_sequential.least": min(ratios),
        "api.parallel_to_sequential.most": max(ratios),
        "api.tokens_an_answer": tokens / (2 * ROUNDS * len(THINGS)),
    }


async def _ask(client: openai.AsyncOpenAI, prompt: str) -> int:
    """The tokens of the answer."""
    reply = await client.chat.completions.create(
        model=ARM, messages=[{"role": "user", "content": prompt}], max_tokens=TOKENS
    )
    assert reply.usage is not None
    return reply.usage.completion_tokens
