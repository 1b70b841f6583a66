"""Tells running nights that the user is being answered: a shared flock, which the kernel releases if the app dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from pathlib import Path

_RETRY_SECONDS = 0.001
_PATIENCE_SECONDS = 2.0


class InteractiveLock:
    """Counts the interactive requests of this process; the lock is held while there is one.

    A night's poller takes it exclusively for microseconds to look whether it is free, so it is tried without
    blocking the event loop. Should someone sit on it, the user is answered all the same.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._holders = 0
        self._descriptor: int | None = None

    async def acquire(self) -> None:
        self._holders += 1
        if self._path is None or self._holders > 1:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return  # a read-only workspace has no nights to hold off
        give_up = time.monotonic() + _PATIENCE_SECONDS
        try:
            while not _try_lock(descriptor) and time.monotonic() < give_up:  # noqa: ASYNC110  flock has no event
                await asyncio.sleep(_RETRY_SECONDS)
        except BaseException:
            os.close(descriptor)
            self._holders -= 1
            raise
        if self._holders and self._descriptor is None:
            self._descriptor = descriptor
        else:
            os.close(descriptor)

    def release(self) -> None:
        self._holders -= 1
        if self._holders == 0 and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
