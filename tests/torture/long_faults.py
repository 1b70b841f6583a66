"""A full disk from every change on, and an input/output error at every change."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from torture.figures import Figure, Wanted
from torture.forge import Forge
from torture.kills import PLACE, at_changes, prepared
from torture.shim import Mode, build

WHAT = {Mode.FULL: "disk full from a change on", Mode.FAULT: "error at a change"}


def run(wanted: Wanted) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(dir=PLACE) as place:
        folder = Path(place)
        with Forge(build(folder)) as forge:
            for deed in wanted.deeds:
                made = prepared(forge, deed, folder)
                for mode, what in WHAT.items():
                    yield at_changes(forge, made, mode, what, wanted.times, wanted.draw)
