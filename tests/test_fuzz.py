"""The short form of the isolation fuzz: damaged files of every kind come to a sentence, never to a traceback or a hang.

`make torture` runs the long form (docs/trust.md has its figures).
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fuzz.gguf_files import write_small_model
from fuzz.reading import KINDS, fuzz_reading, reading
from fuzz.run import fuzz
from fuzz.tally import Tally
from fuzz.texts import seeds

MOST_MEMORY = 600_000_000


def came_to_a_good_end(tally: Tally) -> None:
    assert tally.failures == 0, tally.broken
    assert tally.ends["refused"] > 0
    assert tally.peak_bytes < MOST_MEMORY


@pytest.mark.parametrize("kind", ["models", "adapters"])
def test_damaged_models_and_adapters_are_refused_or_answer(kind: str, tmp_path: Path) -> None:
    came_to_a_good_end(fuzz(kind, tmp_path / kind, 40, seed=7))


def test_other_damaged_files_are_refused_or_taken_and_nothing_breaks(tmp_path: Path) -> None:
    wholes = seeds(tmp_path / "seeds")
    with reading(tmp_path) as reader:
        for kind in KINDS:
            count = 4 if kind == "logs" else 12
            came_to_a_good_end(fuzz_reading(kind, wholes[kind], count, random.Random(7), reader, tmp_path))


def test_what_is_damaged_is_whole_before(tmp_path: Path) -> None:
    """Else everything would be refused for a reason of its own."""
    assert write_small_model(tmp_path / "whole.gguf").stat().st_size > 100_000
    assert fuzz("adapters", tmp_path / "adapters", 60, seed=3).ends["loaded"] > 0
