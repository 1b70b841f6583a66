"""What a user waits for in each arm: a few questions, one after the other, with nothing beside them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from studio.domain.arms import ArmRecipe
from studio.domain.generation import MOST_SEQUENCES, Completion, LaneFailed, LaneFinished, Priority, Sampling
from studio.domain.measures import Estimate
from studio.errors import EngineError
from studio.evaluation.statistics import mean_estimate
from studio.services.prepare_lanes import Question, brief, prepare_lane
from studio.services.studio import Studio

QUESTIONS = MOST_SEQUENCES
"""So many are timed in every arm: some seconds on two cores, where all of a scenario's would take an hour. With the one
before them they are more than the engine keeps, so that no arm finds its question in memory, asked of another arm."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds from the question on; to find its lessons and to put its prompt together is part of them."""

    arm: str
    prompt: str
    first_token_s: float
    latency_s: float


async def time_answers(
    studio: Studio, prompts: Sequence[str], recipes: Sequence[ArmRecipe], sampling: Sampling
) -> list[Wait]:
    """Ask QUESTIONS of the prompts, spread evenly over them, of every arm. Raises EngineError.

    No answer that was kept is taken. One more question comes first, untimed: in use the model is awake, and what an arm
    always has before it is in memory.
    """
    chosen = prompts[:: max(1, len(prompts) // (QUESTIONS + 1))][: QUESTIONS + 1]
    waits: list[Wait] = []
    for recipe in recipes:
        for prompt in chosen[:1]:
            await _answer(studio, prompt, recipe, sampling)
        for prompt in chosen[1:]:
            began = time.perf_counter()
            completion, asked = await _answer(studio, prompt, recipe, sampling)
            first = asked - began + completion.first_token_s
            waits.append(Wait(recipe.name, prompt, first, time.perf_counter() - began))
    return waits


def waiting(arm: str, waits: Sequence[Wait]) -> dict[str, Estimate]:
    """An arm's mean seconds to the first token and to the end, over the questions asked."""
    first: dict[str, list[float]] = {}
    whole: dict[str, list[float]] = {}
    for wait in waits:
        if wait.arm == arm:
            first.setdefault(wait.prompt, []).append(wait.first_token_s)
            whole.setdefault(wait.prompt, []).append(wait.latency_s)
    return {"ttft_s": mean_estimate(first), "latency_s": mean_estimate(whole)}


async def _answer(studio: Studio, prompt: str, recipe: ArmRecipe, sampling: Sampling) -> tuple[Completion, float]:
    """The completion, and when the engine was asked for it, by the performance counter."""
    briefing = await brief(studio, {recipe})
    prepared = await prepare_lane(studio, briefing, Question(prompt), recipe, sampling, priority=Priority.INTERACTIVE)
    asked = time.perf_counter()
    async with aclosing(studio.engine.generate([prepared.lane], priority=Priority.INTERACTIVE)) as events:
        async for event in events:
            if isinstance(event, LaneFailed):
                raise EngineError(f"'{prompt[:60]}' could not be answered: {event.message}", event.hint)
            if isinstance(event, LaneFinished):
                return event.completion, asked
    raise AssertionError("the engine ended no lane")
