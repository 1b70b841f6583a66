"""The header: the modes, the model and the engine's state, how much was corrected and learnt, the night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widgets import Static

from studio.domain.plural import plural
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

ROOMY_REST, TIGHT_REST = 40, 24
"""So many cells are kept for what is told beside the tabs, where these stand far apart, and close together."""
LOW = 20
"""A window of fewer rows than these has none to spare for a second row of tabs."""
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
    """One mode's key and name, in low and narrow windows its name alone; a click goes there."""

    def __init__(self, mode: str, *, current: bool) -> None:
        key, name = MODES[mode]
        self.forms = (f"{key} {name}", name)
        super().__init__(self.forms[0], classes="-current" if current else "", markup=False)
        self._mode = mode

    def show_key(self, shown: bool) -> None:
        form = self.forms[0 if shown else 1]
        if form != self.content:
            self.update(form)

    async def on_click(self) -> None:
        await self.app.run_action(f"app.go('{self._mode}')")


class StudioHeader(Horizontal):
    """Docked to the top: the tabs with their keys, in two rows where one is too short, and beside them what is told, as
    much of it as there is room for, whole rather than cut off."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._rooms: tuple[int, ...] = ()
        self._apart = 2
        self._told: Content | None = None

    def compose(self) -> ComposeResult:
        modes = list(MODES)
        half = -(-len(modes) // 2)
        with Container(id="header-tabs"):
            for row in (modes[:half], modes[half:]):
                with Horizontal():
                    for mode in row:
                        yield ModeTab(mode, current=mode == self._mode)
        yield Static(id="header-told", markup=False)

    def on_mount(self) -> None:
        self.watch(self.app, "status", self._show)

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        """Fit the window. The tabs go by its size alone: they stay where they are when there is news."""
        rows = [list(row.query(ModeTab)) for row in self.query("#header-tabs > Horizontal")]
        tabs = [tab for row in rows for tab in row]
        width = self.size.width
        one_row = [_taken(tabs, form=0, around=around) for around in (2, 1)]
        two_rows, keys, self._apart = False, True, 2
        if one_row[0] + ROOMY_REST <= width:
            taken = one_row[:1]
        elif one_row[1] + TIGHT_REST <= width:
            taken, self._apart = one_row[1:], 1
        elif self.app.size.height >= LOW:
            taken, two_rows = [_taken(row, form=0, around=2) for row in rows], True
        else:
            taken, keys, self._apart = [_taken(tabs, form=1, around=1)], False, 1
        # Beside both rows it is one column: the longer row leaves it its room.
        self._rooms = (width - max(taken) - 1,) * len(taken)
        self.set_class(self._apart == 1, "-tight")
        self.set_class(two_rows, "-two-rows")
        for tab in tabs:
            tab.show_key(keys)
        self._show(cast("StudioApp", self.app).status)

    def _show(self, value: object) -> None:
        if not self._rooms:
            return  # before its size is known
        status = cast("Status", value)
        told = _beside_two_rows(status, *self._rooms) if len(self._rooms) == 2 else _in_one_row(status, self._rooms[0])
        if told != self._told:
            self._told = told
            self.query_one("#header-told", Static).update(told)


def _taken(tabs: Sequence[ModeTab], *, form: int, around: int) -> int:
    return sum(len(tab.forms[form]) + around for tab in tabs)


def _in_one_row(status: Status, room: int) -> Content:
    """News before what is always so: the night, the engine, the counts, the model."""
    engine, whole, brief = _engine(status), _counts(status), _counts(status, brief=True)
    quiet = _quiet(status)
    ways = [
        *((model, engine, whole) for model in MODEL_WIDTHS),
        (0, quiet, whole),
        (0, quiet, brief),
        (0, quiet, f"{status.corrections} corr."),
        (0, quiet, ""),
    ]
    for model, state, counts in ways:
        told = _line(one_line(status.model, model) if model else "", state, status.night, counts)
        if told.cell_length <= room:
            return told
    return _line("", "" if status.night else one_line(quiet, room), one_line(status.night, room), "")


def _beside_two_rows(status: Status, above: int, below: int) -> Content:
    """News above, the model where there is none; the counts below."""
    quiet = _quiet(status)
    model = "" if quiet or status.night else one_line(status.model, above)
    first = _line(model, quiet, status.night, "")
    if first.cell_length > above:
        first = _line("", "" if status.night else one_line(quiet, above), one_line(status.night, above), "")
    counts = (_counts(status), _counts(status, brief=True), f"{status.corrections} corr.")
    second = next((words for words in counts if cell_len(words) <= below), "")
    return Content("\n").join([first, _line("", "", "", second)])


def _line(model: str, engine: str, night: str, counts: str) -> Content:
    said = ((model, "$foreground"), (engine, "$accent"), (night, "$warning"), (counts, ""))
    return Content("  ").join(Content.styled(words, style) for words, style in said if words)


def _engine(status: Status) -> str:
    return " · ".join(filter(None, (status.sent_to, _news(status))))


def _quiet(status: Status) -> str:
    """Where what is asked goes, if it leaves the machine, is never left out."""
    return status.sent_to if _news(status) == NO_NEWS else _engine(status)


def _news(status: Status) -> str:
    return " · ".join(filter(None, (status.engine, status.embedder, status.probes)))


def _counts(status: Status, *, brief: bool = False) -> str:
    corrections = f"{status.corrections} corr." if brief else plural(status.corrections, "correction")
    return f"{corrections}, {plural(status.lessons, 'lesson')}"
