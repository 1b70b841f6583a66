"""Identity and time: UUIDv7 ids, which sort by creation, and UTC timestamps with a zone."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_lock = threading.Lock()
_last_tick = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7) as text; ids made by one process strictly increase.

    The 12 bits after the millisecond hold its fraction (RFC 9562, section 6.2, method 3).
    """
    global _last_tick  # noqa: PLW0603 - one clock per process
    with _lock:
        # One tick is 1/4096 of a millisecond; a clock that stands still or steps back is pushed on by one.
        tick = max(time.time_ns() * 4096 // 1_000_000, _last_tick + 1)
        _last_tick = tick
    milliseconds, fraction = divmod(tick, 4096)
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random_bits
    return str(UUID(int=value))


def utc_now() -> datetime:
    """The present moment in UTC, with its zone."""
    return datetime.now(UTC)
