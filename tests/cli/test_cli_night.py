"""`studio night status, list, cancel`: nights without the app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_crontab import no_crontab, put_crontab
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
    assert json.loads(run(capsys, "status", "--json")) == {"runs": False, "progress": None, "scheduled": None}


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
    told = run(capsys, "status")
    assert "cancelled" in told
    assert "Interrupted" not in told
    listed = run(capsys, "list")
    assert "2 corrections  cancelled" in listed
    (in_json,) = json.loads(run(capsys, "list", "--json"))
    assert in_json["state"] == "cancelled"


def on(studio: Studio, capsys: Capture, *arguments: str, code: int = 0) -> str:
    """A verb that needs no studio, in its workspace."""
    capsys.readouterr()
    assert root.run(["--workspace", str(studio.workspace.root), "night", *arguments]) == code
    told = capsys.readouterr()
    return told.out + told.err


def test_a_daily_night_is_installed_told_and_taken_out(
    studio: Studio, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = put_crontab(tmp_path, monkeypatch)
    told = on(studio, capsys, "install", "--at", "2:30")
    assert "A night starts every day at 02:30: this line is in your crontab now." in told
    assert table.read_text(encoding="utf-8").strip() in told
    assert "A night starts every day at 02:30; studio night uninstall ends that." in on(studio, capsys, "status")
    assert json.loads(on(studio, capsys, "status", "--json"))["scheduled"]["at"] == "02:30"
    assert "is out of your crontab" in on(studio, capsys, "uninstall")
    assert table.read_text(encoding="utf-8") == ""
    assert "No night is scheduled" in on(studio, capsys, "uninstall")


def test_without_a_crontab_the_command_for_another_scheduler_is_told(
    studio: Studio, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_crontab(tmp_path, monkeypatch)
    told = on(studio, capsys, "install", "--at", "02:30", code=3)
    assert "There is no crontab on this machine." in told
    assert f"--workspace {studio.workspace.root} night" in told
    assert on(studio, capsys, "uninstall", code=3)
