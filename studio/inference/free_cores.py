"""How many cores other processes leave free. Threads of one decode wait for each other at every layer, spinning: where
one of them shares its core with somebody else's work, all of them wait for it, and two threads were seen to be forty
times slower than one (docs/performance.md). So no more threads are used than there are cores to themselves.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil

INTERVAL_S = 0.3
"""How often the load is looked at; the kernel counts it in hundredths of a second."""
SOON_S = 0.05
"""How soon it is looked at again where the last look was long ago: what was busy then may be idle by now."""
BUSY_SHARE = 0.75
"""A core that others keep busy for this share of the time is theirs; less is what any desktop does."""


class CpuTimes(NamedTuple):
    """Processor seconds since some moment: of everything on the machine, and of this process alone."""

    busy: float
    own: float


def read_cpu_times() -> CpuTimes:
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    # On Linux guests' time is part of user time already.
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return CpuTimes(sum(times) - waiting - guests, time.process_time())


def cores_left(before: CpuTimes, since: float) -> int:
    """How many cores other processes have left since then (time.monotonic), on average; may be none."""
    now = read_cpu_times()
    others = (now.busy - before.busy - (now.own - before.own)) / max(time.monotonic() - since, 1e-3)
    return math.floor((os.cpu_count() or 1) - max(0.0, others) + BUSY_SHARE)


class FreeCores:
    """Looks every INTERVAL_S while it is asked, sooner after a pause; between looks the answer stays."""

    def __init__(
        self,
        cores: int | None = None,
        read: Callable[[], CpuTimes] = read_cpu_times,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cores = cores or os.cpu_count() or 1
        self._read, self._clock = read, clock
        self._last, self._looked_at = read(), clock()
        self._wait = INTERVAL_S
        self._free = self._cores

    def count(self) -> int:
        """Cores that this process may use without sharing one; at least 1."""
        elapsed = self._clock() - self._looked_at
        if elapsed >= self._wait:
            self._wait = INTERVAL_S if elapsed < 2 * INTERVAL_S else SOON_S
            now = self._read()
            others = (now.busy - self._last.busy - (now.own - self._last.own)) / elapsed
            self._free = max(1, math.floor(self._cores - max(0.0, others) + BUSY_SHARE))
            self._last, self._looked_at = now, self._looked_at + elapsed
        return self._free
