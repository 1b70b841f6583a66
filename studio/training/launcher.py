"""Starts the night's child and follows it; makes nights stand still while the user is being answered."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import psutil

from studio.domain.nights import NightProgress, NightState
from studio.errors import NightBusyError, TrainingError
from studio.training.job import NightFolder, Request, refusals_told

NICENESS = 10
POLL_S = 0.01
PROGRESS_POLL_S = 0.2
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # No folder that the studio is started in is a place of modules.
    "PYTHONSAFEPATH": "1",
    # Threads that wait spin only briefly: on cores shared with another process long spinning costs ten times the time,
    # and none at all (OMP_WAIT_POLICY=PASSIVE) costs half the speed where there is no other (docs/night.md).
    "GOMP_SPINCOUNT": "10000",
    # glibc gives back what large tensors held as soon as they are gone, and leaves no holes between those that stay:
    # up to 140 MB less at the peak, in the same time (docs/night.md).
    "MALLOC_MMAP_THRESHOLD_": "4194304",
}
_LOOPBACK = "lo" if sys.platform == "linux" else "lo0"
ON_THIS_MACHINE = {"GLOO_SOCKET_IFNAME": _LOOPBACK, "NCCL_SOCKET_IFNAME": _LOOPBACK}
"""For processes that train together: what they exchange is not encrypted."""
# Whoever asks whether a night runs shares its lock for an instant, which is no night.
NIGHT_LOCK_TRIES = 10
NIGHT_LOCK_WAIT_S = 0.02
_PR_SET_PDEATHSIG = 1


class GiveWay:
    """While anybody holds `lock` shared, the processes named by `pids` are stopped; `async with` does the watching.

    Two processes computing on the same cores slow each other many times over (llama.cpp's threads spin at barriers),
    so priority alone will not do. The lock is looked at every POLL_S, held only for that look. On leaving, whatever
    was stopped goes on.
    """

    def __init__(self, lock: Path, pids: Callable[[], Sequence[int]]) -> None:
        self._lock = lock
        self._pids = pids
        self._stopped: list[int] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> GiveWay:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while True:
                if _is_held(descriptor):
                    self._stop()
                else:
                    self._go_on()
                await asyncio.sleep(POLL_S)
        finally:
            os.close(descriptor)
            self._go_on()

    def _stop(self) -> None:
        """Also those that appeared since: a child started, or restarted, while the user is being answered."""
        for pid in self._pids():
            if pid not in self._stopped and _signal(pid, signal.SIGSTOP):
                self._stopped.append(pid)

    def _go_on(self) -> None:
        while self._stopped:
            _signal(self._stopped.pop(), signal.SIGCONT)


def user_is_asking(lock: Path) -> bool:
    """Whether anybody holds the interactive lock: the user is being answered, and nights stand still meanwhile."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return _is_held(descriptor)
    finally:
        os.close(descriptor)


def _is_held(descriptor: int) -> bool:
    """Whether anybody holds the lock shared; taken and released at once."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _signal(pid: int, number: signal.Signals) -> bool:
    """To the whole group where the process leads one, so that what it started stands still with it."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextlib.contextmanager
def hold_night_lock(path: Path) -> Iterator[None]:
    """Be the one running night of the workspace; the kernel lets go should we die.

    Raises NightBusyError, and TrainingError when the disk refuses.
    """
    with _night_lock(path, fcntl.LOCK_EX, NIGHT_LOCK_TRIES):
        yield


def refuse_second_night(path: Path) -> None:
    """Raise NightBusyError while a night is running."""
    with _night_lock(path, fcntl.LOCK_SH, 1):
        pass


@contextlib.contextmanager
def _night_lock(path: Path, how: int, tries: int) -> Iterator[None]:
    with refusals_told(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for left in reversed(range(tries)):
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if not left:
                    raise NightBusyError(
                        "Another night is already running in this workspace.", "Wait for it, or cancel it first."
                    ) from error
                time.sleep(NIGHT_LOCK_WAIT_S)
        yield
    finally:
        os.close(descriptor)


async def train(
    folder: NightFolder, interactive_lock: Path, *, processes: int = 1, launch_options: Sequence[str] = ()
) -> AsyncIterator[NightProgress]:
    """Run the night's child to its end and yield what it reports, each word once, the last one always.

    With several `processes`, or options for it, `accelerate launch` starts them, which train together.
    Takes up an interrupted training from its checkpoint. Closing the iterator kills the child; the checkpoint stays.
    Raises TrainingError with the child's own sentence where it fails.
    """
    if await asyncio.to_thread(folder.read_request) is Request.CANCEL:
        await asyncio.to_thread(folder.request, Request.RUN)
    with folder.log_file.open("ab") as log:
        together = processes > 1 or bool(launch_options)
        environment = os.environ | ENVIRONMENT | ({} if launch_options else ON_THIS_MACHINE)
        # Not in a thread: the child dies with the thread that started it.
        child = _start(_command(folder, processes, launch_options), environment, log)
    seen: NightProgress | None = None
    try:
        async with GiveWay(interactive_lock, partial(_alive, child, together=together)):
            running = True
            while running:
                running = child.poll() is None
                progress = await asyncio.to_thread(folder.read_progress)
                if progress is not None and progress != seen:
                    seen = progress
                    if progress.state is not NightState.FAILED:
                        yield progress
                if running:
                    await asyncio.sleep(PROGRESS_POLL_S)
    finally:
        if child.poll() is None:
            for pid in _alive(child, together=together):
                _signal(pid, signal.SIGKILL)
            await asyncio.shield(asyncio.to_thread(child.wait))
    if child.returncode != 0:
        raise TrainingError(_why(child.returncode, seen), f"Details are in {folder.log_file}.")


def _why(returncode: int, last: NightProgress | None) -> str:
    if last is not None and last.state is NightState.FAILED and last.message:
        return last.message
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return f"The training process was ended by {name}; the next night goes on from its checkpoint."
    return f"The training process ended with code {returncode}."


def _command(folder: NightFolder, processes: int, options: Sequence[str]) -> list[str]:
    run = ["-m", "studio.training.night_process", str(folder.path)]
    if processes == 1 and not options:
        return [sys.executable, "-P", *run]
    # Without options of one's own all are on this machine: a free port, and nothing that others could reach.
    here = () if options else ("--num_machines", "1", "--main_process_ip", "127.0.0.1", "--main_process_port", "0")
    launch = [sys.executable, "-P", "-m", "accelerate.commands.launch", "--multi_gpu", "--mixed_precision", "no"]
    return [*launch, "--dynamo_backend", "no", "--num_processes", str(processes), *here, *options, *run]


def _alive(child: subprocess.Popen[bytes], *, together: bool) -> list[int]:
    """The child and what it started: `accelerate launch` puts its processes into sessions of their own."""
    if child.poll() is not None:
        return []
    if not together:
        return [child.pid]
    try:
        return [child.pid, *(process.pid for process in psutil.Process(child.pid).children(recursive=True))]
    except psutil.Error:
        return [child.pid]


def _start(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """The child leads a group of its own, so that stopping it does not stop us; it dies with us (Linux)."""
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        os.nice(NICENESS)
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # we died before the call took hold
                os._exit(1)

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        process_group=0,
        preexec_fn=prepare,  # noqa: PLW1509 - runs two system calls, no locks are taken
    )
