"""Where a night has no time for all corrections: the new first, then what went wrong, superseded ones never."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio

from studio.domain.arms import STANDARD_ARMS
from studio.domain.generation import Lane
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.domain.nights import Night, NightState
from studio.services.answer_with_arms import answer_with_arms
from studio.services.choose_corrections import SECONDS_EACH, choose_corrections
from studio.services.converse import start_conversation
from studio.services.record_correction import record_correction
from studio.services.studio import Studio

LORA = next(arm for arm in STANDARD_ARMS if arm.name == "lora")
TEN = 10 * SECONDS_EACH / 60


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def studio(tmp_path: Path, engine: FakeEngine) -> Studio:
    return fake_studio(tmp_path, engine=engine)


async def corrected(studio: Studio, count: int) -> list[Correction]:
    return [
        await record_correction(
            studio, answer=None, prompt=f"What is in box {n}?", original="Tea.", corrected=f"Lot {n}."
        )
        for n in range(count)
    ]


async def slept(studio: Studio, corrections: list[Correction], *, seconds_each: float = SECONDS_EACH) -> None:
    model = (await studio.model()).sha256
    ids = tuple(correction.id for correction in corrections)
    metrics = {"running_s": seconds_each * len(ids)}
    earlier = utc_now() - timedelta(minutes=1)
    studio.log.nights.add(Night(new_id(), NightState.PROMOTED, earlier, model, ids, metrics=metrics))


async def chosen(studio: Studio, minutes: float, seed: int = 0) -> list[str]:
    model = (await studio.model()).sha256
    return [one.corrected for one in await choose_corrections(studio, model, minutes=minutes, seed=seed)]


async def test_all_are_learnt_while_there_is_time(studio: Studio) -> None:
    await corrected(studio, 10)
    assert await chosen(studio, TEN) == [f"Lot {n}." for n in range(10)]


async def test_the_newest_of_those_never_learnt_come_first(studio: Studio) -> None:
    await slept(studio, (await corrected(studio, 30))[:4])
    assert await chosen(studio, TEN) == [f"Lot {n}." for n in range(20, 30)]


async def test_what_the_weights_had_wrong_is_learnt_again_before_what_they_had_right(
    studio: Studio, engine: FakeEngine
) -> None:
    made = await corrected(studio, 40)
    await slept(studio, made)
    engine.reply = lambda lane: f"Lot {lane.messages[-1].content.split()[-1].rstrip('?')}." if _even(lane) else "Tea."
    conversation = await start_conversation(studio)
    for correction in made:
        async for _ in answer_with_arms(studio, correction.prompt, [LORA], conversation_id=conversation.id, history=()):
            pass
    wrong = [int(text.split()[1].rstrip(".")) % 2 for seed in range(5) for text in await chosen(studio, TEN, seed)]
    assert len(wrong) == 50
    assert sum(wrong) > 45
    assert await chosen(studio, TEN, 3) == await chosen(studio, TEN, 3)


def _even(lane: Lane) -> bool:
    question = lane.messages[-1].content
    return int(question.split()[-1].rstrip("?")) % 2 == 0


async def test_superseded_and_undone_ones_are_never_among_them(studio: Studio) -> None:
    await corrected(studio, 12)
    await record_correction(studio, answer=None, prompt="What is in box 11?", original="Tea.", corrected="Nothing.")
    assert "Lot 11." not in await chosen(studio, TEN)
    assert "Nothing." in await chosen(studio, TEN)


async def test_how_many_fit_is_taken_from_the_night_before(studio: Studio) -> None:
    made = await corrected(studio, 30)
    await slept(studio, made[:2], seconds_each=2 * SECONDS_EACH)
    assert len(await chosen(studio, TEN)) == 5
    assert len(await chosen(studio, 0.001)) == 1
