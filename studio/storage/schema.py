"""The shape of the log: numbered migrations, forward only, each in one transaction.

Each `migrations/NNNN_name.sql` takes the log from version NNNN-1 to NNNN; the table schema_version says which were
applied. A shipped migration is never edited again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from studio import __version__
from studio.domain.identity import new_id
from studio.durable import sync_folder
from studio.errors import StorageError
from studio.owned_folder import alone_in, owned_folder
from studio.storage.database import Database
from studio.storage.faults import not_a_log, storage_error
from studio.storage.metadata_copy import copy_beside
from studio.storage.session import Session


@dataclass(frozen=True, slots=True)
class Migration:
    """The SQL that makes a log of `version` out of one of `version - 1`."""

    version: int
    name: str
    sql: str


@cache
def shipped_migrations() -> tuple[Migration, ...]:
    """The migrations of this studio, in order."""
    files = (f for f in resources.files("studio.storage").joinpath("migrations").iterdir() if f.name.endswith(".sql"))
    return tuple(
        Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in sorted(files, key=lambda file: file.name)
    )


def version_of(database: Database) -> int:
    """The version of the log. Raises StorageError where the file is no log of the studio."""
    with database.reading() as session:
        return _version(session, database.file)


def prepare(
    database: Database,
    before_migration: Callable[[], object],
    migrations: Sequence[Migration] | None = None,
) -> None:
    """Make the log, or bring it to the newest version; `before_migration` is called before each step, to back up.

    Raises StorageError: no log of the studio, damaged, written by a newer studio, not writable, held by another.
    """
    steps = shipped_migrations() if migrations is None else migrations
    if not os.path.lexists(database.file):
        _create(database.file, steps)
    version = version_of(database)
    if version > len(steps):
        raise StorageError(
            f"The log {database.file} was written by a newer studio"
            f" (log version {version}, this one knows {len(steps)}).",
            "Update the studio: pip install --upgrade correction-studio",
        )
    for step in steps[version:]:
        before_migration()
        with database.writing() as session:
            # Another process may have taken the step while this one made the backup.
            if _version(session, database.file) < step.version:
                _apply(session, step)


def _create(file: Path, steps: Sequence[Migration]) -> None:
    """Make the log aside and put it in place whole, so that a crash leaves either no log or a good one."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with owned_folder(file.parent) as folder:
            draft = folder / file.name
            _fill(draft, steps)
            draft.chmod(0o600)
            place(draft, file)
    except OSError as error:
        raise storage_error(error, file) from error


def _fill(draft: Path, steps: Sequence[Migration]) -> None:
    with Database(draft).writing(new=True) as session:
        session.execute(
            "CREATE TABLE schema_version (version INTEGER NOT NULL, name VARCHAR NOT NULL,"
            " applied_at TIMESTAMPTZ NOT NULL, studio_version VARCHAR NOT NULL)"
        )
        for step in steps:
            _apply(session, step)


def place(draft: Path, file: Path) -> bool:
    """Move the draft to its place, on disk when this returns; False where another process was first.

    What waits for a log that somebody took away fits no other: it is set aside. Raises OSError.
    """
    with alone_in(file.parent):
        if file.exists():
            return False
        for waiting in (file.with_name(file.name + ".wal"), copy_beside(file)):
            if waiting.exists():
                waiting.rename(file.with_name(f"{waiting.name}.left-alone-{new_id()}"))
        draft.rename(file)
        sync_folder(file.parent)
        return True


def _apply(session: Session, step: Migration) -> None:
    session.execute(step.sql)
    session.execute("INSERT INTO schema_version VALUES (?, ?, now(), ?)", step.version, step.name, __version__)


def _version(session: Session, file: Path) -> int:
    known = session.row(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_version' AND database_name = current_database()"
    )
    if known is None:
        raise not_a_log(file, "a DuckDB file of something else")
    row = session.row("SELECT max(version) FROM schema_version")
    if row is None or row[0] is None:
        raise not_a_log(file, "its version is missing")
    return int(row[0])
