"""Logs that lie as Parquet (`studio export parquet`), on shared storage or anywhere: asked together, without importing.

Each table of the export is a view over the files of its name in all folders; `folder` says which one a row is from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from studio.errors import StorageError
from studio.storage.export_tables import RECORDS
from studio.storage.faults import first_line
from studio.storage.query import Table, ask


def query_folders(folders: Sequence[Path], sql: str, *, limit: int | None = None) -> Table:
    """As `run_query`, of these folders. They are only read; no other file, and not the network, is in reach.

    Raises StorageError where a folder holds no table, or a file of another form; QueryError with DuckDB's reason.
    """
    with duckdb.connect() as connection:
        connection.execute("SET allowed_directories = $1", [[str(folder.absolute()) for folder in folders]])
        hint = f"Tables to ask: {', '.join(_make_views(connection, folders))}."
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            return ask(connection, sql, limit, hint)
        except duckdb.IOException as error:
            raise StorageError(f"A file cannot be read: {first_line(error)}", "Export the log anew.") from error


def no_exported_log(folder: Path) -> StorageError:
    """The sentence for a folder that holds none."""
    return StorageError(f"There is no exported log in {folder}.", f"Make one: studio export parquet --out {folder}")


def _make_views(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> list[str]:
    for folder in folders:
        if not any((folder / f"{name}.parquet").is_file() for name in RECORDS):
            raise no_exported_log(folder)
    made = []
    for name in RECORDS:
        files = [file for folder in folders if (file := folder.absolute() / f"{name}.parquet").is_file()]
        if not files:
            continue
        # union_by_name: logs of other versions have other columns.
        listed = ", ".join(_quoted(str(file)) for file in files)
        read = f"read_parquet([{listed}], union_by_name = true, filename = 'folder')"
        try:
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * REPLACE (parse_filename(parse_path(folder)[-2]) AS folder) FROM {read}"
            )
        except duckdb.Error as error:
            raise StorageError(
                f"{name}.parquet is no table of a log: {first_line(error)}", "Export the log anew."
            ) from error
        made.append(name)
    return made


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
