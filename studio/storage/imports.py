"""Imports of corrections: each written in one transaction, and taken back in one; and the reading of another log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from studio.domain.imports import Additions, Import, Logged, UndoEvent
from studio.errors import NotFoundError, StorageError, UsageError
from studio.storage.corrections import CORRECTION_COLUMNS, CORRECTIONS, correction_from, correction_row, state_of
from studio.storage.database import Database
from studio.storage.faults import not_a_log
from studio.storage.schema import shipped_migrations, version_of
from studio.storage.session import Row, Session, moment

_ALL = """
    SELECT id, source, format, epoch_us(created_at), corrections, epoch_us(undone_at)
    FROM imports ORDER BY created_at DESC, id DESC
"""
_LATEST_EVENT = """
    SELECT correction_id, arg_max(undone, seq) AS undone, arg_max(created_at, seq) AS created_at
    FROM correction_event GROUP BY correction_id
"""


class ImportTable:
    """Implements domain.ports.ImportStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self) -> str:
        """Changes whenever a correction is added, undone or reinstated, by whichever process."""
        with self._database.reading() as session:
            return state_of(session)

    def add(self, made: Import, additions: Additions, state: str) -> bool:
        """Write the import whole; False, and nothing, where the log is no longer in the `state` it was made for."""
        with self._database.writing() as session:
            if state_of(session) != state:
                return False
            session.insert(
                "correction_import",
                "id, source, format, created_at",
                [(made.id, made.source, made.format, made.created_at)],
            )
            session.insert(
                "correction", CORRECTION_COLUMNS, [correction_row(one.correction) for one in additions.corrections]
            )
            events = [(one.correction.id, e.undone, e.at) for one in additions.corrections for e in one.undo_events]
            events += [(one, False, made.created_at) for one in additions.reinstated]
            session.insert("correction_event", "correction_id, undone, created_at", events)
            links = [(replaced, replacing, made.id) for replaced, replacing in additions.superseded]
            session.insert("supersession", "replaced, replacing, import_id", links)
            ids = [one.correction.id for one in additions.corrections] + list(additions.reinstated)
            session.insert("imported_correction", "import_id, correction_id", [(made.id, one) for one in ids])
            return True

    def all(self) -> list[Import]:
        """Newest first, those taken back among them."""
        with self._database.reading() as session:
            rows = session.rows(_ALL)
        return [
            Import(import_id, source, form, moment(created_us), corrections, moment(undone_us) if undone_us else None)
            for import_id, source, form, created_us, corrections, undone_us in rows
        ]

    def undo(self, import_id: str, at: datetime) -> list[str]:
        """Undo those of its corrections that are not undone yet; returns their ids.

        Raises NotFoundError; UsageError where it was taken back before.
        """
        with self._database.writing() as session:
            if session.row("SELECT 1 FROM correction_import WHERE id = ?", import_id) is None:
                raise NotFoundError(f"There is no import '{import_id}' in the log.", "See: studio import --list")
            if session.row("SELECT 1 FROM import_undo WHERE import_id = ?", import_id) is not None:
                raise UsageError("This import was taken back before.", "Import the file once more to bring it back.")
            rows = session.rows(
                f"SELECT m.correction_id FROM imported_correction m"
                f" LEFT JOIN ({_LATEST_EVENT}) e ON e.correction_id = m.correction_id"
                " WHERE m.import_id = ? AND NOT coalesce(e.undone, false) ORDER BY m.correction_id",
                import_id,
            )
            session.insert("import_undo", "import_id, created_at", [(import_id, at)])
            session.insert(
                "correction_event", "correction_id, undone, created_at", [(one, True, at) for (one,) in rows]
            )
        return [one for (one,) in rows]

    def taken_back(self) -> set[str]:
        """Ids of corrections that are undone because their import was, and not by themselves."""
        with self._database.reading() as session:
            rows = session.rows(
                f"SELECT DISTINCT m.correction_id FROM imported_correction m"
                f" JOIN import_undo u ON u.import_id = m.import_id"
                f" JOIN ({_LATEST_EVENT}) e ON e.correction_id = m.correction_id"
                " WHERE e.undone AND e.created_at = u.created_at"
            )
        return {one for (one,) in rows}

    def read_log(self, file: Path, most: int) -> list[Logged]:
        """The corrections of another log, oldest first; that log is opened for reading, out of reach of all else.

        `file` may be a folder of `studio export parquet`. Raises UsageError where it holds more than `most` or is this
        very log, StorageError where it cannot be read.
        """
        if file.is_dir():
            from studio.storage.parquet_log import log_of_export

            with log_of_export(file) as made:
                return self.read_log(made, most)
        if file.exists() and self._database.file.exists() and file.samefile(self._database.file):
            raise UsageError(f"{file} is the log of this workspace itself.", "Name the other log.")
        newest = len(shipped_migrations())
        other = Database(file)
        if (version := version_of(other)) > newest:
            raise StorageError(
                f"{file} was written by a newer studio (log version {version}, this one knows {newest}).",
                "Update the studio: pip install --upgrade correction-studio",
            )
        try:
            with other.connection(read_only=True, sandboxed=True) as connection:
                session = Session(connection)
                count = session.row("SELECT count(*) FROM correction")
                if count is not None and count[0] > most:
                    raise UsageError(
                        f"{file} holds {count[0]:,} corrections, more than the {most:,} that one import can take.",
                        "Export it in parts (`studio export jsonl --since ...`), and import these.",
                    )
                return _logged(session)
        except (ValueError, TypeError) as error:
            raise not_a_log(file, "a correction in it cannot be read") from error


def _logged(session: Session) -> list[Logged]:
    events: dict[str, list[UndoEvent]] = {}
    for correction_id, undone, at_us in session.rows(
        "SELECT correction_id, undone, epoch_us(created_at) FROM correction_event ORDER BY seq"
    ):
        events.setdefault(correction_id, []).append(UndoEvent(undone, moment(at_us)))
    rows: list[Row] = session.rows(f"{CORRECTIONS} ORDER BY c.created_at, c.id")
    return [Logged(one, tuple(events.get(one.id, ()))) for one in map(correction_from, rows)]
