"""kill -9 at every change of the disk, in the middle of writes, and at random moments."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from torture.figures import Figure, Wanted
from torture.forge import Forge
from torture.kills import PLACE, Prepared, at_changes, interrupted, killed_after, prepared
from torture.shim import Mode, build

WHAT = {Mode.KILL: "killed before a change", Mode.TEAR: "killed within a change"}


def run(wanted: Wanted) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(dir=PLACE) as place:
        folder = Path(place)
        with Forge(build(folder)) as forge:
            for deed in wanted.deeds:
                made = prepared(forge, deed, folder)
                for mode, what in WHAT.items():
                    yield at_changes(forge, made, mode, what, wanted.times, wanted.draw)
                yield _at_moments(forge, made, wanted.times, wanted.draw)


def _at_moments(forge: Forge, made: Prepared, times: int, draw: random.Random) -> Figure:
    """So many at random moments of the time that the deed takes."""
    began = time.monotonic()
    broken = interrupted(forge, made, Mode.COUNT, 0)
    lasts = (time.monotonic() - began) / 2
    for _ in range(times):
        broken += killed_after(forge, made, draw.uniform(0, lasts))
    return Figure(f"{made.deed.name}: killed at a moment", times, tuple(broken))
