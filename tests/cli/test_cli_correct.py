"""`studio correct`: a lesson that does not mend its own answer is said to be weak, and is kept all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio

from studio.cli import root


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
