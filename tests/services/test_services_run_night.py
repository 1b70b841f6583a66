"""A night that was interrupted, taken up by the next."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from studio_fakes import fake_studio

from studio.domain.identity import new_id, utc_now
from studio.domain.nights import Method, Night, NightProgress, NightState
from studio.services import run_night as module
from studio.services.run_night import run_night
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

    async def cancelled(*_: Any) -> AsyncIterator[NightProgress]:
        yield NightProgress(night.id, NightState.CANCELLED)

    monkeypatch.setattr(module, "train", cancelled)
    told: list[str] = []
    finished = await run_night(studio, max_minutes=1, method="lora", tell=told.append)
    assert finished.id == night.id
    (line,) = told
    for words in ("Going on with the night", "max-minutes 7", "method rslora"):
        assert words in line
