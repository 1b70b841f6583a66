"""How far a long command is: one line on a terminal's stderr that is gone at the end, and nothing anywhere else."""

from __future__ import annotations

import sys

import pytest

from studio.cli.progress_line import progress_line


@pytest.mark.parametrize("terminal", [True, False])
def test_the_line_is_painted_on_a_terminal_only_and_goes_with_the_work(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)

    def fails() -> None:
        with progress_line() as progress:
            progress("reading", 1_000, 2_000)
            progress("reading", 1_001, 2_000)  # at once after the first: not painted
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == ("\r\x1b[Kreading 1,000 of 2,000\r\x1b[K" if terminal else "")
