"""The terminal while the app runs: nobody but the app draws on it, and signals leave it as it was.

Textual draws on file descriptor 2, where native libraries print as well. So descriptor 2 is pointed at a file of
diagnostics, and Textual is given a private copy of the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextlib.contextmanager
def guarded_terminal(diagnostics: Path, drawn: Callable[[str], None] | None = None) -> Iterator[None]:
    """Keep descriptor 2 off the screen; what is printed there goes to `stderr.log` in `diagnostics`.

    `drawn` is told, in whichever thread draws, all that the terminal is sent.
    """
    python_stderr, process_stderr = sys.stderr, sys.__stderr__
    terminal = _Terminal(os.fdopen(os.dup(2), "wb"), encoding="utf-8", errors="replace")
    terminal.drawn = drawn
    with contextlib.ExitStack() as ends:
        ends.callback(_close_quietly, terminal)
        ends.enter_context(_any_bytes_read())
        sink = ends.enter_context(_sink(diagnostics))
        _flush(python_stderr)
        os.dup2(sink.fileno(), 2)
        sys.stderr = sys.__stderr__ = terminal  # type: ignore[misc]
        faulthandler.enable(sink)
        try:
            yield
        finally:
            faulthandler.disable()
            _flush(terminal)
            os.dup2(terminal.fileno(), 2)
            sys.stderr, sys.__stderr__ = python_stderr, process_stderr  # type: ignore[misc]


@contextlib.contextmanager
def ending_signals(loop: asyncio.AbstractEventLoop, end: Callable[[int], None]) -> Iterator[None]:
    """Call `end(signal number)` on these signals, of which Textual handles none. Ctrl+c is a key, and sends none."""
    for number in ENDING_SIGNALS:
        loop.add_signal_handler(number, end, int(number))
    try:
        yield
    finally:
        for number in ENDING_SIGNALS:
            loop.remove_signal_handler(number)


def reads_a_terminal() -> bool:
    """Whether keys come from a terminal; no more once its other end is closed."""
    return sys.__stdin__ is not None and not sys.__stdin__.closed and sys.__stdin__.isatty()


@contextlib.contextmanager
def _any_bytes_read() -> Iterator[None]:
    """Bytes that are no UTF-8 (a paste in another encoding, noise on the line) arrive as signs of replacement.

    Textual's reader decodes strictly: one such byte would end the app with a traceback.
    """
    from textual.drivers import linux_driver

    reader: Any = linux_driver
    strict = reader.getincrementaldecoder
    reader.getincrementaldecoder = lambda encoding: partial(strict(encoding), errors="replace")
    try:
        yield
    finally:
        reader.getincrementaldecoder = strict


class _Terminal(TextIOWrapper):
    """The app's own way to the terminal. Once that is gone (a closed window, a dropped connection) what is written is
    lost: an error would end textual's writing thread, and with it keep the app from ending."""

    drawn: Callable[[str], None] | None = None

    def write(self, text: str) -> int:
        if self.drawn is not None:
            self.drawn(text)
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def _sink(diagnostics: Path) -> TextIOWrapper:
    try:
        diagnostics.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (diagnostics / "stderr.log").open("w", encoding="utf-8")
    except OSError:
        return Path(os.devnull).open("w", encoding="utf-8")


def _flush(stream: TextIO | None) -> None:
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            stream.flush()


def _close_quietly(stream: TextIO) -> None:
    with contextlib.suppress(OSError):
        stream.close()
