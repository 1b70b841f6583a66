"""Which answers a rule of style holds for, on the command line: shown, changed, and refused where it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.cli import root
from studio.services.studio import Studio

RULE = "Write dates as 1801-05-02."


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    wired = fake_studio(tmp_path)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: wired)
    prompt = "When was the mill built?"
    assert root.run(["correct", "--prompt", prompt, "--answer", "1801-05-02", "--rationale", RULE]) == 0
    return wired


def test_a_scope_is_shown_and_can_be_changed(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    (lesson,) = studio.log.lessons.all()
    capsys.readouterr()
    assert root.run(["lessons", "show", lesson.id]) == 0
    assert "answers with a date" in capsys.readouterr().out
    assert root.run(["lessons", "edit", lesson.id, "--scope", "messages with member"]) == 0
    capsys.readouterr()
    assert root.run(["lessons", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["scope"] == "messages with member"
    assert root.run(["lessons", "edit", lesson.id, "--scope", "tuesdays"]) == 2
    assert "'tuesdays' is no scope" in capsys.readouterr().err
    assert str(studio.log.lessons.get(lesson.id).scope) == "messages with member"
