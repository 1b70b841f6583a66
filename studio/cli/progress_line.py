"""How far a long command is, on stderr where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from studio.domain.progress import Progress

_REPAINT_S = 0.2
_START_OF_EMPTY_LINE = "\r\x1b[K"


@contextmanager
def progress_line() -> Iterator[Progress]:
    """One line, painted anew a few times a second, and gone when the block ends."""
    shown, next_s = sys.stderr.isatty(), 0.0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal next_s
        if shown and time.monotonic() >= next_s:
            next_s = time.monotonic() + _REPAINT_S
            count = f" {done:,} of {total:,}" if total else "…"
            click.echo(f"{_START_OF_EMPTY_LINE}{what}{count}", nl=False, err=True)

    try:
        yield progress
    finally:
        if shown:
            click.echo(_START_OF_EMPTY_LINE, nl=False, err=True)
