"""DuckDB itself. Importing it takes 50 ms, so that only a database that is used does: the app has painted by then.

Starting DuckDB costs about 18 ms, attaching a file to one that runs about 2: so one without a file of its own is kept
for a while, and the log is attached to it and detached again. Whoever calls sees to it that one thread at a time does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import duckdb

from studio.storage.faults import a_moment, is_lock_conflict
from studio.storage.metadata_copy import MetadataCopy, mend

# Nothing is fetched from the network, and no Python variable is taken for a table.
_Config = dict[str, str | bool | int | float | list[str]]
_CONFIG: _Config = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_SANDBOX = _CONFIG | {"enable_external_access": "false"}
_KEPT = _CONFIG | {"temp_directory": ""}  # else large sorts would spill into the folder the process was started in

ATTACHED_MOST = 200
"""Of each file that was attached and detached DuckDB keeps some kilobytes until it ends; then another begins."""
# What files are attached to, and how many were; None before the first one, and after a failure.
_kept: duckdb.DuckDBPyConnection | None = None
_attached_so_far = 0

Error = duckdb.Error
CHECKPOINT = "CHECKPOINT log"
Opened = TypeVar("Opened")


@contextmanager
def attached(
    file: Path, *, read_only: bool, wait_s: float, must_fold: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, attached within the block as soon as no other process holds it.

    What was committed in the block is in the write-ahead log when it is left, and folded from there into the file.
    Where that fails it stays there until the next time, unless it `must_fold`. Raises Error, OSError.
    """
    global _kept, _attached_so_far  # noqa: PLW0603 - one thread at a time
    if _kept is None:
        _attached_so_far = 0
    kept, _kept = _kept or _started(), None
    _attached_so_far += 1
    try:
        copy = _until_free(lambda: _attach(kept, file, read_only), wait_s)
    except BaseException:
        kept.close()
        raise
    try:
        with kept.cursor() as connection:
            connection.execute("USE log")
            yield connection
        if _detached(kept, file, copy, must_fold) and _attached_so_far < ATTACHED_MOST:
            _kept = kept
    finally:
        # After a failure DuckDB may refuse all further work: the next operation starts another.
        if _kept is None:
            kept.close()
        if copy is not None:
            copy.close()


def _attach(kept: duckdb.DuckDBPyConnection, file: Path, read_only: bool) -> MetadataCopy | None:
    """Attach the file; what will keep its metadata while it is folded, where it is written and not made anew."""
    mend(file)
    copy = None if read_only or not file.exists() else MetadataCopy(file)
    name = str(file.absolute()).replace("'", "''")
    try:
        kept.execute(f"ATTACH '{name}' AS log (TYPE duckdb{', READ_ONLY' if read_only else ''})")
        if copy is not None and not copy.is_of(file):
            # A backup was put in its place before the lock was had: what is written now would be lost with the old log.
            kept.execute("DETACH log")
            raise duckdb.IOException("Could not set lock on file: another log was put in its place.")
    except BaseException:
        if copy is not None:
            copy.close()
        raise
    return copy


def _detached(kept: duckdb.DuckDBPyConnection, file: Path, copy: MetadataCopy | None, must_fold: bool) -> bool:
    """Whether what is in the write-ahead log was folded into the file, and the file let go of."""
    try:
        if file.with_name(file.name + ".wal").exists():
            if copy is not None:
                with kept.cursor() as connection:
                    connection.execute("USE log")
                    copy.make(connection)
            kept.execute(CHECKPOINT)
        kept.execute("DETACH log")
    except (duckdb.Error, OSError):
        if must_fold:
            raise
        return False
    if copy is not None:
        copy.remove()
    return True


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


def _until_free(open_file: Callable[[], Opened], wait_s: float) -> Opened:
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
    # Into the file goes what is committed when we say so, and never past the write-ahead log: see metadata_copy.
    connection.execute("SET GLOBAL checkpoint_on_detach = 'DISABLED'")
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    connection.execute("SET GLOBAL wal_autocheckpoint = '1TB'")
    connection.execute("SET GLOBAL auto_checkpoint_skip_wal_threshold = 1000000000000")
    return connection
