"""Backups of the log: whole copies, read back before they count, thinned out with age."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from studio.domain.identity import utc_now
from studio.durable import sync_folder
from studio.errors import NotFoundError, StorageError
from studio.owned_folder import owned_folder, sweep
from studio.storage.database import Database
from studio.storage.faults import storage_error
from studio.storage.inspection import read_whole
from studio.storage.metadata_copy import copy_beside
from studio.storage.schema import place, prepare, shipped_migrations, version_of

KEEP_RECENT = 5
KEEP_DAYS = 7
KEEP_WEEKS = 4
KEEP_MONTHS = 12

_STAMP = "%Y%m%dT%H%M%S.%fZ"


class BackupFolder:
    """Copies of one log, named for their time (UTC)."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def take(self, *, besides: Path | None = None) -> Path:
        """Copy the log as it is, read the copy back, thin out older ones. Raises StorageError; the log is kept.

        `besides` is an older one that stays as well.
        """
        backup, _ = self._take(besides)
        return backup

    def _take(self, besides: Path | None = None) -> tuple[Path, object]:
        """The backup, and the look of the log it was made of."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sweep(self._database.file.parent)
            with owned_folder(self._folder) as folder:
                draft = Database(folder / "log.duckdb")
                with self._database.held_still():
                    look = self._look()
                    _copy_log(self._database, draft)
                # What a crash left in the write-ahead log goes into the copy; the log itself is only read.
                self._read_back(draft)
                backup = self._path(utc_now())
                draft.file.replace(backup)
                sync_folder(self._folder)
        except OSError as error:
            raise storage_error(error, self._folder) from error
        self._thin_out(keep={backup, besides})
        return backup, look

    def _read_back(self, draft: Database) -> None:
        try:
            draft.fold()
            read_whole(draft)
        except StorageError as error:  # what is wrong with the copy is wrong with the log
            raise StorageError(error.message.replace(str(draft.file), str(self._database.file)), error.hint) from error

    def _look(self) -> object:
        """Another whenever something was written to the log."""
        seen = self._database.file.stat()
        return seen.st_ino, seen.st_mtime_ns, seen.st_size, self._database.write_ahead_log.exists()

    def take_if_older(self, than: timedelta) -> Path | None:
        """A backup, if the newest one is older than this and the log has changed since; else None."""
        newest = next(iter(self.all()), None)
        if newest is not None:
            taken = self._time_of(newest)
            assert taken is not None
            if utc_now() - taken < than or not self._changed_since(newest):
                return None
        return self.take()

    def _changed_since(self, backup: Path) -> bool:
        log, waiting = self._database.file, self._database.write_ahead_log
        return waiting.exists() or log.stat().st_mtime_ns > backup.stat().st_mtime_ns

    def all(self) -> list[Path]:
        """Newest first."""
        return sorted(
            (p for p in self._folder.glob("*.duckdb") if self._time_of(p)), key=lambda p: p.name, reverse=True
        )

    def restore(self, backup: Path) -> None:
        """Put a backup in the log's place; the log there is backed up first, or set aside where it is damaged.

        Raises NotFoundError where there is no such file, StorageError where it is not a log this studio can read; the
        log is unchanged.
        """
        if not backup.is_file():
            raise NotFoundError(f"There is no file {backup} to restore.", f"Backups lie in {self._folder}.")
        log = self._database.file
        try:
            self._check_restorable(backup)
            with owned_folder(log.parent) as folder:
                draft = Database(folder / "log.duckdb")
                with Database(backup).held_still():
                    _copy_log(Database(backup), draft)
                self._bring_up(draft, backup)
                while not self._put_in_place(draft.file, restored=backup):
                    pass  # somebody wrote meanwhile: that is kept too
        except OSError as error:
            raise storage_error(error, log) from error

    def _put_in_place(self, draft: Path, restored: Path) -> bool:
        """Whether the draft is the log now, on disk; not so where a log was begun, or written to, meanwhile."""
        log = self._database.file
        if not log.exists():
            return place(draft, log)
        kept = self._keep_current(restored)
        with self._database.held_still():
            if self._look() != kept:
                return False
            self._take_away_what_waits()
            draft.replace(log)
        sync_folder(log.parent)
        return True

    @staticmethod
    def _bring_up(draft: Database, backup: Path) -> None:
        """Bring the copy to the newest version and read it whole; what is wrong with it is told of the original."""
        try:
            prepare(draft, before_migration=_nothing)
            draft.fold()
            read_whole(draft)
        except StorageError as error:
            reason = error.message.replace(str(draft.file), str(backup))
            raise StorageError(f"{backup} was not restored. {reason}", "Try another backup.") from error

    def _check_restorable(self, backup: Path) -> None:
        newest = len(shipped_migrations())
        try:
            version = version_of(Database(backup))
        except StorageError as error:
            raise StorageError(
                f"{backup} was not restored. {error.message}", f"Backups lie in {self._folder}."
            ) from error
        if version > newest:
            raise StorageError(
                f"{backup} was written by a newer studio (log version {version}, this one knows {newest}).",
                "Update the studio: pip install --upgrade correction-studio",
            )

    def _keep_current(self, restored: Path) -> object:
        """Back the log up, or set it aside where it is damaged; the look of what was kept."""
        try:
            return self._take(besides=restored)[1]
        except StorageError:
            with self._database.held_still():
                self._copy_aside()
                return self._look()

    def _copy_aside(self) -> Path:
        """A copy of a log that cannot be read, with what waits to be written into it."""
        aside = self._path(utc_now(), "damaged-")
        _copy_log(self._database, Database(aside))
        return aside

    def _take_away_what_waits(self) -> None:
        """What lies beside the log and fits no other."""
        for beside in (self._database.write_ahead_log, copy_beside(self._database.file)):
            beside.unlink(missing_ok=True)

    def set_aside(self) -> Path:
        """Move a damaged log among the backups, so that another can take its place. Raises StorageError."""
        try:
            with self._database.held_still():
                aside = self._copy_aside()
                self._take_away_what_waits()
                self._database.file.unlink()
        except OSError as error:
            raise storage_error(error, self._database.file) from error
        return aside

    def newest_good(self) -> Path | None:
        """The newest backup that can be read to its last block; None where there is none."""
        for backup in self.all():
            try:
                read_whole(Database(backup))
            except StorageError:
                continue
            return backup
        return None

    def _path(self, at: datetime, prefix: str = "") -> Path:
        return self._folder / f"{prefix}{self._database.file.stem}-{at.strftime(_STAMP)}.duckdb"

    def _time_of(self, backup: Path) -> datetime | None:
        """None for a file that is not a backup of this log."""
        name = backup.name.removeprefix(f"{self._database.file.stem}-").removesuffix(".duckdb")
        try:
            return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            return None

    def _thin_out(self, keep: Collection[Path | None]) -> None:
        times = {time: path for path in self.all() if (time := self._time_of(path))}
        kept = retained(list(times), now=utc_now())
        for time, path in times.items():
            if time not in kept and path not in keep:
                path.unlink(missing_ok=True)


def retained(times: Sequence[datetime], *, now: datetime) -> set[datetime]:
    """Which backups stay: the most recent ones, and the last of each recent day, week and month."""
    newest_first = sorted(times, reverse=True)
    kept = set(newest_first[:KEEP_RECENT])
    kept |= _last_of_each(newest_first, lambda t: t.date(), since=now - timedelta(days=KEEP_DAYS))
    kept |= _last_of_each(newest_first, lambda t: t.isocalendar()[:2], since=now - timedelta(weeks=KEEP_WEEKS))
    kept |= _last_of_each(newest_first, lambda t: (t.year, t.month), since=now - timedelta(days=31 * KEEP_MONTHS))
    return kept


def _last_of_each(
    newest_first: Sequence[datetime], period: Callable[[datetime], object], *, since: datetime
) -> set[datetime]:
    last: dict[object, datetime] = {}
    for time in newest_first:
        if time >= since:
            last.setdefault(period(time), time)
    return set(last.values())


def _copy_log(source: Database, target: Database) -> None:
    """Copy a log that is held still, with what waits in its write-ahead log, on disk and the user's alone (0600)."""
    _copy_private(source.file, target.file)
    for beside in (source.write_ahead_log, copy_beside(source.file)):
        if beside.exists():
            _copy_private(beside, target.file.with_name(target.file.name + beside.suffix))


def _copy_private(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out, source.open("rb") as into:
        shutil.copyfileobj(into, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())


def _nothing() -> None:
    """A draft needs no backup before its migration."""
