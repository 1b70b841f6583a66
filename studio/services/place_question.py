"""Where a client's question belongs in the log: clients send the whole conversation each time, and no name for it.

What the log holds already is told by content. A question after a known conversation is its next turn; the last question
once more (another try, another arm) is another answer to the same turn; everything else begins a conversation, which
keeps what came before it only as what its first answer was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from studio.domain.generation import ChatMessage, FinishReason, Role
from studio.domain.log import Answer, Origin, Turn
from studio.domain.stores import Log
from studio.services.converse import begun_with
from studio.services.prepare_lanes import Question

SAME_BEGINNING = timedelta(hours=1)
"""A first question, which has nothing before it to be known by, is the same one again only within this time."""

_MOST_LOOKED_AT = 20
_ENDED_EARLY = (FinishReason.CANCELLED, FinishReason.FAILED)

History = tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The conversation a question belongs to, and its turn where it was asked before."""

    conversation_id: str
    turn: Turn | None = None


def known_place(log: Log, question: Question, at: datetime, *, being_answered: Mapping[str, History]) -> Place | None:
    """The place of a question in a conversation the log knows; None where it begins one.

    `being_answered` has the history of each turn whose answers are not in the log yet, by the turn's id.
    """
    asked = [message.content for message in question.history if message.role is Role.USER][-1:]
    for turns in log.conversations.asking([question.prompt, *asked], Origin.API, _MOST_LOOKED_AT):
        answers = log.answers.of_turns([turn.id for turn in turns])
        told = _Told(turns, answers, being_answered)
        last = turns[-1]
        is_recent = bool(question.history) or at - last.created_at <= SAME_BEGINNING
        if last.prompt == question.prompt and is_recent and told.is_history(question.history, before=last):
            return Place(last.conversation_id, last)
        if question.history and told.is_history(question.history):
            return Place(last.conversation_id)
    return None


@dataclass(frozen=True)
class _Told:
    """A conversation as a client may tell it."""

    turns: Sequence[Turn]
    answers: Mapping[str, Sequence[Answer]]
    being_answered: Mapping[str, History]

    def is_history(self, history: History, *, before: Turn | None = None) -> bool:
        """Whether the messages are the whole conversation, or what comes before a turn."""
        left = history
        for turn in reversed(self.turns):
            answers = self.answers.get(turn.id, ())
            # A turn that came to nothing is none that a client would tell.
            if turn is before or (answers and not any(answer.text.strip() for answer in answers)):
                continue
            if len(left) < 2 or not _is_exchange(turn, answers, left[-2:]):
                return False
            left = left[:-2]
        return self._is_beginning(left)

    def _is_beginning(self, history: History) -> bool:
        first = self.turns[0]
        answers = self.answers.get(first.id, ())
        if not answers:
            return self.being_answered.get(first.id) == history
        # Where not all of it fitted, only the end of what came before is known, and how much it was.
        number = {answer.given.history_messages + answer.given.history_trimmed for answer in answers}
        known = begun_with(answers)
        return len(history) in number and history[len(history) - len(known) :] == known


def _is_exchange(turn: Turn, answers: Sequence[Answer], messages: Sequence[ChatMessage]) -> bool:
    asked, said = messages
    return (
        (asked.role, said.role) == (Role.USER, Role.ASSISTANT)
        and asked.content == turn.prompt
        and any(_says(answer, said.content.strip()) for answer in answers)
    )


def _says(answer: Answer, told: str) -> bool:
    text = answer.text.strip()
    # Whoever stops an answer keeps what had reached them; the log has what had left.
    stopped = answer.finish_reason in _ENDED_EARLY and bool(text) and (text.startswith(told) or told.startswith(text))
    return text == told or stopped
