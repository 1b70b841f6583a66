"""What corrections can be chosen by: the sessions, labels, arms and models there are, with their numbers."""

from __future__ import annotations

from studio.domain.exports import Choosable, ChoosableSession
from studio.storage.database import Database
from studio.storage.session import Session

_SESSIONS = """
    SELECT v.id, v.title, count(*) FROM correction c
    JOIN turn t ON t.id = c.turn_id JOIN conversation v ON v.id = t.conversation_id
    GROUP BY v.id, v.title, v.created_at ORDER BY v.created_at DESC, v.id DESC
"""
_COUNTED = {
    "labels": "SELECT unnest(labels) AS value FROM correction",
    "arms": "SELECT arm AS value FROM correction",
    "models": """
        SELECT coalesce(nullif(a.given->>'$.model_name', ''), a.given->>'$.model_sha256') AS value
        FROM correction c JOIN answer a ON a.id = c.answer_id
    """,
}


def choosable(database: Database) -> Choosable:
    """Of all corrections, also those superseded or undone. Raises StorageError."""
    with database.reading() as session:
        days = session.row(
            "SELECT count(*), strftime(min(created_at), '%Y-%m-%d'), strftime(max(created_at), '%Y-%m-%d')"
            " FROM correction"
        )
        count, first, last = days or (0, None, None)
        return Choosable(
            corrections=count,
            first_day=first or "",
            last_day=last or "",
            sessions=tuple(ChoosableSession(*row) for row in session.rows(_SESSIONS)),
            labels=_counted(session, "labels"),
            arms=_counted(session, "arms"),
            models=_counted(session, "models"),
        )


def _counted(session: Session, what: str) -> dict[str, int]:
    rows = session.rows(
        f"SELECT value, count(*) FROM ({_COUNTED[what]}) WHERE nullif(value, '') IS NOT NULL"
        " GROUP BY value ORDER BY count(*) DESC, value"
    )
    return dict(rows)
