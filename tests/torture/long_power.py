"""A power cut after every change of the disk: only what was synced is kept, or all names, or any part of the rest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from torture.figures import Figure, Wanted
from torture.forge import Forge
from torture.kills import PLACE, prepared
from torture.power import Kept
from torture.power_cuts import power_cuts
from torture.shim import build


def run(wanted: Wanted) -> Iterator[Figure]:
    """After every change for ten times, after fewer for less."""
    draw = wanted.draw
    with tempfile.TemporaryDirectory(dir=PLACE) as place:
        folder = Path(place)
        with Forge(build(folder)) as forge:
            for deed in wanted.deeds:
                made = prepared(forge, deed, folder)
                found = power_cuts(forge, made, draw, lambda _: draw.random() < wanted.times / 10)
                broken = tuple(text for _, text in found.broken)
                by_kind = ", ".join(f"{kept.name.lower()} {found.tried[kept]}" for kept in Kept)
                yield Figure(f"{deed.name}: power cut", found.tried.total(), broken, by_kind)
