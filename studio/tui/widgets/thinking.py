"""What a model thought before its answer: one line, which a key opens."""

from __future__ import annotations

import time

from textual.app import ComposeResult

from studio.tui.plain_text import displayable
from studio.tui.widgets.ground import PlainText, VerticalGround

KEY = "o"
TOLD_EACH_S = 0.5
"""While it thinks the line is drawn anew so often at most; a pane's answer is drawn by the flusher, this is not."""


class ThinkingView(VerticalGround):
    """Folded until `toggle`; takes no room where nothing was thought."""

    def __init__(self, thinking: str = "") -> None:
        super().__init__(classes="thinking")
        self._thinking = thinking
        self._goes_on = False
        self._open = False
        self._told_at = 0.0
        self._line = PlainText(self._words(), classes="thinking-line")
        self._body = PlainText(classes="thinking-text")
        self._body.display = False
        self.display = bool(thinking)

    def compose(self) -> ComposeResult:
        yield self._line
        yield self._body

    def write(self, delta: str) -> None:
        """It thinks on."""
        self._thinking += delta
        self._goes_on = True
        if time.monotonic() - self._told_at >= TOLD_EACH_S:
            self._show()

    def settle(self, thinking: str) -> None:
        """It has come to its answer, or to its end: this is all it thought."""
        if (thinking, False) != (self._thinking, self._goes_on):
            self._thinking, self._goes_on = thinking, False
            self._show()

    def toggle(self) -> None:
        """Open it, or fold it again."""
        self._open = not self._open
        self._show()

    def _show(self) -> None:
        self._told_at = time.monotonic()
        self.display = bool(self._thinking)
        self._line.update(self._words())
        self._body.display = self._open
        if self._open:
            self._body.update(displayable(self._thinking))

    def _words(self) -> str:
        count = len(self._thinking.split())
        words = f"{count:,} word{'s' * (count != 1)}"
        sign = "▾" if self._open else "▸"
        return f"{sign} thinking, {words} ({KEY})" if self._goes_on else f"{sign} {words} of thought ({KEY})"
