"""Time to the first token of the twentieth question of a chat, against reading its new tokens alone.

The peer is a bare context that holds the nineteen exchanges before it, and computes only what is new: the end of the
last answer, the question, and the header of the answer.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.llama import SYSTEM, BareLoop, bundled_model, complete, engine
from benchmarks.table import Row, rounds
from studio.domain.generation import ChatMessage, Lane, Role, Sampling
from studio.inference.llama_native import silence_log

_EARLIER = [
    "Who keeps the instruments of the observatory, and in which room?",
    "The sextant is kept in room twelve, with the spectrograph; the barometer hangs in the hall, as it always has.",
]
_ASKED = "And who told you about number {}?"


def rows(budget_s: float) -> list[Row]:
    log = silence_log()
    measured = asyncio.run(_measure(budget_s))
    del log
    return [measured]


async def _measure(budget_s: float) -> Row:
    # Without a system message the model's template would put in one of its own, which the peer knows nothing of.
    system = ChatMessage(Role.SYSTEM, SYSTEM)
    said = (
        ChatMessage(Role.ASSISTANT if number % 2 else Role.USER, f"{number}: {_EARLIER[number % 2]}")
        for number in range(37)
    )
    history = (system, *said)
    ours, theirs, fresh = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder)) as asked:
            bare = BareLoop(bundled_model())
            for number in rounds(budget_s):
                before = Lane("a", history, sampling=Sampling(max_tokens=8))
                answer = (await complete(asked, [before]))["a"]
                fresh = fresh or answer.first_token_s
                told = (*history, ChatMessage(Role.ASSISTANT, answer.text))
                question = ChatMessage(Role.USER, _ASKED.format(number + 20))
                lane = Lane("a", (*told, question), sampling=Sampling(max_tokens=1))
                turn = (await complete(asked, [lane]))["a"]
                ours.append(1000 * turn.first_token_s)
                known = answer.prompt_tokens + answer.completion_tokens - 1  # the last token was chosen, not read
                prompt = bare.tokens(lane.messages)
                assert len(prompt) == turn.prompt_tokens
                bare.read(prompt[:known])
                began = time.perf_counter()
                bare.read(prompt[known:], after=known)
                theirs.append(1000 * (time.perf_counter() - began))
    note = f"{len(prompt) - known} of {len(prompt)} tokens are new; with nothing in memory {fresh:.2f} s"
    return Row("first token, turn 20 of a chat", "reading the new tokens alone", "ms", ours, theirs, 1.15, note=note)
