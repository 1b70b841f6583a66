"""The night folder: what is written is read back the same, damage is told in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.methods import Method
from studio.domain.nights import NightProgress, NightState, TrainingExample
from studio.errors import TrainingError
from studio.training.examples import chat, replay_example
from studio.training.job import (
    Manifest,
    NightFolder,
    NightJob,
    Request,
    TrainingConfig,
    write_atomically,
)


def a_job() -> NightJob:
    learnt = TrainingExample(chat("You help.", "Wie viel? [bold] {{ x }}"), "Neun Euro ✓", "c1")
    config = TrainingConfig(method=Method.RSLORA, rank=4)
    return NightJob(
        "n1", Path("/m.gguf"), "ab" * 32, (learnt, replay_example(chat("", "Hi"), "Hello")), ("c1",), config
    )


def test_a_job_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = NightFolder(tmp_path / "n1")
    folder.write_job(a_job())
    assert folder.read_job() == a_job()


def test_no_corrections_is_refused(tmp_path: Path) -> None:
    job = a_job()
    only_replay = NightJob(job.night_id, job.model_path, job.model_sha256, job.examples[1:], (), job.config)
    with pytest.raises(TrainingError, match="no corrections"):
        NightFolder(tmp_path / "n1").write_job(only_replay)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"night_id": 1}', "\x00\xff"])
def test_a_damaged_snapshot_is_told(tmp_path: Path, content: str) -> None:
    folder = NightFolder(tmp_path)
    folder.job_file.write_text(content)
    with pytest.raises(TrainingError, match=r"job\.json"):
        folder.read_job()


def test_a_word_of_progress_that_lost_power_damaged_is_gone_before_the_night_goes_on(tmp_path: Path) -> None:
    folder = NightFolder(tmp_path)
    folder.progress_file.write_bytes(bytes(200))
    folder.sweep()
    assert folder.read_progress() is None


def test_progress_and_manifest_come_back_as_they_were(tmp_path: Path) -> None:
    folder = NightFolder(tmp_path)
    assert folder.read_progress() is None
    assert folder.read_manifest() is None
    progress = NightProgress("n1", NightState.TRAINING, step=2, steps=9, loss=1.5, losses=(2.0, 1.5), paused=True)
    folder.write_progress(progress)
    assert folder.read_progress() == progress
    manifest = Manifest(
        night_id="n1",
        model_sha256="ab",
        architecture="llama",
        method="lora",
        rank=4,
        alpha=8.0,
        targets=("attn_q",),
        examples=3,
        replayed=1,
        correction_ids=("c1",),
        seed=0,
        device="cpu",
        dtype="float32",
        steps=2,
        losses=(2.0, 1.5),
        stopped_because="all steps done",
        running_s=1.0,
        wall_s=2.0,
        peak_rss_bytes=5,
        adapter_sha256="cd",
        versions={"torch": "2"},
        config={"rank": 4},
    )
    folder.write_manifest(manifest)
    assert folder.read_manifest() == manifest


def test_requests(tmp_path: Path) -> None:
    folder = NightFolder(tmp_path)
    assert folder.read_request() is Request.RUN
    folder.request(Request.CANCEL)
    assert folder.read_request() is Request.CANCEL


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "manifest.json"
    write_atomically(target, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TrainingError, match="No space left"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
