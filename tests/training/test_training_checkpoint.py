"""Where a night stood, damaged: it goes on from exactly that, or begins anew; never from what never was."""

from __future__ import annotations

import random
from pathlib import Path

from fuzz.mutations import damaged_bytes
from fuzz.training import resumes, whole_checkpoint


def test_a_whole_checkpoint_is_taken_and_damaged_ones_are_not(tmp_path: Path) -> None:
    whole, draw = whole_checkpoint(tmp_path / "whole"), random.Random(7)

    def taken(raw: bytes) -> bool:
        file = tmp_path / "file"
        file.write_bytes(raw)
        return resumes(file, 0)

    assert taken(whole)
    damaged = [damaged_bytes(whole, draw, within=1500 if at % 2 else None) for at in range(100)]
    # What is damaged may be what it was: a bit set that was set.
    assert sum(taken(raw) for raw in damaged if raw != whole) == 0
    assert not taken(b"")
