"""A night that is cancelled ends at the next opportunity, also before its first step; a damaged one begins anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_training_below import HALF, adapted
from test_training_packing import EXAMPLES

from studio.training.checkpoint import STATE_FILE, Standing, is_damaged
from studio.training.job import Request
from studio.training.model import Place
from studio.training.trainer import Outcome, Trainer


def trained(folder: Path, request: Callable[[], Request]) -> tuple[Standing, Outcome]:
    def unheard(standing: Standing, steps: int, paused: bool) -> None:
        pass

    place = Place("cpu", "float32")
    return Trainer(adapted(), HALF, place, EXAMPLES, folder / "checkpoint", request, unheard).run()


@pytest.mark.parametrize("asked_before", [0, 1, 2])
def test_a_night_cancelled_while_the_frozen_model_is_read_makes_no_step(tmp_path: Path, asked_before: int) -> None:
    wishes = iter([Request.RUN] * asked_before + [Request.CANCEL] * 100)
    standing, outcome = trained(tmp_path, lambda: next(wishes))
    assert outcome is Outcome.CANCELLED
    assert standing.step == 0


def test_a_night_that_nobody_cancels_ends_by_itself(tmp_path: Path) -> None:
    standing, outcome = trained(tmp_path, lambda: Request.RUN)
    assert outcome in (Outcome.FINISHED, Outcome.LEARNT)
    assert standing.step > 0


def test_a_night_whose_checkpoint_is_damaged_begins_anew(tmp_path: Path) -> None:
    first = trained(tmp_path, lambda: Request.RUN)
    file = tmp_path / "checkpoint" / STATE_FILE
    whole = bytearray(file.read_bytes())
    whole[-3] ^= 1
    file.write_bytes(whole)
    again = trained(tmp_path, lambda: Request.RUN)
    assert (again[1], again[0].losses) == (first[1], first[0].losses)
    assert not is_damaged(file.parent)
