"""Files put in place whole, and names that outlast a power cut.

A file's new name is safe once its folder is synced, not when its words are.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def draft_of(file: Path, *, durably: bool = True) -> Iterator[Path]:
    """A private draft beside `file` that takes its place when the block ends well, and is removed otherwise.

    On disk when the block is over; unless `durably`, whenever the system sees fit. Its name is `.NAME.` and some
    letters, for those who sweep up after killed processes. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        if durably:
            sync_file(draft)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durably:
        sync_folder(file.parent)


def write_whole(file: Path, content: bytes, *, durably: bool = True) -> None:
    """Put the content in the file's place in one step, for its owner's eyes only; `durably` as in `draft_of`.

    Raises OSError.
    """
    with draft_of(file, durably=durably) as draft:
        draft.write_bytes(content)


def sync_file(file: Path) -> None:
    """What was written to the file is on disk when this returns. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Files made, renamed and removed in the folder are so on disk when this returns, if its file system can say so."""
    with suppress(OSError):  # some network file systems know no such thing; the words themselves are safe there too
        sync_file(folder)
