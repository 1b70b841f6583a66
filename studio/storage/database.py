"""The DuckDB file, open only for the length of one operation.

DuckDB lets one process hold a file for writing, or several for reading. The studio opens the file for each operation
and lets go of it at once: its own commands and the user's DuckDB get in beside the open app. A commit is on disk when
it returns; closing moves it from the write-ahead log into the file.

Starting DuckDB costs about 18 ms, attaching a file to one that runs about 2: so one without a file of its own is kept,
and the log is attached to it and detached again.
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from studio.errors import StorageError
from studio.storage.faults import is_lock_conflict, not_a_log, storage_error
from studio.storage.session import Session

MAGIC = b"DUCK"
MAGIC_OFFSET = 8

# One lock for the whole process: DuckDB opens a file once per process, and the umask is the process's.
_one_at_a_time = threading.RLock()

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


class Database:
    """One DuckDB file. Thread-safe: operations of one process run one after another.

    `wait_s` bounds how long an operation waits for another process to let go of the file.
    """

    def __init__(self, file: Path, *, wait_s: float = 5.0) -> None:
        self.file = file
        self._wait_s = wait_s

    @property
    def write_ahead_log(self) -> Path:
        return self.file.with_name(self.file.name + ".wal")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that reads. Raises StorageError."""
        with self.connection(read_only=True) as connection:
            yield Session(connection)

    @contextmanager
    def writing(self, *, new: bool = False) -> Iterator[Session]:
        """One transaction: all of it is on disk when the block is left, or none of it. Raises StorageError.

        `new` makes the file, which must not exist.
        """
        with self.connection(read_only=False, new=new) as connection:
            connection.begin()
            try:
                yield Session(connection)
                connection.commit()
            except BaseException:
                with suppress(duckdb.Error):
                    connection.rollback()
                raise

    @contextmanager
    def connection(
        self, *, read_only: bool, sandboxed: bool = False, new: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """The opened file. Sandboxed, statements reach neither other files nor the configuration.

        Raises StorageError: held by another process, no DuckDB file, damaged, not writable, disk full.
        """
        with _one_at_a_time, _private_files():
            try:
                if not new:
                    self._refuse_foreign_file()
                with self._sandboxed() if sandboxed else self._attached(read_only=read_only) as connection:
                    yield connection
            except (duckdb.Error, OSError) as error:
                raise storage_error(error, self.file) from error

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """Nobody writes the file within the block, while it is not open in DuckDB.

        Takes, for reading, the very lock DuckDB takes (fcntl on the whole file). The process's other threads are
        kept out too: POSIX drops all locks of a process on a file when the process closes it once.
        """
        with _one_at_a_time:
            deadline = time.monotonic() + self._wait_s
            try:
                with self.file.open("rb") as stream:
                    while True:
                        try:
                            fcntl.lockf(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
                            break
                        except BlockingIOError as error:
                            if time.monotonic() > deadline:
                                raise StorageError(
                                    f"The log {self.file} is held by another program.", "Close it there and try again."
                                ) from error
                            _pause()
                    yield
            except OSError as error:
                raise storage_error(error, self.file) from error

    @contextmanager
    def _attached(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        global _kept  # noqa: PLW0603 - guarded by _one_at_a_time
        file = str(self.file.absolute()).replace("'", "''")
        attach = f"ATTACH '{file}' AS log (TYPE duckdb{', READ_ONLY' if read_only else ''})"
        kept, _kept = _kept or _started(), None
        try:
            self._until_free(lambda: kept.execute(attach))
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
    def _sandboxed(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file opened for reading by a DuckDB of its own, for what is locked once stays locked."""
        with self._until_free(lambda: duckdb.connect(self.file, read_only=True, config=_SANDBOX)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET lock_configuration = true")
            yield connection

    def _until_free(self, open_file: Callable[[], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        """Open the file as soon as no other process holds it, within `wait_s`."""
        deadline = time.monotonic() + self._wait_s
        while True:
            try:
                return open_file()
            except duckdb.Error as error:
                if not is_lock_conflict(error) or time.monotonic() > deadline:
                    raise
                _pause()

    def _refuse_foreign_file(self) -> None:
        """DuckDB would create a missing file, and fetch an extension for one of SQLite's."""
        if not self.file.is_file():
            raise StorageError(f"There is no log at {self.file}.", "Start the studio again to begin a new one.")
        with self.file.open("rb") as stream:
            if stream.read(MAGIC_OFFSET + len(MAGIC))[MAGIC_OFFSET:] != MAGIC:
                raise not_a_log(self.file, "not a DuckDB file")


def _started() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config=_KEPT)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


@contextmanager
def _private_files() -> Iterator[None]:
    """Files DuckDB makes within the block, the write-ahead log among them, are the user's alone (0600)."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _pause() -> None:
    """Wait shortly, and not in step with whoever else waits."""
    time.sleep(random.uniform(0.005, 0.03))  # noqa: S311 (no secret depends on it)
