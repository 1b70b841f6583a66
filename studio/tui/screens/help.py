"""F1: what the screen is for, and its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from studio.tui.commands import applies, bindings_of, goes_to_screen, key_of
from studio.tui.plain_text import padded
from studio.tui.widgets.dialogs import Dialog

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

KEY_COLUMN = 12


class HelpScreen(Dialog[None]):
    """The screen's HELP text and a list of the keys that act there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "dismiss", "Close", id="help.close"),
    ]

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        app = cast("StudioApp", self.app)
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "esc closes"
            if self._about.HELP:
                # Its lines end where the source's do; here they are as wide as the dialog.
                yield Static(Content(" ".join(self._about.HELP.split()) + "\n"))
            own = bindings_of(self._about)
            # Above a dialog the app's own keys do not act.
            everywhere = [] if self._about.is_modal else [one for one in bindings_of(app) if applies(app, one)]
            for bindings in (own, everywhere):
                yield Static(Content("\n").join([*(_line(app, binding) for binding in bindings), Content("")]))

    async def action_dismiss(self, result: None = None) -> None:
        self.dismiss(result)


def _line(app: StudioApp, binding: Binding) -> Content:
    does = binding.tooltip or binding.description
    if goes_to_screen(binding):
        does = f"{binding.description}: {does[0].lower()}{does[1:]}"
    return Content.assemble((padded(key_of(app, binding), KEY_COLUMN), "bold"), does)
