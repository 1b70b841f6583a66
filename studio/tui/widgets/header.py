"""The header: the modes, the model and the engine's state, how much was corrected and learnt, the night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from studio.tui.plain_text import one_line

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

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

LONG_REST, SHORT_REST = 40, 16
"""So many cells are kept for what is told beside the tabs, where the tabs have their keys in full, and in short."""
MODEL_WIDTHS = (28, 18, 0)
NO_NEWS = "ready"


@dataclass(frozen=True, slots=True)
class Status:
    """What the header tells. `sent_to` names the server that answers, where one does.

    `engine`, `embedder`, `probes`, `night`: a few words each, none when there is no news.
    """

    model: str = ""
    sent_to: str = ""
    engine: str = "loading model…"
    embedder: str = ""
    probes: str = ""
    night: str = ""
    corrections: int = 0
    lessons: int = 0


class ModeTab(Static):
    """One mode's key and name, in narrow windows its name alone; a click goes there."""

    def __init__(self, mode: str, *, current: bool) -> None:
        key, name = MODES[mode]
        self.forms = (f"{key} {name}", f"{key.removeprefix('F')} {name}", name)
        super().__init__(self.forms[0], classes="-current" if current else "", markup=False)
        self._mode = mode

    def show_form(self, form: int) -> None:
        """0 with its key, 1 with the key's number, 2 without."""
        if self.forms[form] != self.content:
            self.update(self.forms[form])

    async def on_click(self) -> None:
        await self.app.run_action(f"app.go('{self._mode}')")


class StudioHeader(Horizontal):
    """One row, docked to the top: what there is room for, whole, rather than everything cut off."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._room = 0

    def compose(self) -> ComposeResult:
        for mode in MODES:
            yield ModeTab(mode, current=mode == self._mode)
        yield Static(classes="space")
        yield Static(id="header-model", markup=False)
        yield Static(id="header-engine", markup=False)
        yield Static(id="header-night", markup=False)
        yield Static(id="header-counts", markup=False)

    def on_mount(self) -> None:
        self.watch(self.app, "status", self._show)

    def on_resize(self) -> None:
        """The tabs by the width alone: they stay where they are when there is news."""
        tabs = list(self.query(ModeTab))
        for form, beside, around in ((0, LONG_REST, 2), (1, SHORT_REST, 1), (2, 0, 1)):
            taken = sum(len(tab.forms[form]) + around for tab in tabs)
            if taken + beside <= self.size.width or form == 2:
                break
        self._room = self.size.width - taken - 1  # what is between them is never narrower than one cell
        self.set_class(around == 1, "-tight")
        for tab in tabs:
            tab.show_form(form)
        self._show(cast("StudioApp", self.app).status)

    def _show(self, value: object) -> None:
        status = cast("Status", value)
        said = _told(status, self._room, 1 if self.has_class("-tight") else 2)
        for part, text in zip(("model", "engine", "night", "counts"), said, strict=True):
            self._set(f"#header-{part}", text)

    def _set(self, part: str, text: str) -> None:
        widget = self.query_one(part, Static)
        if widget.content != text:
            widget.update(text)
        widget.set_class(not text, "-empty")


def _told(status: Status, room: int, around: int) -> tuple[str, str, str, str]:
    """Model, engine, night and counts, as much of them as there is room for: news before what is always so."""
    corrections, lessons = _count(status.corrections, "correction"), _count(status.lessons, "lesson")
    news = " · ".join(filter(None, (status.engine, status.embedder, status.probes)))
    engine = " · ".join(filter(None, (status.sent_to, news)))
    quiet = status.sent_to if news == NO_NEWS else engine
    whole = f"{corrections}, {lessons}"
    ways = [
        *((model, engine, whole) for model in MODEL_WIDTHS),
        (0, quiet, whole),
        (0, quiet, f"{status.corrections} corr., {lessons}"),
        (0, quiet, f"{status.corrections} corr."),
        (0, quiet, ""),
    ]
    for model, state, counts in ways:
        said = (one_line(status.model, model) if model else "", state, status.night, counts)
        if sum(cell_len(words) + around for words in said if words) <= room:
            return said
    left = max(1, room - around)
    return "", "" if status.night else one_line(quiet, left), one_line(status.night, left), ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
