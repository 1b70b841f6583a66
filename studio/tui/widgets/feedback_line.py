"""One line in which the user says in words what is wrong with an answer."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from studio.tui.widgets.text_input import LineInput


class FeedbackLine(LineInput):
    """`Input.Submitted` has the words; the screen removes the line, also where the user leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Try again", id="feedback.send", tooltip="The model tries again, told this"),
        Binding("escape", "leave", "Leave", id="feedback.leave", tooltip="Leave the line; the answer stays as it is"),
    ]

    class Left(Message):
        """The user leaves it without a word to the model."""

        def __init__(self, line: FeedbackLine) -> None:
            self.line = line
            super().__init__()

    def __init__(self) -> None:
        super().__init__(placeholder="What is wrong with it? enter lets the model try again, esc leaves", compact=True)

    def action_leave(self) -> None:
        self.post_message(self.Left(self))


async def open_feedback(answer: Widget, *, after: str | None = None) -> None:
    """Open the line beneath an answer, or go on in the one that is open; it has the focus when this returns."""
    line = next(iter(answer.query(FeedbackLine)), None)
    if line is None:
        line = FeedbackLine()
        await answer.mount(line, after=after)
    answer.screen.set_focus(line)
