"""A recorded session of the app: every frame as a cast, stills with captions, and in the end a page that shows them.

Nothing is waited for that others would wait for: frames and stills are written by threads. Where the disk fails the
recording ends with a sentence, and the session goes on.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App

from studio.domain.plural import plural
from studio.errors import RecordingError
from studio.reporting.cast import CastFile, not_written
from studio.reporting.recorded_page import MOST_CAST_BYTES, Still, recorded_page, without_fetching
from studio.tui.plain_text import displayable
from studio.tui.widgets.streaming import painted

CAST, PAGE = "session.cast", "index.html"


class Recording:
    """Into a new folder, or an empty one. `tell` is called, perhaps in another thread, when it has to end early."""

    def __init__(self, folder: Path, title: str) -> None:
        """Raises RecordingError where the folder cannot be made, or holds anything."""
        self.folder = folder.absolute()
        self.failure: RecordingError | None = None
        self.tell: Callable[[RecordingError], object] = lambda error: None
        self._title = title
        self._stills: list[Still] = []
        _make_folder(self.folder)
        columns, rows = shutil.get_terminal_size()
        self._cast = CastFile(self.folder / CAST, columns, rows, title=title, on_failure=self._end)

    def output(self, text: str) -> None:
        """The terminal was sent this. Returns at once, in any thread."""
        if self.failure is None:
            self._cast.output(text)

    def resized(self, columns: int, rows: int) -> None:
        self._cast.resized(columns, rows)

    async def keep_still(self, app: App[Any], caption: str) -> bool:
        """Keep the screen as it is now, and whether it was kept; the caption tells it to who sees the still."""
        if self.failure is not None:
            return False
        await painted(app.screen)
        still = Still(without_fetching(app.export_screenshot(title=self._title, simplify=True)), displayable(caption))
        self._stills.append(still)
        self._cast.mark(still.caption)
        file = self.folder / f"still-{len(self._stills):02}.svg"
        try:
            await asyncio.to_thread(_write_new, file, still.svg.encode())
        except OSError as error:
            self._end(not_written(file, error))
        return self.failure is None

    def finish(self) -> str:
        """Write the page, once the app is over; what became of the recording, in a sentence."""
        self._cast.close()
        kept = plural(len(self._stills), "still")
        try:
            cast = self.folder / CAST
            data = cast.read_bytes() if cast.stat().st_size <= MOST_CAST_BYTES else b""
            _write_new(self.folder / PAGE, recorded_page(self._title, self._stills, data).encode())
        except OSError as error:
            self.failure = self.failure or not_written(self.folder / PAGE, error)
        if self.failure is not None:
            return f"The recording ended early. {self.failure} What was kept lies in {self.folder}."
        return f"Recorded into {self.folder}: {PAGE} with {kept}, and {CAST}."

    def _end(self, failure: RecordingError) -> None:
        if self.failure is None:
            self.failure = failure
            self.tell(failure)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RecordingError(f"{folder} is not empty.", "Record into a new folder; nothing is overwritten.")
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise RecordingError(f"{folder} cannot take a recording ({reason}).", "Name another folder.") from error


def _write_new(file: Path, data: bytes) -> None:
    """A file of the user's alone, that was not there before."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(data)
