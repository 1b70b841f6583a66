"""Editors for plain text: a paste is bounded, and nothing that steers the terminal gets in."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from studio.tui.plain_text import typed

MAX_CHARACTERS = 20_000
"""The most characters a prompt or a correction may have; the services refuse more."""


class PlainTextArea(TextArea):
    """A soft-wrapping editor of at most MAX_CHARACTERS, with undo. `placeholder` and `text` are plain text."""

    def __init__(self, text: str = "", **options: Any) -> None:
        super().__init__(typed(text), compact=True, highlight_cursor_line=False, **options)

    async def _on_paste(self, event: events.Paste) -> None:
        # Both this and the base class's handler would run; this one alone decides what gets in.
        event.prevent_default()
        event.stop()
        if self.read_only:
            return
        pasted = typed(event.text)
        if len(self.text) + len(pasted) > MAX_CHARACTERS:
            self.notify(
                f"The paste of {len(pasted):,} characters was left out: there is room for {MAX_CHARACTERS:,} in all.",
                severity="warning",
            )
            return
        if result := self._replace_via_keyboard(pasted, *self.selection):
            self.move_cursor(result.end_location)


class Composer(PlainTextArea):
    """Where the question is typed: Enter sends, ctrl+j (or shift+enter, where the terminal tells) begins a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="composer.send", tooltip="Send the question"),
        Binding("ctrl+j,shift+enter", "new_line", "New line", show=False, id="composer.newline"),
    ]

    class Sent(Message):
        """Enter was pressed on a text that is not empty. It stays in the composer until `clear` is called."""

        def __init__(self, composer: Composer, text: str) -> None:
            self.composer = composer
            self.text = text
            super().__init__()

        @property
        def control(self) -> Composer:
            return self.composer

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            # Left to the binding; the base class would insert a newline.
            event.prevent_default()

    def action_send(self) -> None:
        if self.text.strip():
            self.post_message(self.Sent(self, self.text))

    def action_new_line(self) -> None:
        self._replace_via_keyboard("\n", *self.selection)
