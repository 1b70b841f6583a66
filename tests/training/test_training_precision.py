"""The precision of a night: bfloat16 where it is faster, and no time lost to find out where it is slow."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from studio.training import model
from studio.training.job import TrainingConfig
from studio.training.model import choose_place

SECONDS_A_MULTIPLICATION = 1e-11


@pytest.mark.parametrize(
    ("times_as_slow", "chosen", "most_s"),
    [(0.5, "bfloat16", 0.5), (0.9, "float32", 0.5), (1.5, "float32", 0.7), (100.0, "float32", 0.2)],
)
def test_bfloat16_is_taken_where_it_is_faster_and_not_tried_at_length_where_it_is_slow(
    times_as_slow: float, chosen: str, most_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[float] = []

    def product(dtype: torch.dtype, shape: tuple[int, int, int]) -> float:
        seconds = SECONDS_A_MULTIPLICATION * math.prod(shape) * (times_as_slow if dtype is torch.bfloat16 else 1)
        spent.append(seconds)
        return seconds

    monkeypatch.setattr(model, "_time_product", product)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_place(Path("m.gguf"), TrainingConfig(packed=False)).dtype == chosen
    assert sum(spent) < most_s
