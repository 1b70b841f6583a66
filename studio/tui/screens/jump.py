"""A letter over everything that can be jumped to; typing it goes there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from studio.tui.jump_targets import Target, places_of
from studio.tui.widgets.dialogs import Dialog

WORDS = "Type a letter to go there · esc leaves"


class JumpLabel(Static):
    """The code of one target, where the target begins."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.code, markup=False)
        self.target = target


class JumpScreen(Dialog[Widget | None]):
    """Lies over the screen it is about, which stays in sight. Dismissed with the chosen widget, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", id="jump.leave")]

    def __init__(self, about: Screen[Any], targets: Sequence[Target]) -> None:
        super().__init__()
        self._about = about
        self._targets = targets
        self._typed = ""

    def compose(self) -> ComposeResult:
        yield Static(WORDS, id="jump-words", markup=False)
        for target in self._targets:
            yield JumpLabel(target)

    def on_mount(self) -> None:
        self._place()
        # What lies beneath goes on: an answer grows, a list is filled, the window becomes smaller.
        self._about.screen_layout_refresh_signal.subscribe(self, lambda _: self._place())

    def _place(self) -> None:
        places = places_of(self._about, self._targets)
        for label in self.query(JumpLabel):
            at = places.get(label.target)
            label.display = at is not None and label.target.code.startswith(self._typed)
            if at is not None:
                label.styles.offset = at

    def on_key(self, event: events.Key) -> None:
        event.stop()
        typed = self._typed + (event.character or "").casefold()
        left = [target for target in self._targets if target.code.startswith(typed)]
        if typed == self._typed or not left:
            return  # no letter of any target
        if left[0].code == typed:
            self.dismiss(left[0].widget)
            return
        self._typed = typed
        self._place()

    def on_click(self, event: events.Click) -> None:
        clicked = event.widget
        self.dismiss(clicked.target.widget if isinstance(clicked, JumpLabel) else None)

    def action_leave(self) -> None:
        self.dismiss(None)
