"""The trainer takes no more threads than cores it may use: pinned to one, two of them would wait for each other."""

from __future__ import annotations

import os

import pytest
import torch

from studio.training.model import prepare_process


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_a_process_pinned_to_one_core_trains_on_one_thread() -> None:
    allowed, threads = os.sched_getaffinity(0), torch.get_num_threads()
    try:
        os.sched_setaffinity(0, {min(allowed)})
        prepare_process()
        assert torch.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, allowed)
        torch.set_num_threads(threads)
