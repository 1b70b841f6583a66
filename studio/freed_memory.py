"""What a process has freed goes back to the system: glibc would keep it for what comes next."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back_memory() -> None:
    """Where glibc is; elsewhere allocators see to it themselves. Takes some milliseconds, without Python's lock."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # of musl
            ctypes.CDLL(None).malloc_trim(0)
