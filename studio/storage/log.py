"""The user's log: one store per aggregate over one DuckDB file, its backups and its check."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from studio.errors import NotFoundError, StorageError
from studio.storage.backups import BackupFolder
from studio.storage.database import Database
from studio.storage.faults import DamagedLogError
from studio.storage.inspection import findings, read_whole
from studio.storage.schema import prepare, shipped_migrations, version_of
from studio.storage.stores import Stores
from studio.storage.views import faulty_views, rebuild_views

if TYPE_CHECKING:
    from studio.domain.exports import Choosable, Selection
    from studio.domain.restoring import Restoration
    from studio.domain.stores import LogCopy
    from studio.workspace import Workspace


class DuckDbLog(Stores):
    """Implements domain.stores.Log. Thread-safe; holds nothing open between operations.

    Making one costs nothing; the first operation opens it. Every operation raises StorageError where the file cannot be
    opened, is held by another process for longer than `wait_s`, damaged, or cannot be written.
    """

    def __init__(self, file: Path, backups: Path, *, wait_s: float = 5.0) -> None:
        self._unprepared = Database(file, wait_s=wait_s)
        self._backups = BackupFolder(self._unprepared, backups)
        self._opening = threading.Lock()
        self._is_open = False
        self._refusal: StorageError | None = None
        super().__init__(Database(file, wait_s=wait_s, before_use=self.open))

    @classmethod
    def of(cls, workspace: Workspace) -> Self:
        """The log of a workspace."""
        return cls(workspace.log_file, workspace.backups)

    def open(self) -> None:
        """Make the file where there is none, and migrate an older one, with a backup before each step.

        Raises StorageError: no log of the studio, damaged, written by a newer studio, not writable, held by another.
        What could not be opened is not tried again: whoever waited for it is told the same at once.
        """
        with self._opening:
            if self._refusal is not None:
                raise StorageError(self._refusal.message, self._refusal.hint) from self._refusal
            if self._is_open:
                return
            try:
                prepare(self._unprepared, before_migration=self._backups.take)
            except StorageError as error:
                self._refusal = error
                raise
            self.bring()
            self._is_open = True

    def one_look(self) -> AbstractContextManager[None]:
        """What this thread reads within the block is read at once, of one state; nothing can be written in it."""
        return self._database.one_look()

    def query(self, sql: str, *, limit: int | None = None) -> tuple[list[str], list[tuple[object, ...]]]:
        """Run one read-only statement; returns column names and rows. Raises StorageError with the reason."""
        from studio.storage.query import run_query

        return run_query(self._database, sql, limit)

    def copy_out(self, selection: Selection, folder: Path, *, whole: bool, most: int | None = None) -> LogCopy:
        """Copy the chosen corrections into `folder`, which exists; `whole` copies also the rest of the log. With `most`
        only so many of them, the oldest, and nothing else."""
        from studio.storage.exporting import copy_out

        return copy_out(self._database, selection, folder, whole=whole, most=most)

    def choosable(self) -> Choosable:
        """What corrections can be chosen by."""
        from studio.storage.choosable import choosable

        return choosable(self._database)

    def backup(self) -> Path:
        """Make a verified copy of the log in the backups folder and thin out older ones."""
        self.open()
        return self._backups.take()

    def backup_if_older(self, than: timedelta) -> Path | None:
        """A backup as `backup` makes it, if the newest is older than this and the log has changed since; else None."""
        self.open()
        return self._backups.take_if_older(than)

    def backups(self) -> list[Path]:
        """Newest first."""
        return self._backups.all()

    def restore(self, file: Path) -> None:
        """Put a backup in the log's place, after backing up what is there."""
        self.open()
        self._backups.restore(file)

    def check(self) -> list[str]:
        """What is wrong with the log, one sentence each; empty where all is well."""
        return findings(self._database)

    def faulty_views(self) -> list[str]:
        """The names of views that are missing, or are not what the studio made."""
        return faulty_views(self._database)

    def rebuild_views(self) -> None:
        """Make every view anew; no table is touched."""
        rebuild_views(self._database)

    def newest_good_backup(self) -> Path | None:
        """The newest backup that can be read to its last block; None where there is none."""
        return self._backups.newest_good()


def restore_log(file: Path, backups: Path, backup: Path) -> None:
    """Put a backup in the log's place even where the log there cannot be opened: that one is set aside in `backups`.

    Raises StorageError, the log unchanged, where the backup is not a log this studio can read.
    """
    BackupFolder(Database(file), backups).restore(backup)


def preview_restore(file: Path, backup: Path) -> Restoration:
    """What `restore_log` would change in the log, even where that cannot be opened; both files are only read.

    Raises NotFoundError, StorageError where the backup is not a log, or the log is held by another program.
    """
    from studio.storage.comparing import compare

    if not backup.is_file():
        raise NotFoundError(
            f"There is no file {backup} to restore.", "`studio restore` without a file lists the backups."
        )
    return compare(Database(file), Database(backup))


def known_backups(file: Path, backups: Path) -> list[tuple[Path, int | None]]:
    """The backups of a log, newest first, and how many corrections each holds; None where it cannot be read."""
    from studio.storage.comparing import count_corrections

    known: list[tuple[Path, int | None]] = []
    for backup in BackupFolder(Database(file), backups).all():
        try:
            known.append((backup, count_corrections(backup)))
        except StorageError:
            known.append((backup, None))
    return known


def newest_good_backup(file: Path, backups: Path) -> Path | None:
    """The newest backup of a log that can be read to its last block; None where there is none."""
    return BackupFolder(Database(file), backups).newest_good()


def set_damaged_log_aside(file: Path, backups: Path) -> Path | None:
    """Move a log that cannot be read among the backups and say where to; None where it can be, or there is none.

    Raises StorageError where it may be whole: held by another program, or written by a newer studio.
    """
    if not file.exists():
        return None
    try:
        version = version_of(Database(file))
        if version <= len(shipped_migrations()):
            read_whole(Database(file))
    except DamagedLogError:
        return BackupFolder(Database(file), backups).set_aside()
    return None


def check_log(file: Path) -> list[str]:
    """What is wrong with a log, one sentence each, even where it cannot be opened; nothing is made or migrated."""
    return findings(Database(file))
