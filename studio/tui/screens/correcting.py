"""What can be done with an open editor, on any screen: leave it, or have the model write into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from studio.domain.generation import ChatMessage


async def redo(screen: StudioScreen, editor: AnswerEditor, asked: Sequence[ChatMessage], answer: str) -> None:
    """Let the model redo an answer with the user's words on what was wrong, into the editor."""
    from studio.services.redo_answer import redo_with_feedback  # late, as Chat's are: see there

    deltas = redo_with_feedback(screen.studio, asked, answer, editor.feedback)
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                editor.write(delta)
    finally:
        # Also after Esc or a failure: the user goes on from what there is.
        editor.written()
    if editor.text.strip() == answer.strip():
        screen.notify("The model's new attempt is the same as its answer. Put it right yourself, or leave with esc.")


async def leave_editor(editor: AnswerEditor, close: Callable[[], Awaitable[None]]) -> None:
    """Close the editor; where words would be lost, ask first."""
    question = ConfirmDialog("Leave without saving? What you changed is lost.", yes="Leave", no="Keep editing")
    if not editor.dirty or await editor.app.push_screen_wait(question):
        await close()
