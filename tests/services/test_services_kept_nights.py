"""A scenario's night that ran before is not trained again; whatever may change its adapter trains anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_reader import manifest_of
from studio_fakes import fake_studio

import studio.services.run_night as module
from studio.domain.nights import NightProgress, NightState, TrainingExample
from studio.services.evaluate_adapter import GateVerdict
from studio.services.kept_nights import MOST_KEPT, KeptNights
from studio.services.record_correction import record_correction
from studio.services.run_night import run_night
from studio.training.examples import chat, replay_example
from studio.training.job import NightFolder, NightJob, TrainingConfig

WEIGHTS = b"an adapter"


def a_night(folder: Path, name: str, *, answer: str = "45 days.", config: TrainingConfig | None = None) -> NightFolder:
    """Frozen, not trained; the ids are the night's own."""
    learnt = TrainingExample(chat("", "How long?"), answer, f"correction of {name}")
    job = NightJob(
        name,
        Path("model.gguf"),
        "f" * 64,
        (learnt, replay_example(chat("", "How far?"), "Far.")),
        (learnt.source_id,),
        config or TrainingConfig(),
    )
    night = NightFolder(folder / name)
    night.write_job(job)
    return night


def train(night: NightFolder) -> NightFolder:
    job = night.read_job()
    night.adapter_file.write_bytes(WEIGHTS)
    night.write_manifest(replace(manifest_of(WEIGHTS), night_id=job.night_id, correction_ids=job.correction_ids))
    return night


def test_the_same_night_is_there_and_says_whose_it_is(tmp_path: Path) -> None:
    kept = KeptNights(tmp_path / "kept")
    first, again = train(a_night(tmp_path, "first")), a_night(tmp_path, "again")
    assert not kept.restore(again)
    kept.keep(first)
    assert kept.minutes(first, 12.5) == 12.5
    assert kept.restore(again)
    assert again.adapter_file.read_bytes() == WEIGHTS
    manifest = again.read_manifest()
    assert manifest is not None
    assert (manifest.night_id, manifest.correction_ids) == ("again", ("correction of again",))
    assert kept.minutes(again, 0.1) == 12.5, "what it took, not what the repeat took"


def test_other_examples_another_configuration_and_a_damaged_file_train_anew(tmp_path: Path) -> None:
    kept = KeptNights(tmp_path / "kept")
    kept.keep(train(a_night(tmp_path, "first")))
    assert not kept.restore(a_night(tmp_path, "other answer", answer="46 days."))
    assert not kept.restore(a_night(tmp_path, "other seed", config=TrainingConfig(seed=1)))
    (whole,) = (tmp_path / "kept").iterdir()
    (whole / "adapter.gguf").write_bytes(b"half")
    again = a_night(tmp_path, "again")
    assert not kept.restore(again)
    assert again.read_manifest() is None


def test_a_night_that_its_minutes_ended_is_not_kept(tmp_path: Path) -> None:
    kept = KeptNights(tmp_path / "kept")
    night = a_night(tmp_path, "slow", config=TrainingConfig(max_minutes=1.0))
    train(night)
    manifest = night.read_manifest()
    assert manifest is not None
    night.write_manifest(replace(manifest, wall_s=61.0))
    kept.keep(night)
    assert not kept.restore(a_night(tmp_path, "again", config=TrainingConfig(max_minutes=1.0)))
    assert kept.minutes(night, 1.5) == 1.5


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    kept = KeptNights(tmp_path / "kept")
    for seed in range(MOST_KEPT + 3):
        kept.keep(train(a_night(tmp_path, f"night {seed}", config=TrainingConfig(seed=seed))))
    assert len(list((tmp_path / "kept").iterdir())) == MOST_KEPT
    assert not kept.restore(a_night(tmp_path, "oldest", config=TrainingConfig(seed=0)))


async def test_a_repeated_night_ends_without_training_and_a_users_own_always_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = 0

    async def training(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        nonlocal trainings
        trainings += 1
        train(folder)
        yield NightProgress(folder.path.name, NightState.TRAINING)

    async def examples(*_: Any, **__: Any) -> list[TrainingExample]:
        return [TrainingExample(chat("", "How long?"), "45 days.", "c")]

    async def verdict(*_: Any, **__: Any) -> GateVerdict:
        return GateVerdict(1.0, promote=True, reason="Passed.", metrics={})

    for name, stand_in in (("train", training), ("collect_examples", examples), ("choose_and_judge", verdict)):
        monkeypatch.setattr(module, name, stand_in)
    for run, (kept, expected) in enumerate(((True, 1), (True, 1), (False, 2))):
        studio = fake_studio(tmp_path / f"run {run}")
        studio.kept_nights = KeptNights(tmp_path / "kept") if kept else None
        await record_correction(studio, answer=None, prompt="How long?", original="30.", corrected="45 days.")
        assert (await run_night(studio)).state is NightState.PROMOTED
        assert trainings == expected
