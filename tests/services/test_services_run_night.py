"""A night that was interrupted, taken up by the next or given up; one that is cancelled at whatever it is at."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from studio_fakes import FakeEngine, a_few_examples, a_night_that_trained, fake_studio, kept_verdict

from studio.domain.generation import ChatMessage, Role
from studio.domain.identity import new_id, utc_now
from studio.domain.methods import Method
from studio.domain.nights import Night, NightProgress, NightState, TrainingExample
from studio.errors import NotFoundError, TrainingError
from studio.services import run_night as module
from studio.services.adapters import remove_adapter
from studio.services.follow_night import cancel_night
from studio.services.record_correction import record_correction
from studio.services.run_night import run_night
from studio.services.studio import Studio
from studio.training.job import NightFolder, TrainingConfig


async def test_it_is_told_that_the_options_are_those_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake_studio(tmp_path)
    facts = await studio.model()
    begun = TrainingConfig(max_minutes=7, method=Method.RSLORA)
    night = Night(
        new_id(),
        NightState.TRAINING,
        utc_now() - timedelta(hours=1),
        facts.sha256,
        (),
        config=dataclasses.asdict(begun),
    )
    studio.log.nights.add(night)
    folder = NightFolder(studio.workspace.nights / night.id)
    folder.path.mkdir(parents=True)
    folder.job_file.write_text("{}")

    async def cancelled(*_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        yield NightProgress(night.id, NightState.CANCELLED)

    monkeypatch.setattr(module, "train", cancelled)
    told: list[str] = []
    finished = await run_night(studio, max_minutes=1, method="lora", tell=told.append)
    assert finished.id == night.id
    (line,) = told
    for words in ("Going on with the night", "max-minutes 7", "method rslora"):
        assert words in line


@pytest.mark.parametrize("stage", ["collect_examples", "choose_and_judge"])
async def test_it_is_cancelled_also_before_and_after_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")
    reached = asyncio.Event()

    async def for_ever(*_: Any, **__: Any) -> Any:
        reached.set()
        await asyncio.Event().wait()

    async def trained(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        a_night_that_trained(folder)
        yield NightProgress(folder.path.name, NightState.EVALUATING)

    monkeypatch.setattr(module, "train", trained)
    monkeypatch.setattr(module, stage, for_ever)
    if stage != "collect_examples":
        monkeypatch.setattr(module, "collect_examples", a_few_examples)
    running = asyncio.create_task(run_night(studio))
    await asyncio.wait_for(reached.wait(), 20)
    assert "ends" in await cancel_night(studio)
    night = await asyncio.wait_for(running, 20)
    assert night.state is NightState.CANCELLED
    assert [one.state for one in studio.log.nights.all()] == [NightState.CANCELLED]
    assert not any(adapter.active for adapter in studio.log.adapters.all(night.model_sha256))
    assert (await run_after(studio, monkeypatch)).id != night.id


async def run_after(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Night:
    """The night that follows, itself ended at its first step."""

    async def cancelled(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        yield NightProgress(folder.path.name, NightState.CANCELLED)

    monkeypatch.setattr(module, "collect_examples", a_few_examples)
    monkeypatch.setattr(module, "train", cancelled)
    return await run_night(studio)


async def test_an_interrupted_night_is_given_up_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(tmp_path)
    with pytest.raises(NotFoundError, match="No night is running"):
        await cancel_night(studio)
    facts = await studio.model()
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")
    night = Night(new_id(), NightState.TRAINING, utc_now() - timedelta(hours=1), facts.sha256, ())
    studio.log.nights.add(night)
    assert "given up" in await cancel_night(studio)
    (given_up,) = studio.log.nights.all()
    assert given_up.state is NightState.CANCELLED
    assert given_up.finished_at is not None
    assert (await run_after(studio, monkeypatch)).id != night.id


async def test_a_model_that_cannot_be_trained_is_refused_before_anything_begins(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.architecture = "falcon"
    studio = fake_studio(tmp_path, engine=engine)
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")
    with pytest.raises(TrainingError, match=r"fake\.gguf answers, but cannot be trained: its architecture is 'falcon'"):
        await run_night(studio)
    assert not studio.log.nights.all()


async def test_a_cancel_at_the_very_end_of_freezing_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")

    async def cancelled_meanwhile(*_: Any, **__: Any) -> list[TrainingExample]:
        await cancel_night(studio)
        return await a_few_examples()

    async def trained(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        a_night_that_trained(folder)
        yield NightProgress(folder.path.name, NightState.EVALUATING)

    monkeypatch.setattr(module, "HEEDED_EVERY_S", 20)
    monkeypatch.setattr(module, "collect_examples", cancelled_meanwhile)
    monkeypatch.setattr(module, "train", trained)
    monkeypatch.setattr(module, "choose_and_judge", kept_verdict)
    assert (await run_night(studio)).state is NightState.CANCELLED


async def test_a_verdict_lets_go_of_checkpoints_and_giving_up_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")
    monkeypatch.setattr(module, "collect_examples", a_few_examples)
    monkeypatch.setattr(module, "choose_and_judge", kept_verdict)
    left: list[Path] = []

    async def trained(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        a_night_that_trained(folder)
        left.append(folder.checkpoint)
        yield NightProgress(folder.path.name, NightState.EVALUATING)

    async def cancelled(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        folder.checkpoint.mkdir()
        left.append(folder.checkpoint)
        yield NightProgress(folder.path.name, NightState.CANCELLED)

    monkeypatch.setattr(module, "train", cancelled)
    assert (await run_night(studio)).state is NightState.CANCELLED
    assert [checkpoint.exists() for checkpoint in left] == [True], "until another has begun it may be taken up again"
    monkeypatch.setattr(module, "train", trained)
    night = await run_night(studio)
    assert night.state is NightState.KEPT
    assert [checkpoint.exists() for checkpoint in left] == [False, False]
    await remove_adapter(studio, 1)
    assert not list(studio.workspace.root.rglob("adapter.gguf")), "removed means that no copy is left"


async def test_corrections_made_in_mid_conversation_alone_are_refused_before_anything_begins(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    said = [ChatMessage(Role.USER, "Who sails?"), ChatMessage(Role.ASSISTANT, "Odalys.")]
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.", history=said)
    with pytest.raises(TrainingError, match="in the middle of a conversation"):
        await run_night(studio)
    assert not studio.log.nights.all()
