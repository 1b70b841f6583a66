"""DuckDB itself. Importing it takes 50 ms, so that only a database that is used does: the app has painted by then.

Starting DuckDB costs about 18 ms, attaching a file to one that runs about 2: so one without a file of its own is kept,
and the log is attached to it and detached again. Whoever calls sees to it that one thread at a time does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from studio.storage.faults import a_moment, is_lock_conflict

# Nothing is fetched from the network, and no Python variable is taken for a table.
_Config = dict[str, str | bool | int | float | list[str]]
_CONFIG: _Config = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_SANDBOX = _CONFIG | {"enable_external_access": "false"}
_KEPT = _CONFIG | {"temp_directory": ""}  # else large sorts would spill into the folder the process was started in

# What files are attached to; None before the first one, and after a failure.
_kept: duckdb.DuckDBPyConnection | None = None

Error = duckdb.Error


@contextmanager
def attached(file: Path, *, read_only: bool, wait_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, attached within the block as soon as no other process holds it. Raises Error."""
    global _kept  # noqa: PLW0603 - one thread at a time
    name = str(file.absolute()).replace("'", "''")
    attach = f"ATTACH '{name}' AS log (TYPE duckdb{', READ_ONLY' if read_only else ''})"
    kept, _kept = _kept or _started(), None
    try:
        _until_free(lambda: kept.execute(attach), wait_s)
        with kept.cursor() as connection:
            connection.execute("USE log")
            yield connection
    except BaseException:
        # After a failure DuckDB may refuse all further work: the next operation starts another.
        kept.close()
        raise
    try:
        kept.execute("DETACH log")
    except duckdb.Error:
        kept.close()  # what was committed is in the write-ahead log
    else:
        _kept = kept


@contextmanager
def sandboxed(file: Path, *, wait_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file opened for reading by a DuckDB of its own, for what is locked once stays locked. Raises Error."""
    with _until_free(lambda: duckdb.connect(file, read_only=True, config=_SANDBOX), wait_s) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        yield connection


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """What is done within the block is on disk when it is left, or none of it."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):
            connection.rollback()
        raise


def _until_free(open_file: Callable[[], duckdb.DuckDBPyConnection], wait_s: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return open_file()
        except duckdb.Error as error:
            if not is_lock_conflict(error) or time.monotonic() > deadline:
                raise
            time.sleep(a_moment())


def _started() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config=_KEPT)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection
