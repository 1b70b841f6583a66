"""`studio correct`: a lesson that does not mend its own answer is said to be weak, and is kept all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio

from studio.cli import root
from studio.domain.generation import Lane


@pytest.mark.parametrize(
    ("answered", "weak"), [("It is closed on Mondays.", True), ("It is closed on Tuesdays.", False)]
)
def test_a_lesson_is_tried_on_its_own_question(
    answered: str, weak: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    studio = fake_studio(tmp_path, engine=FakeEngine(lambda _: answered))
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: studio)
    prompt = "On which day is the workshop closed?"
    assert root.run(["correct", "--prompt", prompt, "--answer", "It is closed on Tuesdays.", "--label", " fact "]) == 0
    assert ("marked weak" in capsys.readouterr().out) is weak
    (lesson,) = studio.log.lessons.all()
    assert lesson.weak is weak
    assert studio.log.corrections.all()[0].labels == ("fact",)


def answering(answer: str) -> Callable[[Lane], str]:
    return lambda _: answer


def test_a_correction_that_contradicts_an_earlier_one_says_what_it_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = "On which day is the workshop closed?"
    for answer, more in (
        ("It is closed on Mondays.", []),
        ("It is closed on Tuesdays.", []),
        ("On Fridays.", ["--json"]),
    ):
        studio = fake_studio(tmp_path, engine=FakeEngine(answering(answer)))
        monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_, made=studio: made)
        assert root.run(["correct", "--prompt", prompt, "--answer", answer, *more]) == 0
    told = capsys.readouterr()
    first, second, _ = fake_studio(tmp_path).log.lessons.all()
    assert told.out.count("It replaces the lesson") == 1
    assert f"It replaces the lesson {first.id}: {first.title}" in told.out.replace("\n", " ")
    assert json.loads(told.out[told.out.index("{") :])["lesson"]["title"]
    assert [old["id"] for old in json.loads(told.out[told.out.index("{") :])["replaces"]] == [second.id]
