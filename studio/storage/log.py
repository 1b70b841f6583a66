"""The user's log: one store per aggregate over one DuckDB file, its backups and its check."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from studio.domain.exports import Choosable, Selection
from studio.domain.ports import (
    AdapterStore,
    AnswerStore,
    ConversationStore,
    CorrectionStore,
    ImportStore,
    LessonStore,
    LogCopy,
    NightStore,
    ProbeStore,
)
from studio.errors import StorageError
from studio.storage.adapters import AdapterTable
from studio.storage.answers import AnswerTable
from studio.storage.backups import BackupFolder
from studio.storage.choosable import choosable
from studio.storage.conversations import ConversationTable
from studio.storage.corrections import CorrectionTable
from studio.storage.database import Database
from studio.storage.imports import ImportTable
from studio.storage.inspection import findings
from studio.storage.lessons import LessonTable
from studio.storage.nights import NightTable
from studio.storage.probes import ProbeTable
from studio.storage.schema import prepare


class DuckDbLog:
    """Implements domain.ports.Log. Thread-safe; holds nothing open between operations.

    Making one costs nothing; the first operation opens it. Every operation raises StorageError where the file cannot be
    opened, is held by another process for longer than `wait_s`, damaged, or cannot be written.
    """

    def __init__(self, file: Path, backups: Path, *, wait_s: float = 5.0) -> None:
        self._unprepared = Database(file, wait_s=wait_s)
        self._backups = BackupFolder(self._unprepared, backups)
        self._opening = threading.Lock()
        self._is_open = False
        self._refusal: StorageError | None = None
        self._database = database = Database(file, wait_s=wait_s, before_use=self.open)
        self.conversations: ConversationStore = ConversationTable(database)
        self.answers: AnswerStore = AnswerTable(database)
        self.corrections: CorrectionStore = CorrectionTable(database)
        self.imports: ImportStore = ImportTable(database)
        self.lessons: LessonStore = LessonTable(database)
        self.adapters: AdapterStore = AdapterTable(database)
        self.nights: NightStore = NightTable(database)
        self.probes: ProbeStore = ProbeTable(database)

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
            self._is_open = True

    def query(self, sql: str, *, limit: int | None = None) -> tuple[list[str], list[tuple[object, ...]]]:
        """Run one read-only statement; returns column names and rows. Raises StorageError with the reason."""
        from studio.storage.query import run_query

        return run_query(self._database, sql, limit)

    def copy_out(self, selection: Selection, folder: Path, *, whole: bool) -> LogCopy:
        """Copy the chosen corrections into `folder`, which exists; `whole` copies also the rest of the log."""
        from studio.storage.exporting import copy_out

        return copy_out(self._database, selection, folder, whole=whole)

    def choosable(self) -> Choosable:
        """What corrections can be chosen by."""
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


def restore_log(file: Path, backups: Path, backup: Path) -> None:
    """Put a backup in the log's place even where the log there cannot be opened: that one is set aside in `backups`.

    Raises StorageError, the log unchanged, where the backup is not a log this studio can read.
    """
    BackupFolder(Database(file), backups).restore(backup)


def check_log(file: Path) -> list[str]:
    """What is wrong with a log, one sentence each, even where it cannot be opened; nothing is made or migrated."""
    return findings(Database(file))
