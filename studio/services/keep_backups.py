"""Backups without being asked: at the start, every few hours while the app is open, and before a night."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from studio.services.studio import Studio, off_loop

BACKUP_EVERY = timedelta(hours=6)


async def back_up_if_due(studio: Studio) -> Path | None:
    """A verified backup of a log that changed since its newest one, BACKUP_EVERY after it at the earliest; else None.

    Older ones are thinned out to recent, daily, weekly and monthly ones. Raises StorageError; the log is kept.
    """
    return await off_loop(studio.log.backup_if_older, BACKUP_EVERY)
