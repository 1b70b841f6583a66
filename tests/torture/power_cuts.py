"""A deed and a power cut after each of its changes of the disk, and what is found afterwards."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from torture import invariants
from torture.forge import Forge
from torture.kills import Prepared
from torture.power import Disk, Kept, read_journal


@dataclass
class PowerCuts:
    """How often the power was cut, by what the disk kept; what did not hold."""

    tried: Counter[Kept] = field(default_factory=Counter)
    broken: list[tuple[Kept, str]] = field(default_factory=list)


def power_cuts(
    forge: Forge, made: Prepared, draw: random.Random, chosen: Callable[[int], bool] = lambda change: True
) -> PowerCuts:
    """Cut the power after each of the chosen changes, once for each way a disk may keep what was not synced."""
    place = made.template.parent
    running, journal, left = place / "running", place / "journal", place / "left"
    shutil.rmtree(running, ignore_errors=True)
    shutil.copytree(made.template, running)
    outcome = forge.act(made.deed.name, running, journal=journal)
    assert not outcome.crashed + outcome.said, outcome
    disk, found = Disk(made.template, running), PowerCuts()
    for number, change in enumerate(read_journal(journal), start=1):
        disk.make(change)
        if not chosen(number):
            continue
        for kept in Kept:
            if kept is Kept.TAIL and change.what != "w":
                continue
            disk.write_out(left, kept, draw)
            found.tried[kept] += 1
            for text in invariants.broken(left, made.told + disk.told) or invariants.unsettled(left):
                found.broken.append(
                    (kept, f"{made.deed.name}, cut after {number} ({change.what} {change.path}): {text}")
                )
    return found
