"""Logs, settings, themes, scenarios and whatever else is read without the engine."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fuzz.engine import damaged_model
from fuzz.mutations import damaged_bytes, damaged_text
from fuzz.reader_process import ReaderProcess
from fuzz.tally import Tally

KINDS = ("settings", "themes", "scenarios", "imports", "audiences", "notes", "logs")
_HEADERS = 3 * 4096
"""Of a DuckDB file: whatever is not in them has a checksum."""


@contextmanager
def reading(folder: Path) -> Iterator[ReaderProcess]:
    """A process that reads, for the time of the block."""
    reader = ReaderProcess(folder)
    try:
        yield reader
    finally:
        reader.close()


def fuzz_reading(
    kind: str, wholes: Sequence[bytes], count: int, draw: random.Random, reader: ReaderProcess, folder: Path
) -> Tally:
    """`count` files of one kind, each made of one of the whole ones."""
    tally = Tally(kind)
    for number in range(count):
        seed = draw.randrange(len(wholes))
        file = folder / f"{kind}-{number}"
        file.write_bytes(_damaged(kind, wholes[seed], draw))
        kept = folder / f"kept-{file.name}"
        kept.write_bytes(file.read_bytes())
        bad = len(tally.broken)
        reader.read(file, seed, tally)
        file.unlink(missing_ok=True)
        if len(tally.broken) == bad:
            kept.unlink()
    return tally


def _damaged(kind: str, whole: bytes, draw: random.Random) -> bytes:
    if kind == "trained":
        return damaged_model(whole, draw)
    if kind == "checkpoints":
        return damaged_bytes(whole, draw, within=len(whole) // 2 if draw.random() < 0.5 else None)
    if kind == "logs":
        return damaged_bytes(whole, draw, within=_HEADERS if draw.random() < 0.5 else None)
    return damaged_text(whole.decode(), draw)
