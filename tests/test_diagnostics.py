"""What fails unexpectedly is written down by its frames, whichever process it fails in: never with the user's words."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from studio.cli.root import run, studio
from studio.diagnostics import frames_of
from studio.inference import engine_process
from studio.serving.site import written_down

SECRET = "the user's secret words"


def fail(**_: object) -> KeyError:
    raise KeyError(SECRET)


def failed() -> KeyError:
    try:
        return fail()
    except KeyError as error:
        return error


def test_frames_are_kept_and_values_are_not() -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as inner:
            raise RuntimeError(SECRET) from inner
    except RuntimeError as error:
        text = frames_of(error)
    assert "RuntimeError" in text
    assert "KeyError" in text
    assert SECRET not in text


def test_a_command_writes_each_failure_down_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "callback", fail)
    for _ in range(2):
        assert run(["--workspace", str(tmp_path)]) == 1
    file = tmp_path / "sessions" / "diagnostics" / "command.log"
    text = file.read_text()
    assert text.splitlines().count("KeyError") == 2
    assert "test_diagnostics.py" in text
    assert SECRET not in text
    assert file.parent.stat().st_mode & 0o077 == 0


def test_what_fails_in_a_request_is_written_down_by_its_frames(tmp_path: Path) -> None:
    error = failed()
    with written_down(tmp_path):
        logging.getLogger("aiohttp.server").error("unexpected failure", exc_info=error)
    text = (tmp_path / "serve.log").read_text()
    assert "KeyError" in text
    assert "test_diagnostics.py" in text
    assert SECRET not in text


def test_a_thread_that_broke_in_the_engine_is_written_down_by_its_frames(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", leave)
    error = failed()
    with pytest.raises(SystemExit):
        engine_process._crash(threading.ExceptHookArgs((KeyError, error, error.__traceback__, None)))
    text = capsys.readouterr().err
    assert "KeyError" in text
    assert "test_diagnostics.py" in text
    assert SECRET not in text
