"""`studio ask` prints an answer while it is written, and nothing that steers the terminal."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from studio_fakes import FakeEngine, fake_studio, scripted

from studio.cli import root

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine(scripted("It is thirty days."))
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: fake_studio(tmp_path, engine=engine))
    return engine


def ask(capsys: Capture, *options: str, code: int = 0) -> str:
    assert root.run(["ask", "How long?", *options]) == code
    return capsys.readouterr().out


def test_an_answer_is_printed_piece_by_piece(
    engine: FakeEngine, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = []
    echo = click.echo

    def note(message: object = "", **options: bool) -> None:
        pieces.append(message)
        echo(message, nl=options.get("nl", True), err=options.get("err", False))

    monkeypatch.setattr("studio.cli.asking.click.echo", note)
    assert ask(capsys) == "It is thirty days.\n"
    assert len(pieces) > 2


def test_an_answer_that_steers_the_terminal_is_printed_without_that(engine: FakeEngine, capsys: Capture) -> None:
    engine.reply = scripted("It is \x1b [31m thirty\x1b[0m days.")
    printed = ask(capsys)
    assert "\x1b" not in printed
    assert printed.startswith("It is")
    assert printed.endswith("days.\n")


def test_several_arms_are_printed_one_after_the_other_with_their_names(engine: FakeEngine, capsys: Capture) -> None:
    printed = ask(capsys, "--arm", "frozen", "--arm", "context")
    assert printed == "frozen:\nIt is thirty days.\n\ncontext:\nIt is thirty days.\n\n"


def test_what_came_before_a_failure_is_ended_with_a_line(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(scripted("It is thirty days."), die_after=2)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: fake_studio(tmp_path, engine=engine))
    printed = ask(capsys, code=1)
    assert printed.startswith("It is")
    assert printed.endswith("\n")
