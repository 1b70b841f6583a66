"""One kind of input, so many times, by seed."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from fuzz.engine import fuzz_adapters, fuzz_models
from fuzz.gguf_files import write_small_model
from fuzz.reading import KINDS as READ_KINDS
from fuzz.reading import fuzz_reading, reading
from fuzz.tally import Tally
from fuzz.texts import seeds
from fuzz.training import whole_checkpoint

KINDS = ("models", "adapters", "trained", "checkpoints", *READ_KINDS)


def fuzz(kind: str, folder: Path, count: int, seed: int) -> Tally:
    """`count` models or adapters; a tenth as many of any other kind."""
    folder.mkdir(parents=True)
    draw = random.Random(f"{kind} {seed}")
    if kind == "models":
        return asyncio.run(fuzz_models(folder, count, draw))
    if kind == "adapters":
        return asyncio.run(fuzz_adapters(folder, count, draw))
    with reading(folder) as reader:
        if kind == "trained":
            whole = write_small_model(folder / "whole.gguf").read_bytes()
            return fuzz_reading(kind, [whole], max(1, count // 10), draw, reader, folder)
        if kind == "checkpoints":
            return fuzz_reading(kind, [whole_checkpoint(folder / "whole")], max(1, count // 10), draw, reader, folder)
        return fuzz_reading(kind, seeds(folder / "seeds")[kind], max(1, count // 10), draw, reader, folder)
