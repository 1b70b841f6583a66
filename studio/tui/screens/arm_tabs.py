"""In narrow windows, where one arm is shown at a time: all arms by number, name and state, to see and to go to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from studio.tui.plain_text import one_line
from studio.tui.screens.arm_pane import ArmPane


class ArmTab(Static):
    """One arm; a click asks to see it."""

    class Chosen(Message):
        """The user wants to see the arm at this place, counted from 1."""

        def __init__(self, position: int) -> None:
            self.position = position
            super().__init__()

    def __init__(self, position: int) -> None:
        super().__init__("", markup=False)
        self._position = position
        self._label = ""

    def show_pane(self, pane: ArmPane, *, current: bool) -> None:
        """Take over the pane's words and state."""
        # In the place of a space: six arms fill the row.
        mark = "★" if pane.preferred else " "
        label = f"{self._position}{mark}{one_line(pane.display_name, 16)} {pane.state.value}"
        if label != self._label or current != self.has_class("-current"):
            self._label = label
            self.update(Content.styled(label, "bold" if current else ""))
            self.set_class(current, "-current")

    def on_click(self) -> None:
        self.post_message(self.Chosen(self._position))


class ArmTabs(Horizontal):
    """A tab per place on the screen, of which `count` can be needed."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._panes: Sequence[ArmPane] = ()
        self._current: ArmPane | None = None

    def compose(self) -> ComposeResult:
        for position in range(1, self._count + 1):
            yield ArmTab(position)

    def show_panes(self, panes: Sequence[ArmPane], current: ArmPane | None) -> None:
        """Draw the tabs anew; `panes` in the order of their places, and no more of them than tabs.

        Where the window has room for all panes nothing is drawn: each tab would lay the whole screen out again.
        """
        self._panes, self._current = panes, current
        if self.display:
            self._draw()

    def on_show(self) -> None:
        self._draw()

    def _draw(self) -> None:
        for tab, pane in zip_longest(self.query(ArmTab), self._panes):
            tab.display = pane is not None
            if pane is not None:
                tab.show_pane(pane, current=pane is self._current)
            if pane is not None and pane is self._current:
                self.scroll_to_widget(tab, animate=False)
