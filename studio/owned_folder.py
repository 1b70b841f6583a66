"""Folders that are there only while their owner works. One whose owner was killed is removed by whoever comes next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".studio-draft-"
"""No user would name a folder so: what begins so and has no living owner is removed."""


@contextmanager
def owned_folder(parent: Path) -> Iterator[Path]:
    """A new private folder in `parent`, which exists; gone with the block, or moved away in it. Raises OSError."""
    sweep(parent)
    folder, lock = _made(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove what killed owners left in `parent`. What cannot be removed stays."""
    with suppress(OSError), os.scandir(parent) as listing:
        for entry in listing:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_dead(Path(entry.path))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Of those who ask, one at a time works in the folder within the block. Raises OSError."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _made(parent: Path) -> tuple[Path, int]:
    """The folder, and a descriptor that holds its lock: the kernel lets go of that when its owner dies."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):  # a file system without locks: it is then never swept
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder, lock
        os.close(lock)  # another owner's sweep came between the two


def _remove_if_dead(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
