"""A backup beside the log: what would be lost and what would come back, counted before anything is done."""

from __future__ import annotations

from pathlib import Path

from studio.domain.restoring import Difference, Restoration
from studio.errors import StorageError
from studio.storage.database import Database
from studio.storage.faults import DamagedLogError
from studio.storage.session import Session

# What a row is, and how it stands where that may have changed: the same in every version of the log.
_KINDS: tuple[tuple[str, str], ...] = (
    (
        "corrections",
        (
            "SELECT c.id, coalesce(e.undone, false) FROM correction c LEFT JOIN"
            " (SELECT correction_id, arg_max(undone, seq) AS undone FROM correction_event GROUP BY correction_id) e"
            " ON e.correction_id = c.id"
        ),
    ),
    ("lessons", "SELECT id, revision FROM lesson"),
    ("questions", "SELECT id, 0 FROM turn"),
    ("answers", "SELECT id, 0 FROM answer"),
    ("nights", "SELECT id, state FROM night"),
    ("adapters", "SELECT id, scale FROM adapter"),
)
_Standing = dict[str, dict[str, object]]


def compare(present: Database, backup: Database) -> Restoration:
    """What would change in the present log, which may be missing or damaged; both are only read.

    Raises StorageError where the backup cannot be read, or the present log is held by another program.
    """
    then = _standing(backup)
    fault = ""
    now: _Standing = {kind: {} for kind in then}
    if present.file.exists():
        try:
            now = _standing(present)
        except DamagedLogError as error:
            fault = error.message
    return Restoration(tuple(_difference(kind, now[kind], then[kind]) for kind in then), fault)


def _difference(kind: str, now: dict[str, object], then: dict[str, object]) -> Difference:
    return Difference(
        kind,
        lost=len(now.keys() - then.keys()),
        back=len(then.keys() - now.keys()),
        otherwise=sum(now[one] != then[one] for one in now.keys() & then.keys()),
    )


def _standing(database: Database) -> _Standing:
    # Sandboxed: a backup may come from anywhere, and what is a table here may be a view there.
    with database.connection(read_only=True, sandboxed=True) as connection:
        session = Session(connection)
        return {kind: {str(one): how for one, how in session.rows(query)} for kind, query in _KINDS}


def count_corrections(file: Path) -> int:
    """How many corrections a backup holds. Raises StorageError."""
    with Database(file).connection(read_only=True, sandboxed=True) as connection:
        row = Session(connection).row("SELECT count(*) FROM correction")
    if row is None:
        raise StorageError(f"{file} holds no corrections.", "Choose another backup.")
    return int(row[0])
