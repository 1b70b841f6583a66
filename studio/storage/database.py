"""The DuckDB file, open only for the length of one operation.

DuckDB lets one process hold a file for writing, or several for reading. The studio opens the file for each operation
and lets go of it at once: its own commands and the user's DuckDB get in beside the open app. A commit is on disk when
it returns, in the write-ahead log; closing folds it from there into the file.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import StorageError
from studio.storage.faults import a_moment, not_a_log, storage_error
from studio.storage.session import Session

if TYPE_CHECKING:
    import duckdb

MAGIC = b"DUCK"
MAGIC_OFFSET = 8

# One lock for the whole process: DuckDB opens a file once per process, and the umask is the process's.
_one_at_a_time = threading.Lock()
_this_thread = threading.local()


class Database:
    """One DuckDB file. Thread-safe: operations of one process run one after another.

    `wait_s` bounds how long an operation waits for another process to let go of the file. `before_use` is called
    before each operation.
    """

    def __init__(self, file: Path, *, wait_s: float = 5.0, before_use: Callable[[], None] = lambda: None) -> None:
        self.file = file
        self._wait_s = wait_s
        self._before_use = before_use

    @property
    def write_ahead_log(self) -> Path:
        return self.file.with_name(self.file.name + ".wal")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that reads. Raises StorageError."""
        if (open_session := self._open_session()) is not None:
            yield open_session
            return
        with self.connection(read_only=True) as connection:
            yield Session(connection)

    @contextmanager
    def one_look(self) -> Iterator[None]:
        """All that this thread reads within the block is read from the file opened once: nothing is written between.

        Every other operation of this process waits meanwhile. Raises StorageError.
        """
        with self.reading() as session:
            before = getattr(_this_thread, "looking", None)  # this very look, where the block is within another
            _this_thread.looking = self, session
            try:
                yield
            finally:
                _this_thread.looking = before

    def _open_session(self) -> Session | None:
        looking: tuple[Database, Session] | None = getattr(_this_thread, "looking", None)
        return looking[1] if looking and looking[0] is self else None

    @contextmanager
    def writing(self, *, new: bool = False) -> Iterator[Session]:
        """One transaction: all of it is on disk when the block is left, or none of it. Raises StorageError.

        `new` makes the file, which must not exist, and has all of it in that file.
        """
        from studio.storage.attaching import transaction

        with self.connection(read_only=False, new=new, must_fold=new) as connection, transaction(connection):
            yield Session(connection)

    def fold(self) -> None:
        """Move what a crash or a full disk left in the write-ahead log into the file. Raises StorageError."""
        with self.connection(read_only=False, must_fold=True):
            pass

    @contextmanager
    def connection(
        self, *, read_only: bool, sandboxed: bool = False, new: bool = False, must_fold: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """The opened file. Sandboxed, statements reach neither other files nor the configuration.

        Raises StorageError: held by another process, no DuckDB file, damaged, not writable, disk full.
        """
        from studio.storage import attaching

        self._before_use()
        with _alone(), _private_files():
            try:
                if not new:
                    self._refuse_foreign_file()
                if sandboxed:
                    opened = attaching.sandboxed(self.file, wait_s=self._wait_s)
                else:
                    opened = attaching.attached(
                        self.file, read_only=read_only, wait_s=self._wait_s, must_fold=must_fold
                    )
                with opened as connection:
                    yield connection
            except (attaching.Error, OSError) as error:
                raise storage_error(error, self.file) from error

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """Nobody writes the file within the block, while it is not open in DuckDB.

        Takes, for reading, the very lock DuckDB takes (fcntl on the whole file). The process's other threads are
        kept out too: POSIX drops all locks of a process on a file when the process closes it once.
        """
        self._before_use()
        with _alone():
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
                            time.sleep(a_moment())
                    yield
            except OSError as error:
                raise storage_error(error, self.file) from error

    def _refuse_foreign_file(self) -> None:
        """DuckDB would create a missing file, and fetch an extension for one of SQLite's."""
        if not self.file.is_file():
            raise StorageError(f"There is no log at {self.file}.", "Start the studio again to begin a new one.")
        with self.file.open("rb") as stream:
            if stream.read(MAGIC_OFFSET + len(MAGIC))[MAGIC_OFFSET:] != MAGIC:
                raise not_a_log(self.file, "not a DuckDB file")


@contextmanager
def _alone() -> Iterator[None]:
    """No other operation of this process is under way within the block.

    One operation within another of the same thread is a mistake in the program: opening the file anew would take it
    from the one under way, and waiting for that one would never end.
    """
    if getattr(_this_thread, "operates", False):
        raise RuntimeError("A log is open in this thread already: use its session, or leave its block first.")
    with _one_at_a_time:
        _this_thread.operates = True
        try:
            yield
        finally:
            _this_thread.operates = False


@contextmanager
def _private_files() -> Iterator[None]:
    """Files DuckDB makes within the block, the write-ahead log among them, are the user's alone (0600)."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
