"""Picking a theme: the one under the cursor is shown at once, and the one before is back where none is picked."""

from __future__ import annotations

from textual import on
from textual.widgets import OptionList

from studio.tui.widgets.pick_dialog import Pick, PickDialog


class ThemePicker(PickDialog):
    """Dismissed with the name of the theme; None, and the app as it was, where it was left."""

    def __init__(self, themes: list[str], current: str) -> None:
        super().__init__("Theme", [Pick(name, name) for name in themes], [current], several=False)
        self._before = current

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._shown[event.option_index].value

    def action_leave(self) -> None:
        self.app.theme = self._before
        super().action_leave()
