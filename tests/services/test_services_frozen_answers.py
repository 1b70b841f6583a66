"""What every night asks of the bundled model ships with its answers, which are the model's own."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from studio.bootstrap import build_studio
from studio.domain.generation import Lane, LaneEvent, Priority
from studio.services.collect_examples import frozen_answers
from studio.services.evaluate_adapter import ask_frozen
from studio.services.kept_completions import KeptCompletions
from studio.services.studio import Studio
from studio.training.examples import replay_prompts
from studio.workspace import Workspace

REMEDY = "run python local_models/frozen_answers/ask.py"
COMPARED, ALIKE = 10, 8  # near ties tip on another processor


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    studio = build_studio(Workspace(tmp_path).ensure())
    yield studio
    await studio.close()


async def test_a_first_night_need_not_ask_what_every_night_asks(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    await studio.model()
    asked: list[str] = []

    def refuse(lanes: Sequence[Lane], *, priority: Priority) -> AsyncIterator[LaneEvent]:
        asked.extend(lane.messages[-1].content for lane in lanes)
        raise AssertionError(REMEDY)

    monkeypatch.setattr(studio.engine, "generate", refuse)
    answers = await frozen_answers(studio, replay_prompts())
    await ask_frozen(studio, [])
    assert not asked
    assert all(answers[prompt] for prompt in replay_prompts())


async def test_the_answers_are_those_of_the_model(studio: Studio) -> None:
    prompts = random.Random(0).sample(replay_prompts(), COMPARED)
    shipped = await frozen_answers(studio, prompts)
    studio.completions = KeptCompletions(None)
    own = await frozen_answers(studio, prompts)
    assert sum(shipped[prompt] == own[prompt] for prompt in prompts) >= ALIKE, REMEDY
