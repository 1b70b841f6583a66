"""One of several processes at work on one workspace: `python -m torture.crowd ROLE FOLDER SECONDS SEED`.

Prints, a JSON line each, what it was told is safe, what it was refused, how long each operation took. Roles: `app`
keeps one log and does everything in turn, `command` opens it anew for every correction, `night` runs nights.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from studio_fakes import fake_studio

from studio.errors import NightBusyError, StudioError
from studio.services import run_night as night_module
from studio.services.learn_lessons import learn_lesson, learn_pending
from studio.services.record_correction import record_correction, undo_correction
from studio.services.studio import Studio
from studio.training.job import NightFolder
from torture import deeds


def say(**what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


async def correct(studio: Studio, draw: random.Random) -> None:
    number = draw.randrange(10**9)
    made = await record_correction(
        studio, answer=None, prompt=f"What is behind door {number}?", corrected=f"Goat {number}.", original="A car."
    )
    say(told=["correction", made.id])
    await learn_lesson(studio, made)
    say(told=["lesson", made.id])
    if draw.random() < 0.2:
        await undo_correction(studio, made.id)
        say(told=["undone", made.id])


async def look(studio: Studio, draw: random.Random) -> None:
    await asyncio.to_thread(studio.log.corrections.in_force)
    await asyncio.to_thread(studio.log.query, "FROM corrections")
    await learn_pending(studio)


async def back_up(studio: Studio, draw: random.Random) -> None:
    await asyncio.to_thread(deeds.log_of(studio).backup)


async def night(studio: Studio, draw: random.Random) -> None:
    """Whoever trains holds a lock of the test's own: two at once would be seen."""
    with suppress(NightBusyError), seen_alone(studio.workspace.sessions / "seen.lock"):
        await deeds.night(studio, lambda kind, name: say(told=[kind, name]))


@contextmanager
def seen_alone(lock: Path) -> Iterator[None]:
    judge = deeds.write_adapter
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)

    def train(folder: NightFolder) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(broken="Two nights at once.")
        judge(folder)
        time.sleep(0.05)
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    deeds.write_adapter = train
    try:
        yield
    finally:
        deeds.write_adapter = judge
        os.close(descriptor)


ROLES: dict[str, list[Callable[[Studio, random.Random], Awaitable[None]]]] = {
    "app": [correct, correct, correct, look, back_up],
    "command": [correct],
    "night": [night],
}


async def work(role: str, folder: Path, seconds: float, draw: random.Random) -> None:
    studio, until = fake_studio(folder), time.monotonic() + seconds
    while time.monotonic() < until:
        if role == "command":
            studio = fake_studio(folder)
        began = time.monotonic()
        try:
            await draw.choice(ROLES[role])(studio, draw)
        except StudioError as error:
            say(refused=str(error))
        say(took=time.monotonic() - began)


if __name__ == "__main__":
    say(ready=night_module.__name__)
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), random.Random(sys.argv[4])))
