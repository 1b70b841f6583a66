"""One correction more in the `context` arm: time to the first token of a question, against reading the whole memory.

The memory, sixteen corrections shown as the arm shows them, is in the engine's; then a seventeenth is made. Asked at
once, the engine keeps what comes before it and reads the rest. The peer reads all of the prompt.
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
from studio.domain.generation import ChatMessage, Lane, Sampling
from studio.domain.identity import utc_now
from studio.domain.log import Correction
from studio.inference.engine_client import LlamaEngine
from studio.prompting.assemble import PromptRequest, assemble, prompts_to_count
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
    at_once: list[float] = []
    whole: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder)) as asked:
            for number in rounds(budget_s):
                lanes = [
                    await context_lane(asked, corrections[: KNOWN + more], f"What opens at {number}?")
                    for more in (0, 1)
                ]
                await asked.load(bundled_model(), OPTIONS)
                await complete(asked, lanes[:1])
                at_once.append((await complete(asked, lanes[1:]))["context"].first_token_s)
                await asked.load(bundled_model(), OPTIONS)
                read = (await complete(asked, lanes[1:]))["context"]
                whole.append(read.first_token_s)
    note = f"{KNOWN} corrections and one, {read.prompt_tokens} tokens"
    return [
        Row("one correction more, context arm", "reading the whole memory", "s", at_once, whole, _WANTED, note=note)
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
