"""What was chosen of the log, copied out as Parquet by DuckDB in one operation and read from there as often as need be.

So the log is open only while it is copied, whatever is made of it and however long that takes; and all that is made of
one copy fits together. Rows are ordered by their time and id: the same log gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from studio.domain.exports import LOSSLESS_VERSION, CorrectionRow, Selection, holds_words
from studio.errors import StorageError
from studio.storage.database import Database
from studio.storage.export_tables import (
    CHOSEN,
    CORRECTIONS_OF_CHOSEN,
    FIRST_OF_CHOSEN,
    FIRST_OF_ITS_OWN,
    RECORDS,
    TABLES,
    TIME,
    VECTORS,
    rows_of,
    tables_of,
)
from studio.storage.faults import first_line, is_disk_full, storage_error

BATCH_ROWS = 2048
MOST_VECTORS = 20_000
"""Comparing each with each costs the square; beyond this many corrections no vectors are handed out."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_SILENT = "SET enable_progress_bar = false"  # after two seconds it would be printed amid the output; of one connection
_MEMORY = "400MB"  # what does not fit spills beside the copy
_JSON = ("history", "check", "given", "messages", "conditions", "config", "metrics")


class LogCopy:
    """Implements domain.stores.LogCopy: Parquet files in a folder, by the name of their table."""

    def __init__(self, folder: Path, counts: dict[str, int]) -> None:
        self._folder = folder
        self._connection = duckdb.connect(config=_CONFIG)
        _bound(self._connection, folder)
        self.counts = counts

    def close(self) -> None:
        self._connection.close()

    def file(self, table: str) -> Path:
        return self._folder / f"{table}.parquet"

    def lines(
        self, table: str, screen: str, *, suspects_only: bool = False, most: int | None = None
    ) -> Iterator[list[tuple[str, bool]]]:
        """Batches of the rows as JSON, and whether what is written in them matches `screen`, a pattern of RE2's."""
        with self._cursor() as connection:
            names_and_types = connection.execute("DESCRIBE FROM read_parquet($1)", [str(self.file(table))]).fetchall()
            fields = ", ".join(f'"{name}" := {_as_json(name, kind)}' for name, kind, *_ in names_and_types)
            words = _words([(name, kind) for name, kind, *_ in names_and_types])
            envelope = f"format_version := {LOSSLESS_VERSION}, record := '{RECORDS[table]}'"
            rows = f"SELECT to_json(struct_pack({envelope}, {fields}))::VARCHAR, {words} AS suspect FROM {_first(most)}"
            yield from self._batches(connection, rows, table, screen, suspects_only)

    def corrections(
        self, screen: str, *, suspects_only: bool = False, most: int | None = None
    ) -> Iterator[list[CorrectionRow]]:
        """Batches of the corrections, oldest first; suspect where a text of theirs matches `screen`."""
        columns = ("prompt", "original", "corrected", "history", "rationale", "labels", "system")
        words = _words([(column, "VARCHAR[]" if column == "labels" else "VARCHAR") for column in columns])
        rows = (
            "SELECT id, coalesce(conversation_id, id), prompt, original, corrected, history, rationale, labels, arm,"
            " origin, coalesce(nullif(model_name, ''), model_sha256), system,"
            f" strftime(created_at, {TIME}), {words} AS suspect FROM {_first(most)}"
        )
        with self._cursor() as connection:
            for batch in self._batches(connection, rows, "corrections", screen, suspects_only):
                yield list(map(CorrectionRow._make, batch))

    def summary(self) -> dict[str, dict[str, int]]:
        """How many corrections there are by label, arm, model, origin, state, day, and with messages before them."""
        counted = {
            "label": "unnest(labels)",
            "arm": "arm",
            "model": "coalesce(nullif(model_name, ''), model_sha256)",
            "origin": "origin",
            "state": "CASE WHEN undone THEN 'undone' WHEN superseded_by IS NULL THEN 'in force' ELSE 'superseded' END",
            "messages before": "CASE WHEN history = '[]' THEN 'none' ELSE 'some' END",
            "day": "strftime(created_at, '%Y-%m-%d')",
        }
        with self._cursor() as connection:
            return {
                name: dict(
                    connection.execute(
                        f"SELECT value, count(*) FROM (SELECT {value} AS value FROM read_parquet($1))"
                        " WHERE value IS NOT NULL GROUP BY value ORDER BY value",
                        [str(self.file("corrections"))],
                    ).fetchall()
                )
                for name, value in counted.items()
            }

    def vectors(self) -> list[tuple[str, list[float]]]:
        """Of the questions, by the id of their correction, as far as one embedder made them."""
        with self._cursor() as connection:
            file = str(self.file("vectors"))
            return connection.execute("FROM read_parquet($1) ORDER BY id", [file]).fetchall()

    def rewrite(self, table: str, lines: Iterable[bytes]) -> None:
        """Put other rows of the same columns in the place of a table's file; `lines` are JSON as `lines` gives it."""
        draft = self._folder / f"{table}.jsonl"
        with draft.open("wb") as out:
            out.writelines(lines)
        with self._cursor() as connection:
            old = connection.execute("DESCRIBE FROM read_parquet($1)", [str(self.file(table))]).fetchall()
            columns = ", ".join(f"'{name}': '{'JSON' if name in _JSON else kind}'" for name, kind, *_ in old)
            chosen = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind, *_ in old)
            rows = f"SELECT {chosen} FROM read_json('{_quoted(draft)}', format = 'nd', columns = {{{columns}}})"
            _copy(connection, rows, self.file(table))
        draft.unlink()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._connection.cursor()
        cursor.execute(_SILENT)
        return cursor

    def _batches(
        self, connection: duckdb.DuckDBPyConnection, rows: str, table: str, screen: str, suspects_only: bool
    ) -> Iterator[list[tuple[str, bool]]]:
        if suspects_only:
            rows = f"FROM ({rows}) WHERE suspect"
        cursor = connection.execute(rows, {"file": str(self.file(table)), "screen": screen})
        while batch := cursor.fetchmany(BATCH_ROWS):
            yield batch


def copy_out(
    database: Database, selection: Selection, folder: Path, *, whole: bool, most: int | None = None
) -> LogCopy:
    """Copy the chosen corrections into `folder`, which exists; `whole` copies also the rest of the log. With `most`
    only so many of them, the oldest, and nothing else.

    Raises StorageError: as every operation on the log, or `folder` cannot be written.
    """
    if most is not None:
        with database.connection(read_only=True) as connection:
            counts = _copy_first(connection, selection, folder, most)
        return LogCopy(folder, counts)
    try:
        # A DuckDB of its own: what a large log needs to be sorted spills into `folder`.
        with database.held_still(), duckdb.connect(database.file, read_only=True, config=_CONFIG) as connection:
            _bound(connection, folder)
            return LogCopy(folder, _copy_chosen(connection, selection, folder, whole=whole))
    except duckdb.Error as error:
        raise storage_error(error, database.file) from error


def _copy_first(connection: duckdb.DuckDBPyConnection, selection: Selection, folder: Path, most: int) -> dict[str, int]:
    values = _values(selection) | {"most": most}
    if selection.sessions or selection.models:
        connection.execute(FIRST_OF_CHOSEN, values)
    else:
        del values["sessions"], values["models"]
        connection.execute(FIRST_OF_ITS_OWN, values)
    corrections = TABLES[0]
    rows = f"FROM ({CORRECTIONS_OF_CHOSEN}) ORDER BY {corrections.order}"
    return {corrections.name: _copy(connection, rows, folder / f"{corrections.name}.parquet")}


def _values(selection: Selection) -> dict[str, object]:
    """What CHOSEN asks for."""
    return {
        "sessions": list(selection.sessions),
        "labels": list(selection.labels),
        "arms": list(selection.arms),
        "models": list(selection.models),
        "since": selection.since,
        "until": selection.until,
        "superseded": selection.superseded,
        "undone": selection.undone,
    }


def _copy_chosen(
    connection: duckdb.DuckDBPyConnection, selection: Selection, folder: Path, *, whole: bool
) -> dict[str, int]:
    connection.execute(CHOSEN, _values(selection))
    # Left joins as they are written, by one thread, keep the order of what is on their left.
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    connection.execute("SET threads = 1")
    counts = {}
    for table in tables_of(selection, whole):
        file = folder / f"{table.name}.parquet"
        counts[table.name] = _copy_in_order(connection, rows_of(table, selection), table.order, file)
    few = counts["corrections"] <= MOST_VECTORS
    _copy(connection, VECTORS if few else f"FROM ({VECTORS}) LIMIT 0", folder / "vectors.parquet")
    return counts


def _copy_in_order(connection: duckdb.DuckDBPyConnection, rows: str, order: str, file: Path) -> int:
    """Rows were appended as time went on and mostly come in order: sorting them costs more than all else, so it is done
    only where they do not.
    """
    count = _copy(connection, rows, file)
    in_order = connection.execute(
        f"SELECT bool_and(before IS NULL OR before <= here) FROM (SELECT here, lag(here) OVER () AS before"
        f" FROM (SELECT row({order}) AS here FROM read_parquet('{_quoted(file)}')))"
    ).fetchone()
    if in_order == (False,):
        _copy(connection, f"{rows} ORDER BY {order}", file)
    return count


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, file: Path) -> int:
    columns = connection.execute(f"DESCRIBE {rows}").fetchall()
    # JSON as text, which every reader of Parquet knows.
    plain = ", ".join(f'"{name}"::VARCHAR AS "{name}"' if kind == "JSON" else f'"{name}"' for name, kind, *_ in columns)
    try:
        rows = f"SELECT {plain} FROM ({rows})"
        copied = connection.execute(f"COPY ({rows}) TO '{_quoted(file)}' (FORMAT parquet)").fetchone()
    except duckdb.Error as error:
        if is_disk_full(error):
            raise StorageError(
                "The disk is full: there is no room for a copy of the log.", "Free some space or choose another place."
            ) from error
        if isinstance(error, duckdb.IOException) and str(file.parent) in str(error):
            raise StorageError(f"{file} could not be written: {first_line(error)}", "Choose another folder.") from error
        raise
    return int(copied[0]) if copied else 0


def _bound(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.execute(_SILENT)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{_MEMORY}'")
    connection.execute(f"SET temp_directory = '{_quoted(folder / 'spill')}'")


def _first(most: int | None) -> str:
    return "read_parquet($file)" if most is None else f"(FROM read_parquet($file) LIMIT {most})"


def _as_json(name: str, kind: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f'strftime("{name}", {TIME})'
    if kind == "DOUBLE":  # JSON has no infinities
        return f'CASE WHEN isfinite("{name}") THEN "{name}" END'
    return f'"{name}"::JSON' if name in _JSON else f'"{name}"'


def _words(columns: Sequence[tuple[str, str]]) -> str:
    """An expression: does any text in these columns match $screen?"""
    texts = [
        f"array_to_string(\"{name}\", ' ')" if kind == "VARCHAR[]" else f'"{name}"'
        for name, kind in columns
        if kind in ("VARCHAR", "VARCHAR[]") and holds_words(name)
    ]
    return f"regexp_matches(concat_ws(chr(10), {', '.join(texts) or chr(39) * 2}), $screen)"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
