"""The process of the app that is served, and what is said to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version

from studio.serving.packets import ASK_WHOLE, READY_LINE, Drawn, Size, Told, packets, told, typed

END_WITHIN_S = 15.0
"""The app takes the engine and the other processes down with it; after so long it is no longer asked."""
TERMINATE_WITHIN_S = 3.0
_LAST_WORDS = 16 * 1024


class AppChild:
    """One app, run with a web driver. It ends when its input does, so when we are gone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._errors = bytearray()
        self._reader = asyncio.create_task(self._read_errors())

    @classmethod
    async def start(cls, command: Sequence[str], driver: str, size: Size) -> AppChild:
        """Start the command. Textual runs its app with the driver, a class named as `module:Class`."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ
            | {
                "TEXTUAL_DRIVER": driver,
                "TEXTUAL_COLOR_SYSTEM": "truecolor",
                "TERM_PROGRAM": "textual",
                "TERM_PROGRAM_VERSION": version("textual-serve"),
                "COLUMNS": str(size.width),
                "ROWS": str(size.height),
            },
            # Ctrl+c in our terminal is meant for us; we end the app.
            start_new_session=True,
        )
        return cls(process)

    async def ready(self) -> bool:
        """Whether the app came up; where it did not, `end()` says how it left and `last_words` why."""
        while line := await self._output.readline():
            if line == READY_LINE:
                return True
        return False

    def says(self) -> AsyncIterator[Drawn | Told]:
        """Everything the app draws and tells, until it ends."""
        return packets(self._output)

    def type(self, keys: str) -> None:
        self._send(typed(keys.encode("utf-8", "replace")))

    def resize(self, size: Size) -> None:
        self._send(told("resize", width=size.width, height=size.height))

    def focus(self, *, on: bool) -> None:
        self._send(told("focus" if on else "blur"))

    def ask_whole(self) -> None:
        """Ask for the whole screen; it comes among what the app says."""
        self._send(told(ASK_WHOLE))

    @property
    def last_words(self) -> str:
        """What the app wrote to its standard error."""
        return self._errors.decode("utf-8", "replace").strip()

    async def end(self) -> int:
        """Ask the app to end, in the end by force; its exit code, negative for a signal."""
        if self._process.returncode is None:
            self._send(told("quit"))
            await self._wait(END_WITHIN_S)
        for force in (self._process.terminate, self._process.kill):
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    force()
                await self._wait(TERMINATE_WITHIN_S)
        self._reader.cancel()
        return -9 if self._process.returncode is None else self._process.returncode

    async def _wait(self, seconds: float) -> None:
        """Wait for the end, and throw away what is still drawn: a full pipe would hold the app up."""

        async def drained() -> None:
            while await self._output.read(65536):
                pass
            await self._process.wait()
            await self._reader

        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(drained(), seconds)

    @property
    def _output(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout

    def _send(self, packet: bytes) -> None:
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(packet)

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            self._errors += data
            del self._errors[:-_LAST_WORDS]
