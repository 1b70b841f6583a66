"""Conversations: begin, list, rename, resume; and what a conversation says so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from studio.domain.generation import ChatMessage, FinishReason, Role
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Answer, Conversation, Correction, Feedback, Origin, Turn
from studio.errors import UsageError
from studio.services.studio import Studio, off_loop

TITLE_LENGTH = 80
FEWEST_TURNS = 32
TOKENS_A_TURN = 8
"""No turn takes fewer: its question, its answer, and what a chat template puts around both."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn with everything that came of it. `corrections` by answer id, oldest first."""

    turn: Turn
    answers: list[Answer]
    corrections: dict[str, list[Correction]] = field(default_factory=dict)
    feedback: dict[str, Feedback] = field(default_factory=dict)

    @property
    def shown(self) -> Answer | None:
        """The answer that stands for this turn: preferred, else corrected, else the latest whole one."""
        for answer in reversed(self.answers):
            if self.feedback.get(answer.id) is Feedback.PREFERRED:
                return answer
        for answer in reversed(self.answers):
            if self.correction_of(answer):
                return answer
        whole = [answer for answer in self.answers if answer.finish_reason is not FinishReason.FAILED and answer.text]
        return next(reversed(whole or self.answers), None)

    def correction_of(self, answer: Answer) -> Correction | None:
        """The latest correction of this answer that was not undone."""
        return next((c for c in reversed(self.corrections.get(answer.id, [])) if not c.undone), None)

    @property
    def shown_text(self) -> str:
        """What the conversation goes on from: the corrected text where the answer was corrected."""
        if (answer := self.shown) is None:
            return ""
        correction = self.correction_of(answer)
        return correction.corrected if correction else answer.text


def title_from(prompt: str) -> str:
    """A title in one line, made of the first words of a prompt."""
    line = " ".join(prompt.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


async def start_conversation(studio: Studio, *, origin: Origin = Origin.CHAT) -> Conversation:
    """A new conversation. It is listed once it has a turn, whose question becomes its title."""
    now = utc_now()
    conversation = Conversation(new_id(), "", now, now, origin)
    await off_loop(studio.log.conversations.add, conversation)
    return conversation


async def conversations(studio: Studio, *, limit: int | None = None) -> list[Conversation]:
    """Newest first by last activity; all of them, or so many."""
    return await off_loop(studio.log.conversations.recent, limit=limit)


async def rename_conversation(studio: Studio, conversation_id: str, title: str) -> None:
    """Give a conversation another title. Raises UsageError on an empty one."""
    if not title.strip():
        raise UsageError("A conversation needs a title.", "Type at least one character.")
    await off_loop(studio.log.conversations.rename, conversation_id, title_from(title))


async def add_turn(studio: Studio, conversation_id: str, prompt: str) -> Turn:
    """Append a question to a conversation; its first one becomes the title if there is none."""

    def write() -> Turn:
        earlier = studio.log.conversations.turns(conversation_id)
        turn = Turn(new_id(), conversation_id, len(earlier), prompt, utc_now())
        studio.log.conversations.add_turn(turn)
        if not earlier and not studio.log.conversations.get(conversation_id).title:
            studio.log.conversations.rename(conversation_id, title_from(prompt))
        return turn

    return await off_loop(write)


async def exchanges(
    studio: Studio, conversation_id: str, *, before: int | None = None, latest: int | None = None
) -> list[Exchange]:
    """The conversation, oldest turn first: the whole, or of what came before a position only the latest turns."""

    def read() -> list[Exchange]:
        turns = studio.log.conversations.turns(conversation_id, before=before, latest=latest)
        answers = studio.log.answers.of_turns([turn.id for turn in turns])
        answer_ids = [answer.id for group in answers.values() for answer in group]
        corrections = studio.log.corrections.of_answers(answer_ids)
        feedback = studio.log.answers.feedback_of(answer_ids)
        whole = []
        for turn in turns:
            mine = answers.get(turn.id, [])
            whole.append(
                Exchange(
                    turn,
                    mine,
                    {answer.id: corrections[answer.id] for answer in mine if answer.id in corrections},
                    {answer.id: feedback[answer.id] for answer in mine if answer.id in feedback},
                )
            )
        return whole

    return await off_loop(read)


def as_history(earlier: Sequence[Exchange]) -> tuple[ChatMessage, ...]:
    """The messages a next turn goes on from; turns that were never answered are left out."""
    messages: list[ChatMessage] = []
    for exchange in earlier:
        if text := exchange.shown_text:
            messages += [ChatMessage(Role.USER, exchange.turn.prompt), ChatMessage(Role.ASSISTANT, text)]
    return tuple(messages)


async def history_of(studio: Studio, conversation_id: str, turn: Turn | None = None) -> tuple[ChatMessage, ...]:
    """The conversation's messages, as corrected: all, or those before `turn`; of a long one no more than ever fit."""
    most = max(FEWEST_TURNS, studio.settings.model.context_tokens // TOKENS_A_TURN)
    before = None if turn is None else turn.position
    earlier = await exchanges(studio, conversation_id, before=before, latest=most)
    if earlier:
        first = earlier[0].answers if earlier[0].turn.position == 0 else []
    else:
        first = [] if turn is None else (await off_loop(studio.log.answers.of_turns, [turn.id])).get(turn.id, [])
    return (*begun_with(first), *as_history(earlier))


def begun_with(first_answers: Sequence[Answer]) -> tuple[ChatMessage, ...]:
    """The messages that a conversation goes on from and does not hold, as far as its first answers were given them.

    A comparison asked from Chat began with Chat's messages, a client's conversation with what was said elsewhere.
    """
    answer = max(first_answers, key=lambda answer: answer.given.history_messages, default=None)
    if answer is None:
        return ()
    end = len(answer.messages) - 1 - answer.given.answered_messages
    return answer.messages[end - answer.given.history_messages : end]
