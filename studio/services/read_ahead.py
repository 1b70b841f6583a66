"""Read in idle time what every question will begin with, once a correction has changed it.

The `context` arm shows all corrections, twice where there is room (docs/lessons.md), so a new one leaves half of them
to be read anew: seconds, where a question takes a tenth of one. Read before it is asked, they are in the engine's
memory when it is.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

from studio.domain.arms import Memory
from studio.domain.generation import Priority
from studio.services.prepare_lanes import Question, prepare_lanes, what_is_decoded
from studio.services.studio import Studio

SOME_QUESTION = "?"
"""Stands for the one that will be asked: what precedes it is what is to be read."""


async def read_ahead(studio: Studio) -> None:
    """Have the engine read what its arms with the whole memory begin with; the user's questions go first.

    A server that answers is left alone: it would be paid for it. What cannot be read is of no account.
    Raises ModelError where no model can be loaded.
    """
    arms = [recipe for recipe in studio.settings.arm_recipes() if recipe.memory is Memory.CONTEXT]
    if not arms or studio.server:
        return
    prepared = await prepare_lanes(studio, Question(SOME_QUESTION), arms, studio.sampling)
    alike = {what_is_decoded(one): one.lane for one in prepared}
    # The room for an answer is kept free, and one token of it is decoded.
    lanes = [replace(lane, sampling=replace(lane.sampling, max_tokens=1)) for lane in alike.values()]
    async with aclosing(studio.engine.generate(lanes, priority=Priority.READ_AHEAD)) as events:
        async for _ in events:
            pass
