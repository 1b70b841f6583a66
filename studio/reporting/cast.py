"""A terminal session as an asciinema cast (asciicast v2): what was drawn and when, one JSON line an event.

Written by a thread of its own, so that whoever draws never waits for the disk. What would steer a terminal rather than
draw on it (mouse, paste and keyboard modes, questions to the terminal) is left out: a replay must do nothing to the
terminal it is played in.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from studio.errors import RecordingError

MOST_WAITING = 2_000
"""Events; a disk that is so far behind is as good as none."""
IDLE_LIMIT_S = 3.0
"""Players shorten longer pauses to this."""

_STEERING = re.compile(
    r"\x1b\[\?(?:1|9|66|100[0-7]|101[56]|2004|2031|2048)[hl]"  # modes of keys, mouse, focus, paste, resizing
    r"|\x1b\[\??\d*(?:\$p|n|c)|\x1b\[>[0-9;]*[cq]"  # questions, which a terminal would answer by typing
    r"|\x1b\[[<>=][0-9;]*[um]"  # the keyboard protocol
)


class CastFile:
    """Takes output as it is drawn. `on_failure` is called once, in another thread, if the file cannot be written on;
    what was recorded by then stays, in whole lines."""

    def __init__(
        self,
        file: Path,
        columns: int,
        rows: int,
        *,
        title: str,
        on_failure: Callable[[RecordingError], None] = lambda error: None,
    ) -> None:
        """Raises RecordingError where there is such a file already, or there can be none."""
        self._file = file
        self._on_failure = on_failure
        self._begun = time.monotonic()
        self._events: SimpleQueue[tuple[float, str, str] | None] = SimpleQueue()
        self._failed = False
        header = {"version": 2, "width": columns, "height": rows, "timestamp": int(time.time()), "title": title}
        header |= {"idle_time_limit": IDLE_LIMIT_S, "env": {"TERM": "xterm-256color"}}
        try:
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._whole = 0
            self._append(json.dumps(header))
        except OSError as error:
            raise not_written(file, error) from error
        self._thread = threading.Thread(target=self._write_on, name="cast", daemon=True)
        self._thread.start()

    def output(self, text: str) -> None:
        """The terminal was sent this. Returns at once; may be called from any thread."""
        if drawn := _STEERING.sub("", text):
            self._take("o", drawn)

    def resized(self, columns: int, rows: int) -> None:
        self._take("r", f"{columns}x{rows}")

    def mark(self, label: str) -> None:
        """A place that players can jump to."""
        self._take("m", label)

    def close(self) -> None:
        """Everything taken is on disk when this returns."""
        self._events.put(None)
        self._thread.join()

    def _take(self, kind: str, data: str) -> None:
        if not self._failed:
            self._events.put((time.monotonic() - self._begun, kind, data))

    def _write_on(self) -> None:
        try:
            while (event := self._events.get()) is not None:
                at, kind, data = event
                if not self._failed:
                    self._write(at, kind, data)
        finally:
            os.close(self._descriptor)

    def _write(self, at: float, kind: str, data: str) -> None:
        try:
            if self._events.qsize() > MOST_WAITING:
                raise TimeoutError(0, "the disk is too slow")
            self._append(json.dumps([round(at, 6), kind, data]))
        except OSError as error:
            self._failed = True
            with contextlib.suppress(OSError):  # a line that was cut off would make the file unreadable
                os.truncate(self._descriptor, self._whole)
            self._on_failure(not_written(self._file, error))

    def _append(self, line: str) -> None:
        left = memoryview(f"{line}\n".encode())
        size = len(left)
        while left:
            left = left[os.write(self._descriptor, left) :]
        self._whole += size


def not_written(file: Path, error: OSError) -> RecordingError:
    """The sentence for a file that cannot be written."""
    if isinstance(error, FileExistsError):
        return RecordingError(f"{file} is there already.", "Record into a new folder; nothing is overwritten.")
    return RecordingError(f"{file} cannot be written ({error.strerror}).", "The recording ends here.")
