"""A small app to be served: says what was typed, shows a dialog, saves a file, fails."""

from __future__ import annotations

import io
import sys

from textual import events
from textual.app import App, ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Label


class Dialog(ModalScreen[None]):
    CSS = "Dialog { align: center middle; }"

    def compose(self) -> ComposeResult:
        yield Label("a dialog")


class SmallApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Label("typed: ", id="typed")

    def on_key(self, event: events.Key) -> None:
        label = self.query_one("#typed", Label)
        match event.character:
            case "!":
                self.push_screen(Dialog())
            case "#":
                self.deliver_text(io.StringIO("kept"), save_directory=sys.argv[1], save_filename="kept.txt")
            case "0":
                self.exit(return_code=7)
            case "?":
                label.update("\udcff.gguf")  # a file's name that is not UTF-8
            case character:
                label.update(f"{label.content}{character}")


if __name__ == "__main__":
    if sys.argv[1] == "fail":
        sys.exit("studio: It cannot start.")
    app = SmallApp()
    app.run()
    sys.exit(app.return_code or 0)
