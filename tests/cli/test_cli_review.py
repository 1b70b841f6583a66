"""`studio review` lists, accepts, corrects and takes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio, scripted

from studio.cli import root
from studio.services.studio import Studio

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    studio = fake_studio(tmp_path, engine=FakeEngine(scripted("It is \x1b[31m30 days.")))
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: studio)
    return studio


def run(capsys: Capture, *arguments: str) -> str:
    capsys.readouterr()
    assert root.run(list(arguments)) == 0
    return capsys.readouterr().out


def listed(capsys: Capture) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(run(capsys, "review", "--json"))
    return found


def test_lists_what_nobody_judged(studio: Studio, capsys: Capture) -> None:
    assert "Nothing to review" in run(capsys, "review")
    run(capsys, "ask", "How long?")
    run(capsys, "ask", "How far?")
    text = run(capsys, "review", "--limit", "1")
    assert "How far?" in text
    assert "How long?" not in text
    assert "\x1b" not in text
    assert [item["prompt"] for item in listed(capsys)] == ["How far?", "How long?"]


def test_accepts_and_takes_back(studio: Studio, capsys: Capture) -> None:
    run(capsys, "ask", "How long?")
    (item,) = listed(capsys)
    assert "Accepted." in run(capsys, "review", "accept", item["id"][-8:])
    assert listed(capsys) == []
    assert "How long?" in run(capsys, "review", "undo", item["id"])
    assert len(listed(capsys)) == 1


def test_corrects_learns_and_takes_back(studio: Studio, capsys: Capture) -> None:
    run(capsys, "ask", "How long?")
    (item,) = listed(capsys)
    assert "Lesson learnt" in run(capsys, "review", "correct", item["id"], "--answer", "It is 45 days.")
    (correction,) = studio.log.corrections.in_force()
    assert correction.answer_id == item["id"]
    run(capsys, "review", "undo", correction.id)
    assert studio.log.corrections.in_force() == []
    assert "In force again" in run(capsys, "review", "redo", correction.id)
    assert len(studio.log.corrections.in_force()) == 1


def test_an_unknown_id_is_told(studio: Studio, capsys: Capture) -> None:
    assert root.run(["review", "accept", "nothing-like-it"]) != 0
    assert "There is no waiting answer with the id" in capsys.readouterr().err
