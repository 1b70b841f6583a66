"""How the lanes of one step are put into batches: by what was measured, never by what a machine is thought to be."""

from __future__ import annotations

from typing import cast

from studio.inference.context_runner import DecodePace
from studio.inference.lane_run import LaneRun

THREADS = 1
STEPS = 20


def lanes(number: int) -> list[LaneRun]:
    """A pace looks at how many there are, never into them."""
    return cast("list[LaneRun]", [f"lane {n}" for n in range(number)])


def settled(number: int, seconds_of: dict[int, float]) -> list[int]:
    """Sizes of the batches after some steps of `number` lanes, where a batch of n takes `seconds_of[n]`."""
    pace = DecodePace()
    for _ in range(STEPS):
        sizes = [len(group) for group in pace.groups(THREADS, lanes(number))]
        assert sum(sizes) == number, "every lane steps once"
        for size in sizes:
            pace.note(THREADS, size, seconds_of[size])
    return sizes


def test_one_batch_where_it_is_faster() -> None:
    assert settled(4, {1: 1.0, 3: 1.2, 4: 1.3}) == [4]


def test_one_by_one_where_a_batch_takes_longer_than_its_lanes_alone() -> None:
    assert settled(4, {1: 1.0, 3: 4.0, 4: 5.0}) == [1, 1, 1, 1]


def test_a_single_slow_step_does_not_decide() -> None:
    pace = DecodePace()
    for seconds in (9.0, 1.0, 1.0):
        pace.note(THREADS, 1, seconds)
    for seconds in (30.0, 2.0, 2.0):
        pace.note(THREADS, 4, seconds)
    assert [len(group) for group in pace.groups(THREADS, lanes(4))] == [4]


def test_another_number_of_threads_is_measured_for_itself() -> None:
    pace = DecodePace()
    for _ in range(3):
        pace.note(1, 1, 1.0)
        pace.note(1, 2, 5.0)
    assert [len(group) for group in pace.groups(1, lanes(2))] == [1, 1]
    for _ in range(3):
        pace.note(2, 1, 1.0)
    assert [len(group) for group in pace.groups(2, lanes(2))] == [2]
