"""Ask many questions of many arms without logging them: probes, scenarios, nights. Many lanes share a decoding step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType

from studio.domain.arms import ArmRecipe
from studio.domain.checks import Check
from studio.domain.generation import (
    ChatMessage,
    Completion,
    FinishReason,
    Lane,
    LaneDelta,
    LaneFailed,
    LaneFinished,
    Priority,
    Sampling,
)
from studio.domain.log import Given
from studio.errors import EngineError
from studio.evaluation.judging import is_settled
from studio.services.find_lessons import embed_questions
from studio.services.prepare_lanes import PreparedLane, Question, brief, prepare_lane, what_is_decoded
from studio.services.studio import Studio, off_loop

LANES_OPEN = 40
"""More than the engine decodes together, so that one is always ready to step in where another ends."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question for one arm, in a conversation that went on so far.

    `until`: where nothing but the verdict by this check is wanted, the answer ends once that is certain.
    """

    prompt: str
    recipe: ArmRecipe
    history: tuple[ChatMessage, ...] = ()
    until: Check | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    ask: Ask
    given: Given
    completion: Completion

    @property
    def text(self) -> str:
        return self.completion.text


async def ask_many(
    studio: Studio, asks: Sequence[Ask], *, sampling: Sampling | None = None, priority: Priority = Priority.IDLE
) -> list[Reply]:
    """All replies, in the order of the asks. Raises EngineError if one cannot be answered."""
    stream = stream_many(studio, asks, sampling=sampling, priority=priority)
    replies = {number: reply async for number, reply in stream}
    return [replies[number] for number in range(len(asks))]


async def stream_many(
    studio: Studio, asks: Sequence[Ask], *, sampling: Sampling | None = None, priority: Priority = Priority.IDLE
) -> AsyncGenerator[tuple[int, Reply]]:
    """Replies with the index of their ask, as they come, so that progress can be shown.

    Greedy decoding gives one answer to one prompt: lanes alike in messages, adapter and sampling are decoded once,
    and kept. So an arm that was given nothing costs nothing beside the frozen one, and a repeat is cheap.
    """
    wanted = sampling or studio.sampling
    waiting: dict[Lane, list[tuple[int, PreparedLane]]] = {}
    until: dict[Lane, Check | None] = {}
    briefing = await brief(studio, {ask.recipe for ask in asks})
    if looked_up := [ask.prompt for ask in asks if briefing.looks_up(ask.recipe)]:
        await embed_questions(studio, looked_up)
    for number, ask in enumerate(asks):
        question = Question(ask.prompt, ask.history)
        prepared = await prepare_lane(studio, briefing, question, ask.recipe, wanted, priority=priority)
        lane = what_is_decoded(replace(prepared, lane=replace(prepared.lane, key=str(number))))
        waiting.setdefault(lane, []).append((number, prepared))
        if until.setdefault(lane, ask.until) != ask.until:
            until[lane] = None
    async with aclosing(decode_kept(studio, list(waiting), until=until, priority=priority)) as decoded:
        async for lane, completion in decoded:
            for number, prepared in waiting[lane]:
                yield number, Reply(asks[number], prepared.given, completion)


async def decode_kept(
    studio: Studio,
    lanes: Sequence[Lane],
    *,
    until: Mapping[Lane, Check | None] = MappingProxyType({}),
    priority: Priority = Priority.IDLE,
) -> AsyncGenerator[tuple[Lane, Completion]]:
    """Completions of lanes that differ, as they come: first those that are kept already, then what is decoded, and
    kept where it is greedy. Raises EngineError if one cannot be answered."""
    model = await studio.model()
    open_lanes: list[Lane] = []
    for lane in lanes:
        greedy = lane.sampling.temperature == 0
        known = await off_loop(studio.completions.get, model, lane, until.get(lane)) if greedy else None
        if known is None:
            open_lanes.append(lane)
        else:
            yield lane, known
    async with aclosing(_decode(studio, open_lanes, until, priority)) as decoded:
        async for lane, completion in decoded:
            if lane.sampling.temperature == 0:
                cut = until.get(lane) if completion.finish_reason is FinishReason.CANCELLED else None
                await off_loop(studio.completions.put, model, lane, completion, cut)
            yield lane, completion


async def _decode(
    studio: Studio, lanes: list[Lane], until: Mapping[Lane, Check | None], priority: Priority
) -> AsyncGenerator[tuple[Lane, Completion]]:
    """Completions as they come. As lanes finish others take their places, so that no batch waits for its slowest."""
    # Lanes of one adapter, and of like prompts, decode together: only those share a batch and a prompt prefix.
    lanes.sort(key=lambda lane: (str(lane.adapters), len(lane.messages)))
    ahead = iter(lanes)

    def begin(lane: Lane) -> asyncio.Task[Completion]:
        return asyncio.create_task(_complete(studio, lane, until.get(lane), priority))

    running = {begin(lane): lane for lane in islice(ahead, LANES_OPEN)}
    try:
        while running:
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                yield running.pop(task), task.result()
            for lane in islice(ahead, len(finished)):
                running[begin(lane)] = lane
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _complete(studio: Studio, lane: Lane, until: Check | None, priority: Priority) -> Completion:
    """Raises EngineError, naming the question."""
    text = ""
    async with aclosing(studio.engine.generate([lane], priority=priority)) as events:
        async for event in events:
            if until and isinstance(event, LaneDelta) and not event.is_thinking:
                text += event.text
                if is_settled(text, until):  # what it would have cost is nobody's concern then
                    return Completion(text, FinishReason.CANCELLED, 0, 0, 0, 0.0, 0.0)
            if isinstance(event, LaneFailed):
                question = lane.messages[-1].content
                raise EngineError(f"'{question[:60]}' could not be answered: {event.message}", event.hint)
            if isinstance(event, LaneFinished):
                return event.completion
    raise AssertionError("the engine ended no lane")
