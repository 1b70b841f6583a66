"""Several processes at work on one workspace, some of them killed, and what is found afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture import invariants
from torture.forge import TESTS

ROLES = ("app", "app", "command", "night", "night")


@dataclass
class Crowd:
    """What was told safe, refused and broken; the longest operation in seconds; how many operations and kills."""

    told: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    operations: int = 0
    kills: int = 0


def crowd(folder: Path, seconds: float, draw: random.Random, *, kills: int = 0, roles: Sequence[str] = ROLES) -> Crowd:
    """Let them work beside each other for so long, kill so many of them meanwhile, then look at what is left."""
    found, workers, outputs = Crowd(), [], []
    workers += [_started(role, folder, seconds, draw) for role in roles]
    for _ in range(kills):
        time.sleep(draw.uniform(0, seconds / max(1, kills)))
        number = draw.randrange(len(workers))
        workers[number].send_signal(signal.SIGKILL)
        found.kills += 1
        outputs.append(workers[number].communicate())
        workers[number] = _started(roles[number], folder, seconds, draw)
    outputs += [worker.communicate() for worker in workers]
    for out, errors in outputs:
        found.broken += [errors] if errors else []
        for line in out.splitlines():
            if line.endswith("}"):
                _take(found, json.loads(line))
    # Of adapters only the last one told is in use, and here nobody knows which that was.
    told = [one for one in found.told if one[0] != "active"]
    found.broken += invariants.broken(folder, told) or invariants.unsettled(folder)
    return found


def _started(role: str, folder: Path, seconds: float, draw: random.Random) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torture.crowd", role, str(folder), str(seconds), str(draw.random())]
    path = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    worker = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert worker.stdout is not None
    worker.stdout.readline()  # it is ready
    return worker


def _take(found: Crowd, said: dict[str, Any]) -> None:
    if "told" in said:
        found.told.append((said["told"][0], said["told"][1]))
    if "took" in said:
        found.operations += 1
        found.longest_s = max(found.longest_s, said["took"])
    found.refused += [said["refused"]] if "refused" in said else []
    found.broken += [said["broken"]] if "broken" in said else []
