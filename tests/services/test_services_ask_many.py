"""Many questions at once: never more open than the engine is given, none waits for the slowest of a batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio, scripted

from studio.domain.arms import FROZEN
from studio.domain.checks import Check
from studio.domain.generation import Lane, LaneEvent, Priority
from studio.errors import EngineError
from studio.services.ask_many import LANES_OPEN, Ask, ask_many, stream_many

SLOW = "Question 0?"


class CountingEngine(FakeEngine):
    """Knows how many lanes are open; the slow question ends only once `release` is set."""

    def __init__(self) -> None:
        super().__init__(lambda lane: f"Answer to {lane.messages[-1].content}")
        self.open = self.most_open = 0
        self.release = asyncio.Event()

    async def generate(
        self, lanes: Sequence[Lane], *, priority: Priority = Priority.INTERACTIVE
    ) -> AsyncGenerator[LaneEvent]:
        self.open += len(lanes)
        self.most_open = max(self.most_open, self.open)
        try:
            if lanes[0].messages[-1].content == SLOW:
                await self.release.wait()
            async for event in super().generate(lanes, priority=priority):
                yield event
        finally:
            self.open -= len(lanes)


def asks(number: int) -> list[Ask]:
    return [Ask(f"Question {n}?", FROZEN) for n in range(number)]


async def test_all_are_answered_in_their_order_with_a_bounded_number_open(tmp_path: Path) -> None:
    engine = CountingEngine()
    engine.release.set()
    replies = await ask_many(fake_studio(tmp_path, engine=engine), asks(3 * LANES_OPEN))
    assert [reply.text for reply in replies] == [f"Answer to Question {n}?" for n in range(3 * LANES_OPEN)]
    assert engine.most_open == LANES_OPEN
    assert engine.open == 0


async def test_the_rest_go_on_while_one_takes_long(tmp_path: Path) -> None:
    engine = CountingEngine()
    answered = []
    async for number, _ in stream_many(fake_studio(tmp_path, engine=engine), asks(2 * LANES_OPEN)):
        answered.append(number)
        if len(answered) == 2 * LANES_OPEN - 1:
            engine.release.set()
    assert answered[-1] == 0


async def test_stopping_in_the_middle_closes_what_is_open(tmp_path: Path) -> None:
    engine = CountingEngine()
    stream = stream_many(fake_studio(tmp_path, engine=engine), asks(2 * LANES_OPEN))
    await anext(stream)
    await stream.aclose()
    assert engine.open == 0


async def test_a_question_that_cannot_be_answered_is_named(tmp_path: Path) -> None:
    engine = FakeEngine(scripted("one two"), die_after=1)
    with pytest.raises(EngineError, match="Question 0"):
        await ask_many(fake_studio(tmp_path, engine=engine), asks(1))


ICE = Check(include=(("ice",),))
TOLD = "It is ice and so on and on."


async def test_where_the_verdict_alone_counts_an_answer_ends_once_that_is_certain_and_is_kept_so(
    tmp_path: Path,
) -> None:
    engine = FakeEngine(scripted(TOLD))
    studio = fake_studio(tmp_path, engine=engine)
    (cut,) = await ask_many(studio, [Ask("What is it?", FROZEN, until=ICE)])
    assert cut.text == "It is ice and"
    assert engine.cancelled
    (again,) = await ask_many(studio, [Ask("What is it?", FROZEN, until=ICE)])
    assert again.text == cut.text
    assert len(engine.asked) == 1
    (whole,) = await ask_many(studio, [Ask("What is it?", FROZEN)])
    assert whole.text == TOLD, "half an answer is no answer to whoever wants all of it"
    (known,) = await ask_many(studio, [Ask("What is it?", FROZEN, until=Check(include=(("it",),)))])
    assert known.text == TOLD
    assert len(engine.asked) == 2


async def test_an_answer_that_somebody_wants_whole_is_not_cut_for_another(tmp_path: Path) -> None:
    asked = [Ask("What is it?", FROZEN, until=ICE), Ask("What is it?", FROZEN)]
    replies = await ask_many(fake_studio(tmp_path, engine=FakeEngine(scripted(TOLD))), asked)
    assert [reply.text for reply in replies] == [TOLD, TOLD]
