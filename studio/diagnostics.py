"""What is written down of unexpected failures, by every process: which error, raised where; never the user's words.

The message of an error may hold a prompt or an answer, a KeyError's say. So a traceback keeps its frames alone, and the
message only of error types whose messages speak of code or files, not of data.
"""

from __future__ import annotations

import logging
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

_SPEAKS_OF_CODE = (AttributeError, ImportError, NameError, NotImplementedError, OSError, TypeError)


class DiagnosticsFile(RotatingFileHandler):
    """A log file, rotating at 1 MB; the folder is made where it lacks. Raises OSError where it cannot be written."""

    def __init__(self, file: Path, *, kept: int) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(file, maxBytes=1_000_000, backupCount=kept, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(_FramesAlone("%(asctime)s %(levelname)s %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A full disk must not make the report of an error fail."""


class _FramesAlone(logging.Formatter):
    def formatException(  # noqa: N802 - logging's name
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return frames_of(ei[1]) if ei[1] else ""


def frames_of(error: BaseException) -> str:
    """The error and those that caused it, as a traceback without values."""
    parts: list[str] = []
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        told = f": {current}" if isinstance(current, _SPEAKS_OF_CODE) else ""
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.append(f"{type(current).__qualname__}{told}\n{frames}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "caused by ".join(parts)
