"""The processes that train one adapter together: who takes which examples, and what they have to agree on.

`accelerate launch` (or torchrun) starts them and says in the environment who is who. Each takes its own examples of
every step; their gradients are sums over tokens, divided by the whole step's counts, so that added up they are the
gradients of one process but for the order of additions. The first process leads: it alone talks to the night folder.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import psutil
import torch
import torch.distributed as dist

from studio.training.batches import Encoded

T = TypeVar("T")
_PATIENCE = timedelta(days=7)
"""Others wait for the leader while a night is paused."""
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Team:
    """`rank` counts from 0; alone, nothing is exchanged."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def told(self, value: T) -> T:
        """The leader's value, for all."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def any(self, here: bool) -> bool:
        """Whether it holds for one of them."""
        return bool(self.sums([float(here)])[0])

    def sums(self, values: Sequence[float]) -> list[float]:
        """Each added up over all."""
        if self.size == 1:
            return list(values)
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        together = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(together)
        return [float(value) for value in together]

    def add_gradients(self, weights: Iterable[torch.nn.Parameter]) -> None:
        """Give every process the sum of all gradients."""
        if self.size == 1:
            return
        weights = list(weights)
        for weight in weights:
            if weight.grad is None:  # nothing of this step is this process's
                weight.grad = torch.zeros_like(weight)
        whole = torch.cat([weight.grad.flatten() for weight in weights if weight.grad is not None])
        dist.all_reduce(whole)
        for weight, part in zip(weights, torch.split(whole, [weight.numel() for weight in weights]), strict=True):
            weight.grad = part.view_as(weight)

    def own(self, examples: Sequence[Encoded], steps: Sequence[Sequence[int]]) -> list[Encoded]:
        """This process's share. An example is one process's for good: what is computed of it once is kept there."""
        if self.size == 1:
            return list(examples)
        owners = dealt({example.index: len(example.tokens) for example in examples}, steps, self.size)
        return [example for example in examples if owners[example.index] == self.rank]


def join_team() -> Team:
    """The team that the launcher started this process in; alone where none did."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Team()
    _end_with_launcher()
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    else:
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        torch.set_num_threads(max(1, torch.get_num_threads() // here))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    return Team(dist.get_rank(), size)


def _end_with_launcher() -> None:
    """The launcher leads no group that its processes are in: they see to it that they end with it (Linux)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        launched = any("night_process" in word for word in psutil.Process(os.getppid()).cmdline())
    except psutil.Error:
        launched = False
    if not launched:  # it died before that call took hold, and another process took us over
        sys.exit("The launcher is gone.")


def leave_team(team: Team) -> None:
    """Once all are done: who is left waiting would take the others for dead."""
    if team.size > 1:
        dist.barrier()
        dist.destroy_process_group()


def dealt(sizes: Mapping[int, int], steps: Sequence[Sequence[int]], processes: int) -> dict[int, int]:
    """By example, the process that takes it: in each step, longest first, whichever has the least of it so far."""
    owners: dict[int, int] = {}
    for step in steps:
        loads = [0] * processes
        for index in step:
            if index in owners:
                loads[owners[index]] += sizes[index]
        for index in sorted(step, key=lambda index: (-sizes[index], index)):
            if index not in owners:
                owners[index] = loads.index(min(loads))
                loads[owners[index]] += sizes[index]
    for index in sizes:  # in no step at all
        owners.setdefault(index, 0)
    return owners
