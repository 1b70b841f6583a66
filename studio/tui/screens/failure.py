"""The dialog for failures that are the studio's own fault: short, without any of the user's text."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from studio.tui.widgets.dialogs import Dialog


class FailureScreen(Dialog[None]):
    """Says that something went wrong inside, and where the details are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Go on", id="failure.close"),
    ]

    def __init__(self, kind: str, log_file: Path | None) -> None:
        super().__init__()
        self._kind = kind
        self._log_file = log_file

    def compose(self) -> ComposeResult:
        where = f"The details, without any of your text, are in\n{self._log_file}" if self._log_file else ""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Something went wrong"
            dialog.border_subtitle = "enter goes on"
            yield Static(
                f"The studio ran into a fault of its own ({self._kind}). What was saved is safe, and what you typed is"
                f" still where you typed it.\n\n{where}",
                markup=False,
            )

    async def action_dismiss(self, result: None = None) -> None:
        self.dismiss(result)
