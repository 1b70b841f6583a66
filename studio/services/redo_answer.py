"""Language feedback: the user says what is wrong, the model redoes the answer, the user edits and saves it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from studio.domain.generation import ChatMessage, Lane, LaneDelta, LaneFailed, Role
from studio.errors import EngineError, UsageError
from studio.prompting.assemble import PromptRequest, redo_request
from studio.services.prepare_lanes import fitted
from studio.services.studio import Studio


async def redo_with_feedback(
    studio: Studio, asked: Sequence[ChatMessage], text: str, feedback: str
) -> AsyncGenerator[str]:
    """Deltas of the model's new attempt. Nothing is logged: the user saves what becomes of it as a correction.

    `asked` is the chat whose last message `text` answered; a system message in it is replaced by the settings' own.
    Raises UsageError on empty feedback, EngineError where the attempt breaks off.
    """
    if not feedback.strip():
        raise UsageError("There is no feedback.", "Say in a few words what is wrong with the answer.")
    facts = await studio.model()
    messages = [message for message in asked if message.role is not Role.SYSTEM]
    question = PromptRequest(messages[-1].content, system=studio.settings.prompt.system, history=tuple(messages[:-1]))
    assembly = await fitted(studio, facts, redo_request(question, text, feedback), studio.sampling)
    lane = Lane("redo", assembly.messages, sampling=studio.sampling)
    async with aclosing(studio.engine.generate([lane])) as events:
        async for event in events:
            if isinstance(event, LaneDelta):
                if not event.is_thinking:
                    yield event.text
            elif isinstance(event, LaneFailed):
                raise EngineError(event.message, event.hint)
