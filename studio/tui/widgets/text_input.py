"""Editors for plain text: a paste is bounded, and nothing that steers the terminal gets in. What went is let go of."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, TextArea

from studio.tui.plain_text import typed

MAX_CHARACTERS = 20_000
"""The most characters a prompt or a correction may have; the services refuse more."""


def let_go_of(field: Input | TextArea) -> None:
    """Have textual forget a field that goes: its screen would hold it for ever, and an editor the app, by its theme."""
    field.screen.text_selection_started_signal.unsubscribe(field)
    watchers = getattr(field.app, "__watchers", {}).get("theme", [])
    watchers[:] = [watcher for watcher in watchers if watcher[0] is not field]


class LineInput(Input):
    """A line among what comes and goes within a screen."""

    def on_unmount(self) -> None:
        let_go_of(self)


class PlainTextArea(TextArea):
    """A soft-wrapping editor of at most MAX_CHARACTERS, with undo. `placeholder` and `text` are plain text."""

    def __init__(self, text: str = "", **options: Any) -> None:
        super().__init__(typed(text), compact=True, highlight_cursor_line=False, **options)

    def on_unmount(self) -> None:
        let_go_of(self)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Whether the key is text: letters, also while it is read-only (then they are no commands), and enter."""
        return key == "enter" or (character is not None and character.isprintable())

    async def _on_key(self, event: events.Key) -> None:
        if self.read_only and event.is_printable:
            event.stop()

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
        """Enter was pressed on a text that is not empty. It stays in the composer until `take` is called."""

        def __init__(self, composer: Composer, text: str) -> None:
            self.composer = composer
            self.text = text
            super().__init__()

        @property
        def control(self) -> Composer:
            return self.composer

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return key != "enter" and super().check_consume_key(key, character)

    def take(self, sent: str) -> None:
        """Remove the text that was sent; what has been typed since stays."""
        if self.text.startswith(sent):
            self.load_text(self.text[len(sent) :])
            self.move_cursor(self.document.end)

    def action_send(self) -> None:
        if self.text.strip():
            self.post_message(self.Sent(self, self.text))

    def action_new_line(self) -> None:
        self._replace_via_keyboard("\n", *self.selection)
