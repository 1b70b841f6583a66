"""Lessons by label on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.cli import root
from studio.services.studio import Studio


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    wired = fake_studio(tmp_path)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: wired)
    return wired


def correct(prompt: str, answer: str, *more: str) -> None:
    assert root.run(["correct", "--prompt", prompt, "--answer", answer, *more]) == 0


def test_lists_the_lessons_of_the_questions_with_a_label(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    correct("Who keeps the key?", "Pilar keeps it.", "--label", "fact")
    (first,) = studio.log.corrections.all()
    # Written without a label, as one that supersedes mostly is: the question keeps its own.
    correct("who keeps  the key?", "Bram keeps it.", "--supersedes", first.id)
    correct("When does the boat leave?", "At 21:40.", "--label", "time")
    capsys.readouterr()

    assert root.run(["lessons", "list", "--label", "fact", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["guidance"], listed["labels"]) == ("Bram keeps it.", ["fact"])

    assert root.run(["lessons", "list", "--label", "tone"]) == 2
    told = capsys.readouterr().err
    assert "No lesson has the label 'tone'." in told
    assert "There are: fact, time." in told


def test_a_label_goes_with_its_correction(studio: Studio) -> None:
    correct("Who keeps the key?", "Pilar keeps it.", "--label", "fact")
    assert list(studio.log.lessons.labels().values()) == [("fact",)]
    (correction,) = studio.log.corrections.all()
    studio.log.corrections.set_undone(correction.id, True, correction.created_at)
    assert studio.log.lessons.labels() == {}
