"""Giving way to the user, and one night at a time, with real processes and real locks."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from studio.errors import NightBusyError
from studio.training.launcher import GiveWay, hold_night_lock, refuse_second_night


@contextmanager
def shared(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"], process_group=0)
    yield process
    process.kill()
    process.wait()


async def until(pid: int, *, stopped: bool) -> None:
    while (psutil.Process(pid).status() == psutil.STATUS_STOPPED) is not stopped:  # noqa: ASYNC110  a process state has no event
        await asyncio.sleep(0.005)


async def test_the_night_stands_still_for_the_user(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    lock = tmp_path / "interactive.lock"
    async with asyncio.timeout(20), GiveWay(lock, lambda: [child.pid]):
        with shared(lock):
            await until(child.pid, stopped=True)
        await until(child.pid, stopped=False)
        with shared(lock), shared(lock):
            await until(child.pid, stopped=True)


async def test_what_was_stopped_goes_on_when_nobody_watches_any_more(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    lock = tmp_path / "interactive.lock"
    async with asyncio.timeout(20):
        with shared(lock):
            async with GiveWay(lock, lambda: [child.pid]):
                await until(child.pid, stopped=True)
            await until(child.pid, stopped=False)


async def test_a_process_that_is_gone_is_no_trouble(tmp_path: Path) -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    asked = asyncio.Event()

    def pids() -> list[int]:
        asked.set()
        return [gone.pid]

    lock = tmp_path / "interactive.lock"
    async with asyncio.timeout(20):
        with shared(lock):
            async with GiveWay(lock, pids):
                await asked.wait()


def test_one_night_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "night.lock"
    with hold_night_lock(lock), pytest.raises(NightBusyError, match="already running"):
        refuse_second_night(lock)
    refuse_second_night(lock)


def test_asking_whether_a_night_runs_keeps_none_from_starting(tmp_path: Path) -> None:
    lock = tmp_path / "night.lock"
    asking = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(asking, fcntl.LOCK_SH)
    refuse_second_night(lock)  # two may ask at once
    done = threading.Timer(0.03, os.close, [asking])
    done.start()
    with hold_night_lock(lock):
        done.join()


def test_the_parents_side_is_light() -> None:
    code = (
        "import sys, studio.training.launcher, studio.training.examples, studio.training.job\n"
        "sys.exit(', '.join({'torch', 'transformers', 'peft', 'gguf', 'numpy'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
