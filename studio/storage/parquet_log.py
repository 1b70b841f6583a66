"""A log that lies as Parquet (`studio export parquet`), made into a log again for as long as it is read.

So whatever reads logs reads it: `studio report --from`, `studio import`. The exported folder is only read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from studio.errors import StorageError
from studio.owned_folder import owned_folder
from studio.storage.database import Database
from studio.storage.export_tables import RECORDS
from studio.storage.faults import first_line, is_disk_full
from studio.storage.parquet_folders import no_exported_log
from studio.storage.schema import prepare

_RENAMED = {"correction": {"check": "conditions"}}
"""What the export calls otherwise than the log, by table of the log."""

_UNDONE = """
    INSERT INTO correction_event (correction_id, undone, created_at)
    SELECT id, e.undone, e.at FROM (SELECT id, unnest(undo_events) AS e FROM exported)
"""
# As it stood, whichever import or correction had brought it about.
_SUPERSEDED = "INSERT INTO supersession SELECT id, superseded_by, '' FROM exported WHERE superseded_by IS NOT NULL"
_FEEDBACK = """
    INSERT INTO feedback (answer_id, feedback, created_at, blind)
    SELECT id, e.feedback, e.at, e.blind FROM (SELECT id, unnest(feedback_events) AS e FROM exported)
"""
_DERIVED = {"corrections": (_UNDONE, _SUPERSEDED), "answers": (_FEEDBACK,)}
"""What the export holds in a row and the log in rows of their own. Their order is that of the events."""


def is_exported_log(folder: Path) -> bool:
    """Whether this is a folder of `studio export parquet`."""
    return (folder / "corrections.parquet").is_file()


@contextmanager
def log_of_export(folder: Path) -> Iterator[Path]:
    """The file of a log that holds what the export does; it is gone with the block.

    Lessons' vectors and which import brought what are in no export, and so not in it. Raises StorageError where the
    folder holds no exported log, a file in it is no table of one, or there is no room.
    """
    if not is_exported_log(folder):
        raise no_exported_log(folder)
    try:
        with owned_folder(Path(tempfile.gettempdir())) as place:
            file = place / "log" / "exported.duckdb"  # the owner holds the lock of the folder itself
            file.parent.mkdir()
            prepare(Database(file), before_migration=lambda: None)
            _fill(file, folder)
            yield file
    except OSError as error:
        raise StorageError(
            f"There is no room to read the exported log in {tempfile.gettempdir()} ({error.strerror}).",
            "Free some space there, or name another folder in TMPDIR.",
        ) from error


def _fill(file: Path, folder: Path) -> None:
    with duckdb.connect(file) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in RECORDS.items():
            if (exported := folder.absolute() / f"{name}.parquet").is_file():
                try:
                    _fill_table(connection, name, table, exported)
                except duckdb.Error as error:
                    if is_disk_full(error):
                        raise OSError(0, "the disk is full") from error
                    told = f"{exported} is no table of a log: {first_line(error)}"
                    raise StorageError(told, "Export the log anew.") from error


def _fill_table(connection: duckdb.DuckDBPyConnection, name: str, table: str, file: Path) -> None:
    """Columns that only one of the two has are left out, or as the log has them of old rows: versions differ."""
    quoted = str(file).replace("'", "''")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW exported AS FROM read_parquet('{quoted}')")
    there = {str(row[0]) for row in connection.execute("DESCRIBE exported").fetchall()}
    # JSON is told apart from text, so that what is none does not come in.
    kinds = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE {table}").fetchall()}
    called = {column: column for column in kinds} | {own: other for other, own in _RENAMED.get(table, {}).items()}
    both = [column for column in kinds if called[column] in there]
    chosen = ", ".join(f'"{called[column]}"::{kinds[column]} AS "{column}"' for column in both)
    connection.execute(f"INSERT INTO {table} BY NAME SELECT {chosen} FROM exported")
    for statement in _DERIVED.get(name, ()):
        connection.execute(statement)
