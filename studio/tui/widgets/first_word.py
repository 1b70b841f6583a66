"""What goes on between a question and the first word of its answer, in words, with the seconds it has taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.timer import Timer
from textual.widget import Widget

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

TOLD_EACH_S = 1.0
TOLD_EACH_CALMLY_S = 5.0
"""With reduced motion."""


class FirstWordWait:
    """Counts from `begin` to `end`, and lets its widget tell it anew every second."""

    def __init__(self, widget: Widget, tell: Callable[[], None]) -> None:
        self._widget = widget
        self._tell = tell
        self._since: float | None = None
        self._reads = False
        self._timer: Timer | None = None

    @property
    def words(self) -> str:
        """Empty once the first word is there."""
        if self._since is None:
            return ""
        doing = "reading the question" if self._reads else "waiting for the model"
        seconds = int(time.monotonic() - self._since)
        return f"{doing}, {seconds} s" if seconds else f"{doing}…"

    def begin(self) -> None:
        """A question has been asked."""
        self.end()
        self._since, self._reads = time.monotonic(), False
        calm = not cast("StudioApp", self._widget.app).moves
        self._timer = self._widget.set_interval(TOLD_EACH_CALMLY_S if calm else TOLD_EACH_S, self._tell)

    def model_reads(self) -> None:
        """The model has been given it."""
        self._reads = True

    def end(self) -> bool:
        """The first word is there, or none will be; whether it was waited for."""
        waited = self._since is not None
        self._since = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        return waited
