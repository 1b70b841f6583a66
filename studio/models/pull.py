"""Pulling one file: in ranges beside each other where the server gives them, resumed, verified, put in place whole.

What arrives is written to a part beside the target (`part_file`). Nothing carries the target's name before it has the
announced length, the announced SHA-256 and a header that reads.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from studio.domain.sizes import size_text
from studio.errors import PullError, StudioError
from studio.models.part_file import PartFile
from studio.models.pull_progress import Phase, PullProgress
from studio.models.web import Opened, TransientError, Web

T = TypeVar("T")

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_SAVE_S = 5.0
_TELL_S = 0.1
_SPEED_OVER_S = 6.0
_LONGEST_PAUSE_S = 30.0
_LONGEST_WAIT_ASKED_S = 120.0
_MOST_QUESTIONS = 3
"""So often a question is asked whose answer somebody waits for; what is under way has more patience."""
_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Order:
    """What to pull, as whoever lists it announced it: 0 and empty where it is not known."""

    address: str
    source: str
    bytes: int = 0
    sha256: str = ""


Watch = Callable[[PullProgress], None]
Accept = Callable[[Path], object]
"""Looks into the finished file; what it raises refuses it."""


async def pull(web: Web, order: Order, target: Path, *, accept: Accept, connections: int = 4, watch: Watch) -> str:
    """Fetch into `target`, which does not exist yet; returns its SHA-256. Cancelled, it keeps what is there.

    Raises PullError, MachineError, UsageError; what cannot become this file (wrong bytes, no GGUF) is not kept.
    """
    watch(PullProgress(Phase.ASKING))
    facts = await patiently(web, lambda: _ask(web, order), lambda note: watch(PullProgress(Phase.WAITING, note=note)))
    part, keep = PartFile(target), True
    try:
        resumed = part.begin(order.source, facts.bytes, "" if facts.sha256 else facts.tag, facts.sha256)
        run = _Run(web, order, part, facts, watch)
        await run.fetch(connections if facts.in_ranges else 1, resumed=resumed)
        digest = await run.check()
        try:
            accept(part.path)
        except StudioError as error:
            raise _UselessError(error.message) from error
        part.finish()
        watch(PullProgress(Phase.DONE, facts.bytes, facts.bytes))
        return digest
    except _UselessError as error:
        keep = False
        raise PullError(error.message, error.hint) from error
    finally:
        part.close(keep=keep and part.notes.done > 0)


async def patiently(web: Web, ask: Callable[[], Awaitable[T]], tell: Callable[[str], None]) -> T:
    """Ask as often as is sensible. Raises PullError once it is not."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return await ask()
        except TransientError as error:
            if attempt >= min(web.rules.attempts, _MOST_QUESTIONS):
                raise _given_up(error, "Try again later; what was pulled before is kept.") from error
            tell(str(error))
            await asyncio.sleep(_pause(web, attempt, error))


class _UselessError(Exception):
    """What arrives is not what was announced: none of it is worth keeping."""

    def __init__(self, message: str, hint: str = "Nothing of it was kept.") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Facts:
    bytes: int
    tag: str
    sha256: str
    in_ranges: bool


async def _ask(web: Web, order: Order) -> _Facts:
    """How large it is, and whether the server gives ranges of it."""
    async with web.get(order.address, Range="bytes=0-0") as opened:
        headers = opened.response.headers
        ranged = _CONTENT_RANGE.fullmatch(headers.get("content-range", "")) if _is_partial(opened) else None
        length = ranged[3] if ranged else headers.get("content-length", "")
        size = int(length) if length.isascii() and length.isdigit() else 0
        if _is_partial(opened) and ranged is None:
            raise PullError("The server speaks of ranges in a way that is not understood.", "Try another source.")
        if size == 0:
            raise PullError("The server does not say how large the file is, or it is empty.", "Try another source.")
        if order.bytes and size != order.bytes:
            raise PullError(f"The file is of {size:,} bytes, but {order.bytes:,} were announced.", _changed(order))
        if order.sha256 and opened.linked_sha256 and order.sha256 != opened.linked_sha256:
            raise PullError("The hub has another file than was announced.", _changed(order))
        return _Facts(size, _tag(opened), order.sha256 or opened.linked_sha256, ranged is not None)


def _tag(opened: Opened) -> str:
    """What tells one state of the file from another, bytes included; empty where the server tells nothing such."""
    headers = opened.response.headers
    etag = headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("last-modified", "")


def _changed(order: Order) -> str:
    repository = "/".join(order.source.split("/")[:2])
    return f"It was changed since: {order.source}. To have it as it is now: studio models pull {repository}"


def _is_partial(opened: Opened) -> bool:
    return opened.response.status_code == 206


def _given_up(error: TransientError, hint: str) -> PullError:
    return PullError(f"It was given up, for {error}.", hint)


def _pause(web: Web, attempt: int, error: TransientError) -> float:
    """Seconds to wait after so many interruptions in a row. Raises PullError where the server asks for too long."""
    if error.after_s > _LONGEST_WAIT_ASKED_S:
        raise PullError(
            f"The server asks to wait for {error.after_s / 60:.0f} minutes.", "Pull again then; what is here is kept."
        ) from error
    return max(error.after_s, min(web.rules.pause_s * 2.0 ** (attempt - 1), _LONGEST_PAUSE_S))


