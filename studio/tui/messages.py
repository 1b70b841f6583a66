"""What screens and widgets tell each other. Requests bubble to the app, which changes mode and hands them on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from studio.domain.generation import ChatMessage


class CompareRequested(Message):
    """Ask all arms this prompt, after this history. `read`: the answers to it that were shown, each with its arm."""

    def __init__(self, prompt: str, history: Sequence[ChatMessage] = (), read: Sequence[tuple[str, str]] = ()) -> None:
        self.prompt = prompt
        self.history = tuple(history)
        self.read = tuple(read)
        super().__init__()


class ChatRequested(Message):
    """Show a conversation in Chat."""

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        super().__init__()
