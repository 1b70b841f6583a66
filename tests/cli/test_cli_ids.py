"""Ids on the command line: as little of one as says which is meant, and help where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_fakes import DIMENSION, fake_studio

from studio.cli import root
from studio.domain.checks import Check
from studio.domain.identity import utc_now
from studio.domain.lessons import Lesson
from studio.domain.log import Correction
from studio.services.studio import Studio

ONE, OTHER = "01a21270-9bbf-72a3-b616-96a97ef31ce7", "01a21270-af84-7506-885b-4135e6821215"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A studio with two corrections, and two lessons, made within a minute."""
    wired = fake_studio(tmp_path)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: wired)
    now = utc_now()
    for one, number in ((ONE, 1), (OTHER, 2)):
        question, answer = f"Which code opens gate {number}?", f"Code 731{number}."
        wired.log.corrections.add(Correction(one, question, answer, "", now, Check(include=((answer,),))))
        lesson = Lesson(one, f"Gate {number}", "gates", answer, question, answer, (one,), now, now)
        wired.log.lessons.add(lesson, [(question, [1.0] * DIMENSION)], "fake-embedder")
    return wired


def correct(supersedes: str) -> int:
    return root.run(["correct", "--prompt", "Which?", "--answer", "None.", "--supersedes", supersedes])


@pytest.mark.parametrize("enough", [ONE, "01a21270-9", "96a97ef31ce7"])
def test_the_beginning_or_the_end_of_an_id_is_enough(studio: Studio, enough: str) -> None:
    assert correct(enough) == 0
    assert [c.supersedes for c in studio.log.corrections.all() if c.prompt == "Which?"] == [ONE]


def test_what_could_be_several_names_them(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    assert correct("01a21270") == 2
    said = capsys.readouterr().err
    for word in (ONE, OTHER, "gate 1", "gate 2"):
        assert word in said
    assert root.run(["lessons", "retire", "01a21270"]) == 2
    assert f"{ONE}  Gate 1" in capsys.readouterr().err
    assert len(studio.log.corrections.all()) == 2


@pytest.mark.parametrize(("wrong", "told"), [("", "too short"), ("01a2", "too short"), ("9" * 8, "no correction")])
def test_what_is_none_is_told(studio: Studio, capsys: pytest.CaptureFixture[str], wrong: str, told: str) -> None:
    assert correct(wrong) == 2
    assert told in capsys.readouterr().err
    assert len(studio.log.corrections.all()) == 2


@pytest.mark.usefixtures("studio")
def test_a_lesson_tells_the_id_of_the_correction_it_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["lessons", "show", ONE]) == 0
    assert f"{ONE}  Which code opens gate 1?" in capsys.readouterr().out
