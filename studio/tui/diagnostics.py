"""Where the app's own failures are written down.

Textual prints a crash with the values of local variables, which are prompts and answers; here nothing of them is kept.
"""

from __future__ import annotations

import logging
from pathlib import Path

from studio.diagnostics import DiagnosticsFile

_log = logging.getLogger("studio.tui")


def open_diagnostics(folder: Path) -> Path | None:
    """Write the app's failures to `app.log` in this folder; None where it cannot be written."""
    for handler in list(_log.handlers):
        _log.removeHandler(handler)
        handler.close()
    _log.propagate = False
    file = folder / "app.log"
    try:
        _log.addHandler(DiagnosticsFile(file, kept=3))
    except OSError:
        _log.addHandler(logging.NullHandler())
        return None
    return file


def write_down(error: BaseException) -> None:
    """Log an unexpected error: the chain of errors, each with its frames."""
    _log.error("unexpected failure", exc_info=error)
