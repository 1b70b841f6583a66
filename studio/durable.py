"""Names that outlast a power cut: a file's new name is safe once its folder is synced, not when its words are."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


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
