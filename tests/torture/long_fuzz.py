"""Damaged models, adapters, logs, settings, themes, scenarios and imports, through the product's own ways in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from fuzz.run import KINDS, fuzz
from fuzz.tally import BROKE, HUNG, LOADED, REFUSED

from torture.figures import Figure, Wanted

MODELS = 100
"""Damaged models, and as many adapters, for each time; of other kinds a tenth."""


def run(wanted: Wanted) -> Iterator[Figure]:
    """An input holds that is refused in a sentence, or taken; one may end the engine, which is started anew."""
    with tempfile.TemporaryDirectory(prefix="studio-fuzz-") as place:
        for kind in KINDS:
            tally = fuzz(kind, Path(place) / kind, MODELS * wanted.times, wanted.draw.randrange(1 << 30))
            broken = tuple(line for line in tally.broken if line.startswith((f"{kind}, {HUNG}:", f"{kind}, {BROKE}:")))
            ends = f"{tally.ends[REFUSED]:,} refused, {tally.ends[LOADED]:,} taken"
            yield Figure(f"damaged {kind}", tally.tried, broken, f"{ends}; at most {tally.peak_bytes / 1e6:,.0f} MB")
