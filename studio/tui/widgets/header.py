"""The header: the modes, the model and the engine's state, how much was corrected and learnt, the night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from studio.tui.plain_text import one_line

MODES = {
    "chat": ("F2", "Chat"),
    "compare": ("F3", "Compare"),
    "lessons": ("F4", "Lessons"),
    "nights": ("F5", "Nights"),
    "curves": ("F6", "Curves"),
    "export": ("F8", "Export"),
    "review": ("F9", "Review"),
    "settings": ("F10", "Settings"),
    "models": ("F12", "Models"),
}

KEYS_FROM = 150
"""From this width on there is room for the keys beside the names, and for the model and its state."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the header tells. `engine`, `embedder`, `probes`, `night`: a few words each, none when there is no news."""

    model: str = ""
    engine: str = "loading model…"
    embedder: str = ""
    probes: str = ""
    night: str = ""
    corrections: int = 0
    lessons: int = 0


class ModeTab(Static):
    """One mode's key and name, in narrow windows its name alone; a click goes there."""

    def __init__(self, mode: str, *, current: bool) -> None:
        super().__init__(" ".join(MODES[mode]), classes="-current" if current else "")
        self._mode = mode

    def show_key(self, shown: bool) -> None:
        key, name = MODES[self._mode]
        words = f"{key} {name}" if shown else name
        if words != self.content:
            self.update(words)

    async def on_click(self) -> None:
        await self.app.run_action(f"app.go('{self._mode}')")


class StudioHeader(Horizontal):
    """One row, docked to the top."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def compose(self) -> ComposeResult:
        for mode in MODES:
            yield ModeTab(mode, current=mode == self._mode)
        yield Static(classes="space")
        yield Static(id="header-model", markup=False)
        yield Static(id="header-engine", markup=False)
        # What comes last is cut off in a narrow window.
        yield Static(id="header-night", markup=False)
        yield Static(id="header-counts", markup=False)

    def on_mount(self) -> None:
        self.watch(self.app, "status", self._show)

    def on_resize(self) -> None:
        for tab in self.query(ModeTab):
            tab.show_key(self.size.width >= KEYS_FROM)

    def _show(self, value: object) -> None:
        status = cast("Status", value)
        self._set("#header-model", one_line(status.model, 28))
        self._set("#header-engine", " · ".join(filter(None, (status.engine, status.embedder, status.probes))))
        self._set("#header-counts", f"{_count(status.corrections, 'correction')}, {_count(status.lessons, 'lesson')}")
        self._set("#header-night", status.night)

    def _set(self, part: str, text: str) -> None:
        widget = self.query_one(part, Static)
        widget.update(text)
        # By class, not by `display`: the style sheet hides parts in narrow windows, and an inline style would win.
        widget.set_class(not text, "-empty")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
