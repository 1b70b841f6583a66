"""The library that stands between a process and the disk: built here, loaded by the forge, spoken to from within."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")


class Mode(IntEnum):
    """What happens at the n-th change of the disk. The order is that of shim.c."""

    COUNT = 0  # nothing: the changes are counted
    KILL = 1  # kill -9 before it is made
    TEAR = 2  # kill -9 after half of what was to be written, or after what cannot be halved
    FULL = 3  # from here on there is no room
    FAULT = 4  # this one fails with an input/output error


def can_be_built() -> bool:
    return sys.platform == "linux" and shutil.which("cc") is not None


def build(folder: Path) -> Path:
    """The compiled library."""
    library = folder / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


class Shim:
    """The library as loaded into this very process (LD_PRELOAD)."""

    def __init__(self) -> None:
        self._library = ctypes.PyDLL(None)
        self._library.shim_arm.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p]
        self._library.shim_note.argtypes = [ctypes.c_char_p]
        self._library.shim_changes.restype = ctypes.c_long

    def arm(self, folder: Path, mode: Mode, at: int, journal: Path | None = None) -> None:
        """From here on the changes below `folder` are counted from 1, and `mode` holds at the `at`-th."""
        kept = str(journal).encode() if journal else None
        self._library.shim_arm(str(folder.resolve()).encode(), int(mode), at, kept)

    def disarm(self) -> None:
        self._library.shim_disarm()

    def note(self, told: str) -> None:
        """Enter into the journal what was told to be safe."""
        self._library.shim_note(told.encode())

    @property
    def changes(self) -> int:
        return int(self._library.shim_changes())
