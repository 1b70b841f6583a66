"""The app's end of the pipes to one engine process: sends commands, sorts events by request, notices its death."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

from studio.inference.protocol import Beat, Command, Event, decode_event, encode

_LINE_LIMIT = 256 * 1024 * 1024
_LOG_BYTES = 1024 * 1024
_GRACE_SECONDS = 2.0


class ChildDiedError(Exception):
    """The process is gone; the message says how, in words that complete "The engine ...": "was killed"."""


class ChildLink:
    """One running engine process. `silence_s`: a process that owes an answer and says nothing so long is killed.

    The time in which it is stopped (SIGSTOP: a night's engine, while the user is being answered) does not count.
    """

    def __init__(self, process: asyncio.subprocess.Process, silence_s: float) -> None:
        self._process = process
        self._silence_s = silence_s
        self._inboxes: dict[int, asyncio.Queue[Event | ChildDiedError]] = {}
        self._last_word = time.monotonic()
        self._verdict = ""
        self._ended = False
        self._reader = asyncio.create_task(self._read())
        self._watchdog = asyncio.create_task(self._watch())

    @classmethod
    async def spawn(cls, log: Path, silence_s: float) -> ChildLink:
        _rotate(log)
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "studio.inference.engine_process",
                str(log),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE_LIMIT,
            )
        return cls(process, silence_s)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return not self._ended and self._process.returncode is None

    def open(self, request: int) -> asyncio.Queue[Event | ChildDiedError]:
        """Where the events of this request will arrive; a ChildDiedError is the last thing that can."""
        inbox: asyncio.Queue[Event | ChildDiedError] = asyncio.Queue()
        if self._ended:
            inbox.put_nowait(ChildDiedError(self._verdict))
        elif not self._inboxes:
            self._last_word = time.monotonic()
        self._inboxes[request] = inbox
        return inbox

    def forget(self, request: int) -> None:
        self._inboxes.pop(request, None)

    def send(self, command: Command) -> None:
        """Written in the background; a dead process is told of through the inboxes."""
        assert self._process.stdin is not None
        if self.is_alive:
            self._process.stdin.write(encode(command))

    async def close(self) -> None:
        """End the process and reap it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()
        self._watchdog.cancel()
        await asyncio.gather(self._reader, self._watchdog, return_exceptions=True)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                self._last_word = time.monotonic()
                event = decode_event(line)
                inbox = self._inboxes.get(event.request)
                if inbox is not None and not isinstance(event, Beat):
                    inbox.put_nowait(event)
        except (ValueError, TypeError, KeyError, OSError):
            self._verdict = self._verdict or "spoke gibberish and was stopped"
            self._kill()
        code = await self._process.wait()
        self._verdict = self._verdict or _ending(code)
        self._ended = True
        self._watchdog.cancel()
        for inbox in self._inboxes.values():
            inbox.put_nowait(ChildDiedError(self._verdict))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._silence_s / 4))
            if self._inboxes and self._is_stopped():
                self._last_word = time.monotonic()
            if self._inboxes and time.monotonic() - self._last_word > self._silence_s:
                self._verdict = f"said nothing for {self._silence_s:g} seconds and was stopped"
                self._kill()

    def _is_stopped(self) -> bool:
        import psutil  # not before the first paint

        try:
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)
        except psutil.Error:
            return False

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _rotate(log: Path) -> None:
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".1.log"))
