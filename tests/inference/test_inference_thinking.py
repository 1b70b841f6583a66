"""Thinking within the engines: what counts towards the longest answer, and what servers call it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from scripted_server import DONE, USAGE, event, scripted_server
from studio_fakes import fake_studio

from studio.domain.arms import FROZEN
from studio.domain.exports import Selection
from studio.domain.generation import FinishReason, Priority, Sampling
from studio.inference.lane_run import AdapterSet, LaneRun, Prompt
from studio.inference.llama_native import NativeModel
from studio.inference.protocol import Event, LaneEnded, TextArrived
from studio.inference.remote_access import RemoteAccess
from studio.inference.remote_engine import RemoteEngine
from studio.services.answer_with_arms import ArmDelta, ArmFinished, answer_with_arms
from studio.services.converse import history_of, start_conversation
from studio.services.record_correction import accept_answer, record_correction


class Words:
    """A model whose tokens are places in a text."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def piece(self, token: int) -> bytes:
        return self.words[token].encode()

    def ends_answer(self, token: int) -> bool:
        return token >= len(self.words)


def run(words: Words, sampling: Sampling, closing: str = "") -> tuple[LaneEnded, list[TextArrived]]:
    events: list[Event] = []
    lane = LaneRun(
        *(1, "k", Prompt(range(10), closing=closing)),
        priority=Priority.INTERACTIVE,
        adapters=AdapterSet(),
        sampling=sampling,
        context_tokens=1000,
        started=0.0,
    )
    token, reason = 0, None
    while reason is None:
        reason = lane.take(token, cast("NativeModel", words), events.append)
        token += 1
    lane.end(reason, events.append)
    ended = events[-1]
    assert isinstance(ended, LaneEnded)
    return ended, [one for one in events if isinstance(one, TextArrived)]


def test_what_is_thought_takes_nothing_of_the_answers_length() -> None:
    words = Words("<think>", "a ", "b ", "c", "</think>", "\n", "one", " two", " three")
    whole, arrived = run(words, Sampling(max_tokens=4, thinking_tokens=10))
    assert (whole.thinking, whole.text, whole.finish_reason) == ("a b c", "one two three", FinishReason.STOP)
    assert {one.is_thinking for one in arrived} == {True, False}
    assert "".join(one.text for one in arrived if not one.is_thinking) == "one two three"
    cut, _ = run(words, Sampling(max_tokens=2, thinking_tokens=10))
    assert (cut.text, cut.finish_reason) == ("one two", FinishReason.LENGTH)


def test_an_answer_without_thinking_is_no_longer_for_what_it_might_have_thought() -> None:
    ended, _ = run(Words("one", " two", " three"), Sampling(max_tokens=2, thinking_tokens=50))
    assert (ended.text, ended.finish_reason) == ("one two", FinishReason.LENGTH)


def test_thinking_that_does_not_end_leaves_no_answer() -> None:
    ended, _ = run(Words("a ", "b ", "c ", "d "), Sampling(max_tokens=1, thinking_tokens=2), "</think>")
    assert (ended.thinking, ended.text, ended.finish_reason) == ("a b c ", "", FinishReason.LENGTH)


def thought(text: str, name: str) -> bytes:
    return event().replace(b'"delta": {}', f'"delta": {{"{name}": "{text}"}}'.encode())


TAGGED = b"".join(map(event, ("<th", "ink>\nThirty? ", "No.\n</th", "ink>\n\nForty-", "five days.")))
UNSEEN = b"".join(map(event, ("Thirty? No.", "\n</think>\n\nForty-", "five days.")))
NAMED = thought("Thirty? ", "reasoning_content") + thought("No.", "reasoning") + event("Forty-") + event("five days.")


@pytest.mark.parametrize("stream", [TAGGED, UNSEEN, NAMED], ids=["tags", "opened in the prompt", "a field of its own"])
async def test_from_a_server_to_the_log_corrections_and_exports(stream: bytes, tmp_path: Path) -> None:
    async with scripted_server() as server:
        server.mishaps = [stream + event(finish="stop") + USAGE + DONE]
        studio = fake_studio(tmp_path)
        studio.engine = RemoteEngine(RemoteAccess(base_url=server.base_url), tmp_path / "hashes.json")
        studio.server = server.base_url
        conversation = await start_conversation(studio)
        sampling = Sampling(max_tokens=100, thinking_tokens=500)
        events = [
            one
            async for one in answer_with_arms(
                studio, "How many days?", [FROZEN], conversation_id=conversation.id, sampling=sampling
            )
        ]
        await studio.close()
    assert server.asked[0]["max_tokens"] == 600
    answer = next(one.answer for one in events if isinstance(one, ArmFinished))
    assert (answer.thinking, answer.text) == ("Thirty? No.", "Forty-five days.")
    if stream is not UNSEEN:
        told = "".join(one.text for one in events if isinstance(one, ArmDelta) and not one.is_thinking)
        assert told == "Forty-five days."
    # The log keeps the whole; what is learnt from has the answer alone.
    assert studio.log.answers.get(answer.id) == answer
    assert [message.content for message in await history_of(studio, conversation.id)][-1] == "Forty-five days."
    correction = await record_correction(
        studio, answer=answer, prompt="How many days?", corrected="<think>Ask.</think>\nSixty days."
    )
    assert (correction.original, correction.corrected) == ("Forty-five days.", "Sixty days.")
    await accept_answer(studio, answer.id)
    assert [one.text for one, _ in studio.log.answers.accepted()] == ["Forty-five days."]
    copied = studio.log.copy_out(Selection(), tmp_path, whole=False)
    rows = [row for batch in copied.corrections("Thirty") for row in batch]
    assert len(rows) == 1
    assert "Thirty" not in repr(rows)
