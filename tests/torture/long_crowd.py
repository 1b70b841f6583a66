"""Two apps, a command and two nights beside each other on one workspace, with some of them killed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from torture.crowds import crowd
from torture.figures import Figure, Wanted


def run(wanted: Wanted) -> Iterator[Figure]:
    for number in range(wanted.times):
        with tempfile.TemporaryDirectory() as place:
            found = crowd(Path(place), 5.0, wanted.draw, kills=number % 4)
            broken = (*found.broken, *(text for text in found.refused if "is held by" not in text))
            noted = f"{found.kills} kills, {len(found.refused)} refused, longest {found.longest_s:.1f} s"
            yield Figure("operations of five at once", found.operations, broken, noted)
