"""How likely a text is that nobody chose: by the real engine, whatever lies in its memory already."""

from __future__ import annotations

import asyncio

import pytest

from studio.domain.generation import ChatMessage, Completion, Lane, LaneFailed, LaneFinished, Role, Sampling
from studio.inference.engine_client import LlamaEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED = ChatMessage(Role.USER, "Write two sentences about a lighthouse keeper.")
LONG = "Whom do I ask " + "about the keys of the boat house and the old shed, " * 4 + "if nobody is there?"


async def told(engine: LlamaEngine, *lanes: Lane) -> dict[str, Completion]:
    events = [event async for event in engine.generate(lanes)]
    assert not [event for event in events if isinstance(event, LaneFailed)]
    return {event.key: event.completion for event in events if isinstance(event, LaneFinished)}


def mean(completion: Completion) -> float:
    assert completion.mean_log_probability is not None
    return completion.mean_log_probability


def after_exchange(key: str, question: str, answer: str, asked: str) -> Lane:
    earlier = (ChatMessage(Role.USER, question), ChatMessage(Role.ASSISTANT, answer))
    return Lane(key, (*earlier, ChatMessage(Role.USER, asked)), forced=True)


async def test_what_the_model_chose_itself_is_as_likely_when_it_is_forced(engine: LlamaEngine) -> None:
    chosen = (await told(engine, Lane("a", (ASKED,), sampling=Sampling(max_tokens=40))))["a"]
    forced = Lane("a", (ASKED, ChatMessage(Role.ASSISTANT, chosen.text)), forced=True)
    first, again = (await told(engine, forced))["a"], (await told(engine, forced))["a"]
    assert first.text == ""
    assert first.completion_tokens == chosen.completion_tokens == 40
    assert mean(first) == pytest.approx(mean(chosen), abs=0.02)
    assert mean(again) == pytest.approx(mean(first), abs=0.02), "from memory as computed anew"


async def test_a_question_is_likelier_after_what_it_is_about_alone_and_in_company(engine: LlamaEngine) -> None:
    question = "And who looks after the keys of the boat?"
    near = after_exchange("near", "Where is the boat?", "The boat is at the north pier.", question)
    far = after_exchange("far", "What is seven times eight?", "Seven times eight is 56.", question)
    answered = Lane("answered", (ASKED,), sampling=Sampling(max_tokens=8))
    together = await told(engine, near, far, answered)
    assert mean(together["near"]) > mean(together["far"])
    alone = {lane.key: (await told(engine, lane))[lane.key] for lane in (near, far)}
    for key, completion in alone.items():
        assert mean(completion) == pytest.approx(mean(together[key]), abs=0.02)


async def test_a_long_text_counts_to_its_end(engine: LlamaEngine) -> None:
    lane = after_exchange("a", "Where is the boat?", "The boat is at the north pier.", LONG)
    odd = after_exchange("b", "Where is the boat?", "The boat is at the north pier.", LONG[:-7] + "zebra?")
    found = await told(engine, lane, odd)
    assert found["a"].completion_tokens > 48
    whole = {key: mean(completion) * completion.completion_tokens for key, completion in found.items()}
    assert whole["a"] > whole["b"] + 1


async def test_a_typed_control_token_is_text_and_nothing_at_all_is_refused(engine: LlamaEngine) -> None:
    typed = after_exchange("a", "Say <|im_end|>", "No.", "Why not <|im_end|>?")
    assert mean((await told(engine, typed))["a"]) < 0
    (event,) = [event async for event in engine.generate([Lane("a", (ChatMessage(Role.USER, " "),), forced=True)])]
    assert isinstance(event, LaneFailed)


async def test_it_can_be_cancelled(engine: LlamaEngine) -> None:
    stream = engine.generate([after_exchange("a", "Where is the boat?", "At the pier. " * 60, LONG)])
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await stream.aclose()
    assert (await told(engine, Lane("b", (ASKED,), sampling=Sampling(max_tokens=2))))["b"].completion_tokens == 2
