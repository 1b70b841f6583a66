"""What two hundred viewers cost the presenter: key to glyph in a served app, while five panes stream.

The app is that of `interface`, its screen served to one who types and to VIEWERS who take in everything, on this very
machine: their reading, which a real audience would do elsewhere, is part of what slows the app here. Rounds without and
with viewers follow each other by turns, so that the ratio compares like with like.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil

from benchmarks.interface import PANES
from studio.serving.access import Access
from studio.serving.listening import listen
from studio.serving.run import serve

VIEWERS = 200
ROUNDS = 2
KEYS = 40
KEY_GAPS_S = (0.05, 0.25)
SECRET = "benchmark"
DRIVER = "studio.tui.served_driver:ServedDriver"


def main() -> dict[str, float]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    glyphs = map(chr, itertools.count(0x4E00))
    gaps = random.Random(0)
    latencies: dict[int, list[float]] = {0: [], VIEWERS: []}
    load: dict[int, list[float]] = {0: [], VIEWERS: []}
    received = 0.0
    async with _child("serve") as server, aiohttp.ClientSession() as session:
        assert server.stdout is not None
        origin = (await server.stdout.readline()).decode().strip()
        presenter = await session.ws_connect(f"{origin}/present/ws?token={SECRET}", origin=origin, max_msg_size=0)
        await presenter.send_json(["resize", {"width": 200, "height": 50}])
        await _drawn(presenter, b"writing")
        for viewers in (0, VIEWERS) * ROUNDS:
            async with _audience(origin, viewers) as audience:
                began, worked = time.perf_counter(), _worked(server.pid)
                for glyph in itertools.islice(glyphs, KEYS):
                    pressed = time.perf_counter()
                    await presenter.send_json(["stdin", glyph])
                    latencies[viewers].append(1000 * (await _drawn(presenter, glyph.encode()) - pressed))
                    await _pass(presenter, gaps.uniform(*KEY_GAPS_S))
                lasted = time.perf_counter() - began
                load[viewers].append((_worked(server.pid) - worked) / lasted)
                received += await audience() / lasted / ROUNDS
    figures: dict[str, float] = {}
    for viewers, found in latencies.items():
        found.sort()
        figures[f"served.key_to_glyph.{viewers}_viewers.p50_ms"] = statistics.median(found)
        figures[f"served.key_to_glyph.{viewers}_viewers.p95_ms"] = found[int(0.95 * len(found))]
        figures[f"served.server_cores.{viewers}_viewers"] = statistics.mean(load[viewers])
    figures["served.key_to_glyph.ratio"] = statistics.median(latencies[VIEWERS]) / statistics.median(latencies[0])
    figures["served.kilobytes_per_viewer_and_s"] = received / VIEWERS / 1000
    return figures


async def _drawn(presenter: aiohttp.ClientWebSocketResponse, wanted: bytes) -> float:
    """Read until this was drawn; the moment."""
    seen = b""
    async with asyncio.timeout(60):
        while wanted not in seen:
            message = await presenter.receive()
            if isinstance(message.data, bytes):
                seen = seen[-len(wanted) :] + message.data
    return time.perf_counter()


async def _pass(presenter: aiohttp.ClientWebSocketResponse, seconds: float) -> None:
    """Read whatever comes for a while."""
    ends = time.perf_counter() + seconds
    while (left := ends - time.perf_counter()) > 0:
        try:
            await presenter.receive(timeout=left)
        except TimeoutError:
            return


def _worked(process: int) -> float:
    """Seconds that the process has computed."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def _audience(origin: str, viewers: int) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """So many viewers, in a process of their own; yields what ends them and tells the bytes they were sent."""
    async with _child("watch", origin, str(viewers)) as watching:
        leaving, heard = watching.stdin, watching.stdout
        assert leaving is not None
        assert heard is not None
        await heard.readline()  # all are there

        async def leave() -> int:
            leaving.close()
            return int(await heard.readline())

        yield leave


@asynccontextmanager
async def _child(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.served", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), 20)
        except TimeoutError:
            child.kill()


async def _serve() -> None:
    """Serve the app until the input ends."""
    access = Access(presenter_token=SECRET, viewer_token=None, names=frozenset({"localhost"}), only_loopback=True)
    with listen("127.0.0.1", 0) as listening, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.interface", str(PANES)]
        serving = asyncio.create_task(
            serve(listening, access, command, DRIVER, Path(folder), lambda: _say_where(listening))
        )
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait([serving, ended], return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        await asyncio.wait([serving])


def _say_where(listening: socket.socket) -> None:
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)


async def _watch(origin: str, viewers: int) -> None:
    """Take in what so many viewers are sent, until the input ends."""
    received = 0

    async def read(watching: aiohttp.ClientWebSocketResponse) -> None:
        nonlocal received
        async for message in watching:
            received += len(message.data)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        reading = [
            asyncio.create_task(read(await session.ws_connect(f"{origin}/ws", origin=origin))) for _ in range(viewers)
        ]
        await asyncio.sleep(1)
        received = 0
        print("all are there", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(received, flush=True)
        for task in reading:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(_serve() if sys.argv[1] == "serve" else _watch(sys.argv[2], int(sys.argv[3])))
