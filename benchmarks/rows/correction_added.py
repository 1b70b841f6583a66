"""One correction more in the `context` arm: time to the first token of a question, against reading the whole memory.

The memory, sixteen corrections shown as the arm shows them, is in the engine's; then a seventeenth is made. The app
reads the new memory in idle time (services/read_ahead.py), and then the question has only itself to read. Asked at
once instead, the engine keeps what comes before the new correction and reads the rest. The peer reads all of it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.llama import OPTIONS, SYSTEM, bundled_model, complete, engine, taught
from benchmarks.table import Row, rounds
from studio.domain.arms import Memory
from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, Lane, Priority, Sampling
from studio.domain.identity import utc_now
from studio.domain.log import Correction
from studio.inference.engine_client import LlamaEngine
from studio.prompting.assemble import PromptRequest, assemble, prompts_to_count
from studio.services.read_ahead import SOME_QUESTION
from studio.settings import Settings

KNOWN = 16
_WANTED = 0.2


def rows(budget_s: float) -> list[Row]:
    return asyncio.run(_measure(budget_s))


async def _measure(budget_s: float) -> list[Row]:
    corrections = [
        Correction(str(number), asked, right, "", utc_now(), Check())
        for number, (asked, right) in enumerate([*taught("workshop"), *taught("ferry")])
    ]
    ahead: list[float] = []
    at_once: list[float] = []
    whole: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder)) as asked:
            for number in rounds(budget_s, least=2):
                lanes = [
                    await context_lane(asked, corrections[: KNOWN + more], f"What opens at {number}?")
                    for more in (0, 1)
                ]
                await asked.load(bundled_model(), OPTIONS)
                await complete(asked, lanes[:1])
                at_once.append((await complete(asked, lanes[1:]))["context"].first_token_s)
                await asked.load(bundled_model(), OPTIONS)
                await complete(asked, lanes[:1])
                unknown = await context_lane(asked, corrections[: KNOWN + 1], SOME_QUESTION)
                await complete(asked, [unknown], Priority.READ_AHEAD)
                ahead.append((await complete(asked, lanes[1:]))["context"].first_token_s)
                await asked.load(bundled_model(), OPTIONS)
                read = (await complete(asked, lanes[1:]))["context"]
                whole.append(read.first_token_s)
    note = f"{KNOWN} corrections and one, {read.prompt_tokens} tokens"
    what = "one correction more, context arm"
    return [
        Row(f"{what}, read ahead", "reading the whole memory", "s", ahead, whole, _WANTED, note=note),
        Row(f"{what}, asked at once", "reading the whole memory", "s", at_once, whole, note=note),
    ]


async def context_lane(asked: LlamaEngine, corrections: Sequence[Correction], question: str) -> Lane:
    """The context arm's prompt, of one token's answer."""
    request = PromptRequest(question, Memory.CONTEXT, SYSTEM, corrections=tuple(corrections))
    assembly = assemble(
        request,
        await asked.count_prompt_tokens(prompts_to_count(request)),
        correction_budget=Settings().prompt.context_budget_tokens,
        prompt_limit=OPTIONS.context_tokens,
    )
    messages: tuple[ChatMessage, ...] = assembly.messages
    return Lane("context", messages, sampling=Sampling(max_tokens=1))
