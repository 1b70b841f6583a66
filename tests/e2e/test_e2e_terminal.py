"""The whole app as its user meets it: the installed `studio` in a real terminal, with the real model."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import duckdb
import psutil
import pytest
from terminal import CTRL_Q, CTRL_S, ENTER, ESCAPE, F4, Terminal

from studio.storage import DuckDbLog
from studio.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUESTION = "What is the refund window at our store?"
SELECT_EVERYTHING = "\x1b[18~"  # F7 in a TextArea


def log_of(workspace: Path) -> DuckDbLog:
    place = Workspace(workspace)
    return DuckDbLog.of(place)


def ask_and_correct(app: Terminal) -> None:
    """Ask, correct in place, save; ends when the correction is reported as saved."""
    app.wait("ready", 120)
    app.type(QUESTION + ENTER)
    app.wait(lambda screen: " tokens" in screen or " tok" in screen, 180)
    app.type(ESCAPE)
    app.wait("e Edit", 20)
    app.type("e")
    app.wait("ctrl+s", 20)
    app.type(SELECT_EVERYTHING)
    app.type("It is 45 days.")
    app.wait("45 days", 20)
    app.type(CTRL_S)
    app.wait("Saved", 60)


def test_ask_correct_compare_and_leave(tmp_path: Path) -> None:
    app = Terminal(tmp_path)
    try:
        ask_and_correct(app)
        app.wait("1 correction", 60)
        app.type("c")
        app.wait(lambda screen: screen.count("right") >= 2, 300)
        app.type(F4)
        app.wait(QUESTION, 30)
        app.type(CTRL_Q)
        assert app.end() == 0
        assert app.is_restored
    finally:
        app.close()
    log = log_of(tmp_path)
    (correction,) = log.corrections.all()
    assert correction.corrected == "It is 45 days."
    assert {answer.arm for answer in log.answers.to_prompt(QUESTION)} >= {
        "frozen",
        "context",
        "lessons",
        "lora+lessons",
    }
    assert log.check() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_app_with_the_terminal_restored(tmp_path: Path, number: signal.Signals) -> None:
    app = Terminal(tmp_path)
    try:
        app.wait("ready", 120)
        children = psutil.Process(app.pid).children(recursive=True)
        os.kill(app.pid, number)
        assert app.end() == 128 + number
        assert app.is_restored
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []
    finally:
        app.close()


def test_a_terminal_that_goes_without_a_signal_ends_the_app(tmp_path: Path) -> None:
    """As under a program that gave it a terminal, but not control of it, and died."""
    ours, its = pty.openpty()
    app = subprocess.Popen(
        [sys.executable, "-m", "studio", "--workspace", str(tmp_path)],
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    seen = b""
    while b"Ask something" not in seen:
        seen += os.read(ours, 65536)
    os.close(ours)
    try:
        assert app.wait(30) == 128 + signal.SIGHUP
    finally:
        app.kill()


def test_killed_outright_it_takes_its_children_along_and_the_log_stays_whole(tmp_path: Path) -> None:
    app = Terminal(tmp_path)
    try:
        ask_and_correct(app)
        children = psutil.Process(app.pid).children(recursive=True)
        os.kill(app.pid, signal.SIGKILL)
        assert app.end() == -signal.SIGKILL
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []
    finally:
        app.close()
    log = log_of(tmp_path)
    assert [c.corrected for c in log.corrections.all()] == ["It is 45 days."]
    assert log.check() == []


def test_bytes_that_are_no_text_are_typed_as_signs_of_replacement(tmp_path: Path) -> None:
    app = Terminal(tmp_path)
    try:
        app.wait("Ask something", 120)
        app.process.send(b"caf\xe9 \x9b!")
        app.wait("caf\ufffd \ufffd!", 60)
        app.type(CTRL_Q)
        assert app.end() == 0
        assert app.is_restored
    finally:
        app.close()


def test_a_tiny_terminal_is_survived(tmp_path: Path) -> None:
    app = Terminal(tmp_path, columns=120, rows=36)
    try:
        app.wait("ready", 120)
        app.process.setwinsize(10, 40)
        app.screen.resize(10, 40)
        app.type(F4)
        app.wait("essons", 20)
        app.process.setwinsize(36, 120)
        app.screen.resize(36, 120)
        app.wait("0 corrections, 0 lessons", 20)
        app.type(CTRL_Q)
        assert app.end() == 0
    finally:
        app.close()


@pytest.mark.parametrize("refused", ["newer", "damaged", "held"])
def test_a_log_that_cannot_be_opened_is_told_on_the_restored_terminal(tmp_path: Path, refused: str) -> None:
    file = Workspace(tmp_path).ensure().log_file
    log_of(tmp_path).open()
    with ExitStack() as ends:
        if refused == "damaged":
            file.write_bytes(b"no log at all" * 1000)
        else:
            connection = ends.enter_context(duckdb.connect(file))
            if refused == "newer":
                connection.execute(
                    "INSERT INTO schema_version SELECT 99, * EXCLUDE (version) FROM schema_version LIMIT 1"
                )
                connection.close()
        app = Terminal(tmp_path)
        ends.callback(app.close)
        app.wait("Ask something", 60)
        app.type(QUESTION + ENTER)
        assert app.end() == 3
        assert app.is_restored
    words = {"newer": b"was written by a newer studio", "damaged": b"is not a readable log", "held": b"is held by"}
    told = app.raw[app.raw.rfind(b"\x1b[?1049l") :]
    assert told.count(words[refused]) == 1
    assert b"Traceback" not in app.raw
