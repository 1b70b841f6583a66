"""Conversations and their turns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from studio.domain.log import Conversation, Origin, Turn
from studio.errors import NotFoundError
from studio.storage.database import Database
from studio.storage.session import Row, moment

# The last activity is read from the turns, so that adding one never updates the conversation's row.
_CONVERSATIONS = """
    SELECT c.id, c.title, epoch_us(c.created_at),
           epoch_us(greatest(c.updated_at, coalesce(max(t.created_at), c.updated_at))) AS active_us,
           c.origin, count(t.id) AS turns
    FROM conversation c LEFT JOIN turn t ON t.conversation_id = c.id
"""
_TURNS = "SELECT id, conversation_id, position, prompt, epoch_us(created_at) FROM turn"
_NO_LIMIT = 2**31 - 1
_GROUPED = "GROUP BY c.id, c.title, c.created_at, c.updated_at, c.origin"


class ConversationTable:
    """Implements domain.ports.ConversationStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, conversation: Conversation) -> None:
        c = conversation
        with self._database.writing() as session:
            session.insert(
                "conversation",
                "id, title, origin, created_at, updated_at",
                [(c.id, c.title, c.origin.value, c.created_at, c.updated_at)],
            )

    def rename(self, conversation_id: str, title: str) -> None:
        """Raises NotFoundError."""
        with self._database.writing() as session:
            renamed = session.rows(
                "UPDATE conversation SET title = ? WHERE id = ? RETURNING id", title, conversation_id
            )
            if not renamed:
                raise _unknown(conversation_id)

    def get(self, conversation_id: str) -> Conversation:
        """Raises NotFoundError."""
        with self._database.reading() as session:
            row = session.row(f"{_CONVERSATIONS} WHERE c.id = ? {_GROUPED}", conversation_id)
        if row is None:
            raise _unknown(conversation_id)
        return _conversation(row)

    def recent(self, *, limit: int | None = None) -> list[Conversation]:
        """Newest first by last activity, with their number of turns; empty ones left out."""
        with self._database.reading() as session:
            rows = session.rows(
                f"{_CONVERSATIONS} {_GROUPED} HAVING count(t.id) > 0 ORDER BY active_us DESC, c.id DESC LIMIT ?",
                _NO_LIMIT if limit is None else limit,
            )
        return [_conversation(row) for row in rows]

    def add_turn(self, turn: Turn) -> None:
        with self._database.writing() as session:
            session.insert(
                "turn",
                "id, conversation_id, position, prompt, created_at",
                [(turn.id, turn.conversation_id, turn.position, turn.prompt, turn.created_at)],
            )

    def turns(self, conversation_id: str, *, before: int | None = None, latest: int | None = None) -> list[Turn]:
        """In order of position: all of them, or of those before a position only the latest."""
        with self._database.reading() as session:
            rows = session.rows(
                f"{_TURNS} WHERE conversation_id = ? AND position < ? ORDER BY position DESC, id DESC LIMIT ?",
                conversation_id,
                _NO_LIMIT if before is None else before,
                _NO_LIMIT if latest is None else latest,
            )
        return [turn_from(row) for row in reversed(rows)]

    def turn(self, turn_id: str) -> Turn:
        """Raises NotFoundError."""
        with self._database.reading() as session:
            row = session.row(f"{_TURNS} WHERE id = ?", turn_id)
        if row is None:
            raise NotFoundError(f"There is no question '{turn_id}'.", "It may have been in a log that was replaced.")
        return turn_from(row)

    def asking(self, prompts: Sequence[str], origin: Origin, limit: int) -> list[list[Turn]]:
        """The turns of each conversation of this origin in which one of these was asked, the latest asked first."""
        with self._database.reading() as session:
            rows = session.rows(
                "WITH asking AS ("
                " SELECT t.conversation_id AS id, max(t.created_at) AS asked_at"
                " FROM turn t JOIN conversation c ON c.id = t.conversation_id"
                " WHERE c.origin = ? AND t.prompt IN (SELECT unnest(?::VARCHAR[]))"
                " GROUP BY t.conversation_id ORDER BY asked_at DESC, id DESC LIMIT ?)"
                " SELECT t.id, t.conversation_id, t.position, t.prompt, epoch_us(t.created_at)"
                " FROM turn t JOIN asking a ON a.id = t.conversation_id"
                " ORDER BY a.asked_at DESC, a.id DESC, t.position, t.id",
                origin.value,
                list(prompts),
                limit,
            )
        grouped = groupby(map(turn_from, rows), key=lambda turn: turn.conversation_id)
        return [list(turns) for _, turns in grouped]


def turn_from(row: Row) -> Turn:
    """(id, conversation_id, position, prompt, microseconds) as a Turn."""
    turn_id, conversation_id, position, prompt, created_us = row
    return Turn(turn_id, conversation_id, position, prompt, moment(created_us))


def _conversation(row: Row) -> Conversation:
    conversation_id, title, created_us, active_us, origin, turns = row
    return Conversation(conversation_id, title, moment(created_us), moment(active_us), Origin(origin), turns)


def _unknown(conversation_id: str) -> NotFoundError:
    return NotFoundError(f"There is no conversation '{conversation_id}'.", "List them in the app's Sessions screen.")
