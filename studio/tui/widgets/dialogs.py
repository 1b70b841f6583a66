"""What dialogs share, those with a list too, and small ones: a yes or no, a line of text."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """The base of whatever is shown above a screen until it is dismissed, which counts once.

    What was typed at once after the answer may still be on its way to it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        # The app's own does not reach a dialog; under the same id the user's settings give both another key.
        Binding("f1", "app.help", "Help", id="app.help", tooltip="What this is, and its keys"),
    ]

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        is_above_all = self.app.screen_stack[-1:] == [self]
        return super().dismiss(result) if is_above_all else AwaitComplete()


class ListDialog(Dialog[T]):
    """The base of those with a line to type in above a list: keys move in the list while one types."""

    AUTO_FOCUS = "Input"

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        (options.action_cursor_down if step > 0 else options.action_cursor_up)()


class ConfirmDialog(Dialog[bool]):
    """Asks before something is lost. Dismissed with True where the user agrees."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
    ]
    AUTO_FOCUS = "#no"

    def __init__(self, question: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._question, self._yes, self._no = question, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Sure?"
            dialog.border_subtitle = "y yes · n no"
            yield Static(self._question, markup=False)
            with Horizontal(classes="buttons"):
                yield Button(self._yes, id="yes", compact=True)
                yield Button(self._no, id="no", variant="primary", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, agreed: bool) -> None:
        self.dismiss(agreed)


class LineDialog(Dialog[str | None]):
    """Asks for one line of text. Dismissed with it, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Leave", id="line.leave")]

    def __init__(self, title: str, value: str = "", placeholder: str = "") -> None:
        super().__init__()
        self._title, self._value, self._placeholder = title, value, placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "enter ok · esc leaves"
            yield Input(self._value, placeholder=self._placeholder, compact=True)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        self.dismiss(None)
