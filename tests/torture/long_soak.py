"""Asking, correcting, comparing and nights in the real app, a round for each time: memory, descriptors, the log.

`make torture PARTS="soak --times 48"` goes on for what takes a person eight hours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from torture.figures import Figure, Wanted
from torture.soak import ROUND_MINUTES, Sample, soak

FLAT = 0.05


def run(wanted: Wanted) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as place:
        found = soak(Path(place), wanted.times, _tell)
    rounds = len(found.samples)
    hours = f"{rounds * ROUND_MINUTES / 60:.1f} hours of a person's use"
    yield Figure("rounds in the app", rounds + len(found.stuck), tuple(found.stuck), hours)
    if rounds < 6:
        return
    for role in found.samples[-1].memory:
        drift = found.drift(lambda sample, role=role: sample.memory.get(role, 0))  # type: ignore[misc]
        few = found.drift(lambda sample, role=role: sample.descriptors.get(role, 0))  # type: ignore[misc]
        noted = f"memory {drift:+.1%}, descriptors {few:+.1%}"
        yield Figure(f"{role} flat after warm-up", 1, (noted,) if max(drift, few) > FLAT else (), noted)
    first, last = found.samples[rounds // 3], found.samples[-1]
    turns = max(1, last.turns - first.turns)
    each = (last.log_bytes - first.log_bytes) / turns
    yield Figure("log", 1, (), f"{each:,.0f} bytes a turn, {(last.answers - first.answers) / turns:.1f} answers each")


def _tell(sample: Sample) -> None:
    memory = ", ".join(f"{role} {size / 1e6:.0f} MB" for role, size in sample.memory.items())
    files = ", ".join(f"{role} {number}" for role, number in sample.descriptors.items())
    counts = f"{sample.turns} turns, {sample.answers} answers, {sample.corrections} corrections, {sample.nights} nights"
    log = f"log {sample.log_bytes / 1e6:.2f} MB"
    print(f"  {sample.rounds}, {sample.at_s / 60:.1f} min: {memory}; descriptors {files}; {log}; {counts}", flush=True)
