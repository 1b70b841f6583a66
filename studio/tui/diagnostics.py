"""Where the app's own failures are written down: which error, raised where; never the user's words.

Textual prints a crash with the values of local variables, which are prompts and answers. Here a traceback keeps its
frames alone, and the message only of error types whose messages speak of code or files, not of data.
"""

from __future__ import annotations

import logging
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

_SPEAKS_OF_CODE = (AttributeError, ImportError, NameError, NotImplementedError, OSError, TypeError)
_log = logging.getLogger("studio.tui")


class _SilentRotatingFile(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A full disk must not make the report of an error fail."""


def open_diagnostics(folder: Path) -> Path | None:
    """Write the app's failures to `app.log` in this folder, rotating at 1 MB; None where it cannot be written."""
    for handler in list(_log.handlers):
        _log.removeHandler(handler)
        handler.close()
    _log.propagate = False
    file = folder / "app.log"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = _SilentRotatingFile(file, maxBytes=1_000_000, backupCount=3, encoding="utf-8")
    except OSError:
        _log.addHandler(logging.NullHandler())
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.addHandler(handler)
    return file


def write_down(error: BaseException) -> None:
    """Log an unexpected error: the chain of errors, each with its frames."""
    _log.error("%s", frames_of(error))


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
