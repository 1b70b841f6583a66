"""`studio night status, list, cancel`: nights without the app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.cli import root
from studio.domain.identity import new_id, utc_now
from studio.domain.nights import Night, NightProgress, NightState
from studio.services.studio import Studio
from studio.training.job import NightFolder

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    studio = fake_studio(tmp_path)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: studio)
    return studio


def run(capsys: Capture, *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert root.run(["night", *arguments]) == code
    told = capsys.readouterr()
    return told.out + told.err


def test_without_any_night_it_says_how_to_start_one(studio: Studio, capsys: Capture) -> None:
    for verb in ("status", "list"):
        assert "Start one with: studio night" in run(capsys, verb)
    for verb in ("pause", "resume", "cancel"):
        assert "No night is running" in run(capsys, verb, code=2)
    assert json.loads(run(capsys, "status", "--json")) == {"runs": False, "progress": None}


def test_an_interrupted_night_is_told_and_given_up(studio: Studio, capsys: Capture) -> None:
    night = Night(new_id(), NightState.TRAINING, utc_now(), "0" * 64, ("c1", "c2"))
    studio.log.nights.add(night)
    folder = NightFolder(studio.workspace.nights / night.id)
    folder.path.mkdir(parents=True)
    folder.write_progress(NightProgress(night.id, NightState.TRAINING, step=3, steps=80, loss=0.5))
    told = run(capsys, "status")
    for words in ("Interrupted", "step 3/80", "loss 0.500", "studio night cancel"):
        assert words in told
    for verb in ("pause", "resume"):
        assert "was interrupted and does not run" in run(capsys, verb, code=2)
    assert not folder.control_file.exists()
    assert "given up" in run(capsys, "cancel")
    listed = run(capsys, "list")
    assert "2 corrections  cancelled" in listed
    (in_json,) = json.loads(run(capsys, "list", "--json"))
    assert in_json["state"] == "cancelled"