class _Run:
    """The segments of one part being filled, by several workers in one event loop."""

    def __init__(self, web: Web, order: Order, part: PartFile, facts: _Facts, watch: Watch) -> None:
        self._web, self._order, self._part, self._facts, self._watch = web, order, part, facts, watch
        self._note = ""
        self._waiting = 0
        self._told_s = 0.0
        self._saved_s = time.monotonic()
        self._pace: deque[tuple[float, int]] = deque()

    async def fetch(self, connections: int, *, resumed: bool) -> None:
        if not self._facts.in_ranges:
            for index in range(len(self._part.notes.have)):
                self._part.forget(index)
            self._note = "This server cannot resume: an interruption starts it anew."
        elif resumed:
            self._note = f"Went on after {size_text(self._part.notes.done)}."
        open_segments = deque(self._part.missing())
        workers = [asyncio.create_task(self._work(open_segments)) for _ in range(min(connections, len(open_segments)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, open_segments: deque[int]) -> None:
        while open_segments:
            if self._facts.in_ranges:
                await self._fill(open_segments.popleft())
            else:
                await self._fill_all()
                open_segments.clear()

    async def _fill(self, index: int) -> None:
        """Bring a segment to its end, through interruptions."""
        await self._through_interruptions(lambda: self._read(index), lambda: self._part.span(index)[0])

    async def _fill_all(self) -> None:
        await self._through_interruptions(self._read_all, lambda: 0)

    async def _through_interruptions(self, read: Callable[[], Awaitable[None]], reached: Callable[[], int]) -> None:
        attempt = 0
        while True:
            before = reached()
            try:
                await read()
                return
            except TransientError as error:
                attempt = 1 if reached() > before else attempt + 1
                if attempt >= self._web.rules.attempts:
                    raise _given_up(error, "What has arrived is kept: pull again to go on.") from error
                self._note, self._waiting = str(error), self._waiting + 1
                self._tell(at_once=True)
                try:
                    await asyncio.sleep(_pause(self._web, attempt, error))
                finally:
                    self._waiting -= 1

    async def _read(self, index: int) -> None:
        start, end = self._part.span(index)
        if start == end:
            return
        async with self._web.get(self._order.address, Range=f"bytes={start}-{end - 1}") as opened:
            given = _CONTENT_RANGE.fullmatch(opened.response.headers.get("content-range", ""))
            if not _is_partial(opened) or given is None or int(given[1]) != start:
                raise PullError("The server gave other bytes than it was asked for.", "Pull again, or elsewhere.")
            changed = self._part.notes.tag and _tag(opened) != self._part.notes.tag
            if int(given[3]) != self._facts.bytes or changed:
                raise _UselessError("The file was changed while it was pulled.", "Pull again: it starts anew.")
            async for data in self._bytes(opened):
                self._take(index, data, end)
        if self._part.span(index)[0] != end:
            raise TransientError("the server sent less than it announced")

    async def _read_all(self) -> None:
        for index in range(len(self._part.notes.have)):
            self._part.forget(index)
        index, last = 0, len(self._part.notes.have) - 1
        async with self._web.get(self._order.address) as opened:
            if opened.response.headers.get("content-length", "") != str(self._facts.bytes):
                raise _UselessError("The file was changed while it was pulled.", "Pull again: it starts anew.")
            async for data in self._bytes(opened):
                rest = data
                while rest:
                    start, end = self._part.span(index)
                    room = end - start if index < last else len(rest)
                    self._take(index, rest[:room], end)
                    rest = rest[room:]
                    index += bool(rest)
        if self._part.missing():
            raise TransientError("the server sent less than it announced")

    async def _bytes(self, opened: Opened) -> AsyncIterator[bytes]:
        if opened.response.headers.get("content-encoding", "identity") != "identity":
            raise PullError("The server sends the file packed, though it was asked not to.", "Try another source.")
        async for data in opened.body():
            yield data

    def _take(self, index: int, data: bytes, end: int) -> None:
        start, _ = self._part.span(index)
        if start + len(data) > end:
            raise _UselessError("The server sends more than it announced.")
        self._part.write(index, data)
        if index == 0 and start < len(_MAGIC) and not _MAGIC.startswith(self._part.head(min(4, start + len(data)))):
            raise _UselessError("That is no GGUF file.", "Nothing of it was kept. Models here are .gguf files.")
        now = time.monotonic()
        self._pace.append((now, len(data)))
        if now - self._saved_s > _SAVE_S:
            self._saved_s = now
            self._part.save()
        self._tell()

    def _tell(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._told_s < _TELL_S:
            return
        self._told_s = now
        while self._pace and now - self._pace[0][0] > _SPEED_OVER_S:
            self._pace.popleft()
        over = now - self._pace[0][0] if self._pace else 0.0
        speed = sum(length for _, length in self._pace) / over if over > 0.3 else None
        done, total = self._part.notes.done, self._facts.bytes
        phase = Phase.WAITING if self._waiting else Phase.PULLING
        self._watch(PullProgress(phase, done, total, speed, (total - done) / speed if speed else None, self._note))

    async def check(self) -> str:
        """The file's SHA-256, which is the announced one. Cancelled between two blocks."""
        digest, done = hashlib.sha256(), 0
        with self._part.path.open("rb") as file:
            while block := file.read(8 * 1024 * 1024):
                digest.update(block)
                done += len(block)
                self._watch(PullProgress(Phase.CHECKING, done, self._facts.bytes))
                await asyncio.sleep(0)
        if self._facts.sha256 and digest.hexdigest() != self._facts.sha256:
            raise _UselessError("What arrived is not the file that was announced: its SHA-256 is another.")
        return digest.hexdigest()
