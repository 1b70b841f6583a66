"""`studio ask --blind` and `studio prefer`: what was preferred is kept, names are told only afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio

from studio.cli import root
from studio.services.studio import Studio
from studio.settings import SamplingSettings, Settings

Capture = pytest.CaptureFixture[str]
BOTH = ("--arm", "frozen", "--arm", "lessons")


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    # At a temperature every arm is decoded apart, so that the fake engine can answer each in its own words.
    settings = Settings(sampling=SamplingSettings(temperature=0.5))
    words = {"frozen": "Thirty.", "lessons": "Forty-five."}
    studio = fake_studio(tmp_path, engine=FakeEngine(lambda lane: words[lane.key]), settings=settings)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: studio)
    monkeypatch.setattr("random.SystemRandom.shuffle", lambda _, order: order.reverse())
    return studio


def run(capsys: Capture, *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert root.run(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def tally(capsys: Capture) -> dict[str, tuple[int, int, int, int]]:
    rows = json.loads(run(capsys, "prefer", "--json"))
    return {
        one["arm"]: (one["preferred"], one["compared"], one["preferred_blind"], one["compared_blind"]) for one in rows
    }


def test_a_blind_choice_is_kept_and_then_named(
    studio: Studio, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No preferences yet" in run(capsys, "prefer")
    monkeypatch.setattr("click.prompt", lambda *_, **__: 1)
    out = run(capsys, "ask", "How long?", *BOTH, "--blind")
    before, after = out.split("2:\nThirty.", 1)
    assert before.startswith("1:\nForty-five.")
    assert "1: lessons (preferred)\n2: frozen" in after
    assert tally(capsys) == {"lessons": (1, 1, 1, 1), "frozen": (0, 1, 0, 1)}
    assert "lessons" in run(capsys, "prefer")


def test_an_answer_is_preferred_by_its_id_and_taken_back(studio: Studio, capsys: Capture) -> None:
    frozen, _ = json.loads(run(capsys, "ask", "How long?", *BOTH, "--json"))["answers"]
    run(capsys, "prefer", frozen["id"])
    assert tally(capsys) == {"frozen": (1, 1, 0, 0), "lessons": (0, 1, 0, 0)}
    run(capsys, "prefer", frozen["id"], "--undo")
    assert tally(capsys) == {}
    assert "There is no answer" in run(capsys, "prefer", "nothing", code=2)


def test_there_must_be_two_to_choose_between(studio: Studio, capsys: Capture) -> None:
    assert "there must be two" in run(capsys, "ask", "How long?", "--blind", code=2)
