"""The real `studio serve-app`, and screens of those who look at it through a websocket."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import psutil
import pyte


class Watcher:
    """One browser's end of the served app, with the screen a person would see there."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[tuple[str, object]] = []
        self._screen = pyte.Screen(120, 36)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    async def type(self, keys: str) -> None:
        await self.socket.send_json(["stdin", keys])

    async def wait(self, until: str | Callable[[str], bool], seconds: float = 60.0) -> str:
        """The screen once it shows the text or satisfies the condition."""
        condition = (lambda screen: until in screen) if isinstance(until, str) else until
        try:
            async with asyncio.timeout(seconds):
                while not condition(self.text):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{until!r} never came; the screen was:\n{self.text}") from None
        return self.text

    async def _read(self) -> None:
        async for message in self.socket:
            if isinstance(message.data, bytes):
                # pyte takes the private-mode SGR variants for text; they draw nothing.
                self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", message.data))
            else:
                kind, value = json.loads(message.data)
                self.told.append((kind, value))
                if kind == "size":
                    self._screen.resize(value["height"], value["width"])
            self._changed.set()


class Served:
    """A run of `studio serve-app ARGS`."""

    def __init__(self, process: asyncio.subprocess.Process, said: str) -> None:
        self.process = process
        self.said = said
        found = dict(re.findall(r"^  (present|watch) .*?(http://\S+)$", said, re.MULTILINE))
        self.present_at, self.watch_at = found["present"], found["watch"]
        self.origin = self.watch_at.partition("/?")[0].rstrip("/")
        self._session = aiohttp.ClientSession()

    @classmethod
    async def start(cls, workspace: Path, *arguments: str) -> Served:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "studio", "--workspace", str(workspace), "serve-app", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(120):
            while "watch" not in said:
                line = await process.stdout.readline()
                assert line, f"it ended: {said}"
                said += line.decode()
        return cls(process, said)

    async def watch(self) -> Watcher:
        return Watcher(await self._session.ws_connect(f"{self.origin}/ws", origin=self.origin))

    async def present(self) -> Watcher:
        link = self.present_at.replace("/present?", "/present/ws?")
        return Watcher(await self._session.ws_connect(link, origin=self.origin))

    def family(self) -> list[psutil.Process]:
        """The processes below the server."""
        children: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return children

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    async def end(self, seconds: float = 60.0) -> tuple[int, str]:
        """Wait for the end: its exit code, and what it said last."""
        rest, _ = await asyncio.wait_for(self.process.communicate(), seconds)
        return self.process.returncode or 0, rest.decode()

    async def close(self) -> None:
        await self._session.close()
        if self.process.returncode is None:
            family = self.family()
            self.process.kill()
            await self.process.wait()
            for left in psutil.wait_procs(family, timeout=20)[1]:
                left.kill()
