"""A night whose training process is killed, or which was paused when the machine went off, is taken up by the next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from studio_fakes import a_few_examples, a_night_that_trained, fake_studio, kept_verdict

from studio.cli import root
from studio.domain.nights import NightProgress, NightState
from studio.errors import InterruptedNightError, TrainingError
from studio.services import run_night as module
from studio.services.record_correction import record_correction
from studio.services.run_night import run_night
from studio.services.studio import Studio
from studio.training.job import NightFolder, Request

KILLED = "The training process was ended by SIGKILL; the next night goes on from its checkpoint."
Train = Callable[..., AsyncIterator[NightProgress]]


@pytest.fixture
async def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setattr(module, "collect_examples", a_few_examples)
    monkeypatch.setattr(module, "choose_and_judge", kept_verdict)
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="How long?", corrected="45 days.")
    return studio


def killed_at(step: int) -> Train:
    """A child that comes to this step and is killed there."""

    async def train(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        progress = NightProgress(folder.path.name, NightState.TRAINING, step=step, steps=80)
        folder.write_progress(progress)
        yield progress
        raise TrainingError(KILLED, "Details are in night.log.")

    return train


async def to_the_end(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
    assert folder.read_request() is Request.RUN
    a_night_that_trained(folder)
    yield NightProgress(folder.path.name, NightState.EVALUATING)


async def night_with(studio: Studio, monkeypatch: pytest.MonkeyPatch, train: Train) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(module, "train", train)
    await run_night(studio, tell=told.append)
    return told


async def test_a_killed_training_is_taken_up_by_the_next_night(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InterruptedNightError, match="ended by SIGKILL; the next night goes on"):
        await night_with(studio, monkeypatch, killed_at(40))
    (begun,) = studio.log.nights.all()
    assert begun.state is NightState.TRAINING
    (line,) = await night_with(studio, monkeypatch, to_the_end)
    assert "Going on with the night" in line
    (ended,) = studio.log.nights.all()
    assert (ended.id, ended.state) == (begun.id, NightState.KEPT)


async def test_one_that_is_killed_again_no_further_on_is_given_up_and_says_so(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (40, 41):
        with pytest.raises(InterruptedNightError):
            await night_with(studio, monkeypatch, killed_at(step))
    with pytest.raises(TrainingError, match="no further than the last time") as failure:
        await night_with(studio, monkeypatch, killed_at(0))
    assert not isinstance(failure.value, InterruptedNightError)
    (given_up,) = studio.log.nights.all()
    assert given_up.state is NightState.FAILED
    assert "memory" in given_up.reason
    assert await night_with(studio, monkeypatch, to_the_end) == []
    assert len(studio.log.nights.all()) == 2


async def test_one_that_says_itself_why_it_ended_has_failed(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        folder.write_progress(NightProgress(folder.path.name, NightState.FAILED, message="It cannot be trained."))
        yield NightProgress(folder.path.name, NightState.TRAINING)
        raise TrainingError("It cannot be trained.")

    with pytest.raises(TrainingError, match="cannot be trained"):
        await night_with(studio, monkeypatch, failing)
    assert [night.state for night in studio.log.nights.all()] == [NightState.FAILED]


async def test_a_pause_is_not_in_force_for_the_night_that_takes_it_up(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InterruptedNightError):
        await night_with(studio, monkeypatch, killed_at(3))
    (begun,) = studio.log.nights.all()
    NightFolder(studio.workspace.nights / begun.id).request(Request.PAUSE)
    await night_with(studio, monkeypatch, to_the_end)
    assert [night.state for night in studio.log.nights.all()] == [NightState.KEPT]


def test_the_command_says_in_a_sentence_that_the_night_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "collect_examples", a_few_examples)
    monkeypatch.setattr(module, "train", killed_at(40))
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_, **__: fake_studio(tmp_path))
    assert root.run(["correct", "--prompt", "How long?", "--answer", "45 days."]) == 0
    assert root.run(["night"]) == 1
    assert KILLED in capsys.readouterr().err
    assert root.run(["night", "status"]) == 0
    assert "Interrupted: training, step 40/80" in capsys.readouterr().out
