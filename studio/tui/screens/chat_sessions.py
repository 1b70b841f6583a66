"""Chat's sessions: choosing one from the list, renaming it, showing it. Run in workers, as what is in chat_work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from studio.errors import StudioError, UsageError
from studio.services.studio import off_loop
from studio.tui.screens.chat_work import SHOWN_EXCHANGES
from studio.tui.widgets.dialogs import LineDialog
from studio.tui.widgets.feedback_line import FeedbackLine
from studio.tui.widgets.text_input import Composer

if TYPE_CHECKING:
    from studio.domain.log import Conversation
    from studio.tui.screens.chat import ChatScreen


async def choose_session(screen: ChatScreen, opened: asyncio.Event) -> None:
    """Let the user pick, rename or begin sessions until one is chosen or the dialog left; `opened` once it is there."""
    from studio.services.converse import conversations
    from studio.tui.screens.sessions import SessionsScreen, SessionVerb

    while True:
        current = screen.conversation.id if screen.conversation else None
        choice = await screen.app.push_screen_wait(SessionsScreen(await conversations(screen.studio), current, opened))
        if choice is None:
            return
        if choice.verb is SessionVerb.RENAME and choice.conversation is not None:
            await _rename(screen, choice.conversation)
            continue
        await show_conversation(screen, choice.conversation)
        return


async def _rename(screen: ChatScreen, conversation: Conversation) -> None:
    from studio.services.converse import rename_conversation

    title = await screen.app.push_screen_wait(LineDialog("Rename session", conversation.title))
    if title is not None:
        try:
            await rename_conversation(screen.studio, conversation.id, title)
        except StudioError as error:
            screen.studio_app.report(error)


async def open_conversation(screen: ChatScreen, conversation_id: str) -> None:
    """Show the conversation with this id."""
    found = await off_loop(screen.studio.log.conversations.get, conversation_id)
    await show_conversation(screen, found)


async def show_conversation(screen: ChatScreen, conversation: Conversation | None) -> None:
    """Put a conversation, or for None an empty session, in the place of the one shown."""
    from studio.services.converse import exchanges

    if any(view.editor is not None and view.editor.dirty for view in screen.answers):
        raise UsageError("A correction is being written.", "Save it with ctrl+s or leave it with esc first.")
    if any(line.value.strip() for line in screen.query(FeedbackLine)):
        raise UsageError("What is wrong is being written.", "Send it with enter or leave it with esc first.")
    if screen.answering:
        raise UsageError("An answer is being written.", "Wait for it, or cancel it with esc.")
    whole = await exchanges(screen.studio, conversation.id, latest=SHOWN_EXCHANGES) if conversation else []
    screen.conversation = conversation
    screen.undone.clear()
    if conversation is None:
        await screen.transcript.show_empty()
    else:
        await screen.transcript.show(whole, conversation.turns)
    screen.query_one(Composer).focus()
    screen.refresh_bindings()
