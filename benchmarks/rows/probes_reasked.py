"""Corrections asked again in idle time: many probes of all arms together, against the same lanes one by one.

Forty corrections and five arms, of which two have an adapter, are 200 lanes; as many of them are asked, arm by arm
alike, as fit into the time. Either side's answers are compared. The last row asks meanwhile as a user would.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.llama import SYSTEM, chat, complete, engine, random_adapter, taught
from benchmarks.rows.five_arms import five_arms
from benchmarks.table import Row, rounds
from studio.domain.generation import Completion, Lane, Priority, Sampling
from studio.inference.engine_client import LlamaEngine
from studio.services.ask_many import LANES_OPEN

SCENARIOS = ("clinic", "workshop")
ANSWER_TOKENS = 24
_FEWEST, _MOST = 6, 40
_WANTED = 0.4


def rows(budget_s: float) -> list[Row]:
    return asyncio.run(_measure(budget_s))


async def _measure(budget_s: float) -> list[Row]:
    questions = [asked for scenario in SCENARIOS for asked, _ in taught(scenario)][:_MOST]
    with tempfile.TemporaryDirectory() as folder:
        adapter = random_adapter(Path(folder) / "random.gguf")
        async with engine(Path(folder)) as asked:
            began = time.perf_counter()
            await _one_by_one(asked, _lanes(adapter, questions[:2]))  # warms up, and tells what there is time for
            of_one = (time.perf_counter() - began) / 2
            share = max(_FEWEST, min(_MOST, int(budget_s / 6 / of_one)))
            lanes = _lanes(adapter, questions[:share])
            together: list[float] = []
            singly: list[float] = []
            for _ in rounds(budget_s * 0.7, least=2):
                began = time.perf_counter()
                answers = await _together(asked, lanes)
                together.append(time.perf_counter() - began)
                began = time.perf_counter()
                expected = await _one_by_one(asked, lanes)
                singly.append(time.perf_counter() - began)
            # An answer may differ where llama.cpp computes one token in another order than several.
            same = statistics.mean(answers[key].text == expected[key].text for key in expected)
            waits, alone = await _beside_a_user(asked, lanes)
    note = f"{len(lanes)} lanes; {same:.0%} of the answers the same text"
    return [
        Row("idle probes re-asked, all arms", "one by one", "s", together, singly, _WANTED, note=note),
        Row("a user's first token beside idle probes", "the same with nothing beside", "ms", waits, alone),
    ]


def _lanes(adapter: Path, questions: list[str]) -> list[Lane]:
    lanes = [
        Lane(f"{number} {lane.key}", lane.messages, lane.adapters, lane.sampling)
        for number, question in enumerate(questions)
        for lane in five_arms(adapter, question, ANSWER_TOKENS)
    ]
    return sorted(lanes, key=lambda lane: (str(lane.adapters), len(lane.messages[0].content)))


async def _together(asked: LlamaEngine, lanes: list[Lane]) -> dict[str, Completion]:
    """As services.ask_many does: so many open that one is ready to step in where another ends."""
    found: dict[str, Completion] = {}
    ahead = iter(lanes)

    async def work() -> None:
        for lane in ahead:
            found.update(await complete(asked, [lane], Priority.IDLE))

    await asyncio.gather(*(work() for _ in range(LANES_OPEN)))
    return found


async def _one_by_one(asked: LlamaEngine, lanes: list[Lane]) -> dict[str, Completion]:
    found: dict[str, Completion] = {}
    for lane in lanes:
        found |= await complete(asked, [lane], Priority.IDLE)
    return found


async def _beside_a_user(asked: LlamaEngine, lanes: list[Lane], questions: int = 8) -> tuple[list[float], list[float]]:
    """Milliseconds to the first token of a user's questions while probes run, and of the like with nothing beside."""
    waits: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * questions):
        busy = number % 2 == 0
        probing = asyncio.create_task(_together(asked, lanes)) if busy else None
        await asyncio.sleep(0.6)
        lane = Lane("user", chat(f"What is worth seeing in town {number}?", SYSTEM), sampling=Sampling(max_tokens=2))
        waits[busy].append(1000 * (await complete(asked, [lane]))["user"].first_token_s)
        if probing is not None:
            probing.cancel()
            with suppress(asyncio.CancelledError):
                await probing
    return waits[True], waits[False]
