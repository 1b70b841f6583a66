"""Ask many questions of many arms without logging them: probes, scenarios, nights. Many lanes share a decoding step."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from studio.domain.arms import ArmRecipe
from studio.domain.generation import Completion, LaneFailed, LaneFinished, Priority, Sampling
from studio.domain.log import Given
from studio.errors import EngineError
from studio.services.prepare_lanes import PreparedLane, Question, prepare_lanes
from studio.services.studio import Studio

LANES_TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Ask:
    """One question for one arm."""

    prompt: str
    recipe: ArmRecipe


@dataclass(frozen=True, slots=True)
class Reply:
    ask: Ask
    given: Given
    completion: Completion

    @property
    def text(self) -> str:
        return self.completion.text


async def ask_many(
    studio: Studio,
    asks: Sequence[Ask],
    *,
    sampling: Sampling | None = None,
    priority: Priority = Priority.IDLE,
) -> list[Reply]:
    """All replies, in the order of the asks. Raises EngineError if one cannot be answered."""
    stream = stream_many(studio, asks, sampling=sampling, priority=priority)
    replies = {number: reply async for number, reply in stream}
    return [replies[number] for number in range(len(asks))]


async def stream_many(
    studio: Studio,
    asks: Sequence[Ask],
    *,
    sampling: Sampling | None = None,
    priority: Priority = Priority.IDLE,
) -> AsyncGenerator[tuple[int, Reply]]:
    """Replies with the index of their ask, as they come, so that progress can be shown."""
    wanted = sampling or studio.sampling
    # Lanes of one adapter and memory decode together: only those share a batch and a prompt prefix.
    order = sorted(
        range(len(asks)), key=lambda n: (asks[n].recipe.adapter, str(asks[n].recipe.scale), asks[n].recipe.memory)
    )
    for start in range(0, len(order), LANES_TOGETHER):
        numbers = order[start : start + LANES_TOGETHER]
        prepared: dict[str, tuple[int, PreparedLane]] = {}
        for number in numbers:
            ask = asks[number]
            (one,) = await prepare_lanes(studio, Question(ask.prompt), [ask.recipe], wanted)
            prepared[str(number)] = (number, replace(one, lane=replace(one.lane, key=str(number))))
        async for event in studio.engine.generate([one.lane for _, one in prepared.values()], priority=priority):
            if isinstance(event, LaneFailed):
                raise EngineError(
                    f"'{asks[int(event.key)].prompt[:60]}' could not be answered: {event.message}", event.hint
                )
            if isinstance(event, LaneFinished):
                number, one = prepared[event.key]
                yield number, Reply(asks[number], one.given, event.completion)
