"""Picking a theme: the one under the cursor is shown at once, and the one before is back where none is picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static

from studio.tui.theme_files import StudioTheme
from studio.tui.widgets.pick_dialog import Pick, PickDialog

if TYPE_CHECKING:
    from studio.tui.dressed_app import DressedApp

ARMS_SHOWN = 6
OTHERS = "comes with Textual"


class ThemePicker(PickDialog):
    """Dismissed with the name of the theme; None, and the app as it was, where it was left.

    Files dropped in since the start are there too, and those that cannot be used are told.
    """

    def __init__(self, app: DressedApp) -> None:
        self._failures = app.load_themes()
        themes = app.available_themes.values()
        picks = [Pick(one.name, one.name, one.about if isinstance(one, StudioTheme) else OTHERS) for one in themes]
        picks.sort(key=lambda pick: (pick.about == OTHERS, pick.value))
        super().__init__("Theme", picks, [app.theme], several=False)
        self._dressed = app
        self._before = app.theme

    def compose_beneath(self) -> ComposeResult:
        yield Static(_sample(), classes="theme-sample")

    def on_mount(self) -> None:
        self._dressed.notify_of_themes(self._failures)

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._shown[event.option_index].value

    def action_leave(self) -> None:
        self.app.theme = self._before
        super().action_leave()


def _sample() -> Content:
    """The colours that carry a meaning, each with its word."""
    arms = [(f"arm {number} ", f"$arm-{number}") for number in range(1, ARMS_SHOWN + 1)]
    diff = [("{+put in+} ", "$diff-insert"), ("[-taken out-]", "$diff-delete strike")]
    states = [("right ", "$success"), ("wrong ", "$error"), ("warning ", "$warning"), ("chosen ", "$accent")]
    return Content.assemble(*arms, "\n", *diff, "\n", *states, ("explained", "$foreground-muted"))
