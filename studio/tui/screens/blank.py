"""A black screen, for when the room should look at the speaker."""

from __future__ import annotations

from textual import events

from studio.tui.widgets.dialogs import Dialog


class BlankScreen(Dialog[None], inherit_bindings=False):
    """Gone at any key or click: none has another meaning here."""

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss()

    def on_click(self) -> None:
        self.dismiss()
