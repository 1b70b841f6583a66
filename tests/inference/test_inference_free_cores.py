"""Cores that others keep busy are left to them, and taken back once they are idle."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from studio.inference.free_cores import INTERVAL_S, SOON_S, CpuTimes, FreeCores, read_cpu_times


@dataclass
class Machine:
    """Its clock and counters, moved by hand."""

    now: float = 0.0
    busy: float = 0.0
    own: float = 0.0

    def run(self, *, others: float, own: float, seconds: float = 1.0) -> None:
        """Let time pass in which others keep so many cores busy, and this process so many."""
        self.now += seconds
        self.busy += (others + own) * seconds
        self.own += own * seconds

    def free_cores(self, cores: int) -> FreeCores:
        return FreeCores(cores, lambda: CpuTimes(self.busy, self.own), lambda: self.now)


@pytest.mark.parametrize(
    ("cores", "others", "own", "free"),
    [
        (2, 0.0, 2.0, 2),  # a quiet machine
        (2, 0.3, 1.7, 2),  # the desktop's own doings
        (2, 1.0, 1.0, 1),  # another program computes
        (2, 2.0, 0.0, 1),  # never none
        (8, 3.0, 4.0, 5),
        (64, 30.0, 4.0, 34),
    ],
)
def test_what_others_keep_busy_is_left_to_them(cores: int, others: float, own: float, free: int) -> None:
    machine = Machine()
    looked = machine.free_cores(cores)
    machine.run(others=others, own=own)
    assert looked.count() == free


def test_a_core_is_taken_back_when_the_other_program_ends() -> None:
    machine = Machine()
    looked = machine.free_cores(2)
    machine.run(others=1.0, own=1.0)
    assert looked.count() == 1
    machine.run(others=0.0, own=1.0)
    assert looked.count() == 2


def test_after_a_pause_it_is_looked_at_again_soon() -> None:
    machine = Machine()
    looked = machine.free_cores(2)
    machine.run(others=2.0, own=0.0, seconds=5.0)
    assert looked.count() == 1
    machine.run(others=0.0, own=1.0, seconds=2 * SOON_S)
    assert looked.count() == 2


def test_moments_too_short_to_count_in_change_nothing() -> None:
    machine = Machine()
    looked = machine.free_cores(2)
    machine.run(others=2.0, own=0.0, seconds=INTERVAL_S / 2)
    assert looked.count() == 2


def test_the_counters_of_this_machine_count_up() -> None:
    before = read_cpu_times()
    total = sum(number * number for number in range(1_000_000))
    after = read_cpu_times()
    assert total
    assert after.own > before.own
    assert after.busy >= before.busy
