"""Hands what the app draws to everybody who watches, at each one's own pace.

A browser that joins, or has fallen behind, gets the whole screen once, then what changes. Nobody is waited for: what
a slow one could not be sent in time is thrown away, and once it has taken in what was under way it is shown the whole
screen. So the app draws at its own speed, however many watch, and at most every `WHOLE_PERIOD_S` all of the screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from typing import Protocol

from studio.serving.packets import Drawn, Size

VIEWER_PERIOD_S = 0.04
"""What viewers are sent is gathered for so long: each message to two hundred browsers costs two hundred writes."""
WHOLE_PERIOD_S = 0.25
MOST_BEHIND = 512 * 1024
"""Bytes that may wait for one browser."""
MOST_WAITING = 4096
_CLIPBOARD = b"\x1b]52;"
_KEYS_AND_MOUSE = b"\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h\x1b[?2004h"
"""Lets a terminal report the mouse and mark what is pasted; the app says so once, at its start."""


class Wire(Protocol):
    """A connection to a browser. Sending raises OSError or RuntimeError once it is closed."""

    async def send_bytes(self, data: bytes) -> None: ...

    async def send_str(self, data: str) -> None: ...


class Seat:
    """One browser's place: what has still to be sent to it."""

    def __init__(self, wire: Wire, *, types: bool, drained: Callable[[], None]) -> None:
        self.types = types
        self.needs_whole = True
        self._wire = wire
        self._drained = drained
        self._waiting: deque[bytes | str | Size] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._leaving = False

    def draw(self, data: bytes) -> None:
        """Send a change, unless the whole screen is to come first."""
        if self.needs_whole:
            return
        if self._bytes + len(data) > MOST_BEHIND:
            self._throw_away_drawn()
            self.needs_whole = True
        else:
            self._put(data)

    def show(self, size: Size, whole: bytes) -> None:
        """Send all of the screen in the place of what was still to be sent of it."""
        self._throw_away_drawn()
        self.needs_whole = False
        self._put(size)
        self._put(_KEYS_AND_MOUSE + whole if self.types else whole)

    def tell(self, kind: str, value: object) -> None:
        """Send the page a message of ours; one that takes nothing in is told no more."""
        if len(self._waiting) < MOST_WAITING:
            self._put(json.dumps([kind, value]))

    def leave(self) -> None:
        """Let `send_all` return once everything is sent."""
        self._leaving = True
        self._wake.set()

    async def send_all(self) -> None:
        """Send what comes, until the browser is gone or was told to leave."""
        with contextlib.suppress(OSError, RuntimeError):
            while True:
                while self._waiting:
                    await self._send(self._waiting.popleft())
                if self._leaving:
                    return
                if self.needs_whole:
                    self._drained()
                self._wake.clear()
                await self._wake.wait()

    async def _send(self, piece: bytes | str | Size) -> None:
        if isinstance(piece, bytes):
            self._bytes -= len(piece)
            await self._wire.send_bytes(piece)
        elif isinstance(piece, str):
            await self._wire.send_str(piece)
        else:
            await self._wire.send_str(json.dumps(["size", {"width": piece.width, "height": piece.height}]))

    def _throw_away_drawn(self) -> None:
        self._waiting = deque(piece for piece in self._waiting if isinstance(piece, str))
        self._bytes = 0

    def _put(self, piece: bytes | str | Size) -> None:
        if isinstance(piece, bytes):
            self._bytes += len(piece)
        self._waiting.append(piece)
        self._wake.set()


class Audience:
    """Everybody who watches, the presenter among them."""

    def __init__(self, ask_whole: Callable[[], None]) -> None:
        self._ask_whole = ask_whole
        self._asked: asyncio.TimerHandle | None = None
        self._last_whole = -WHOLE_PERIOD_S
        self._viewers: set[Seat] = set()
        self._presenter: Seat | None = None
        self._gathered: list[bytes] = []
        self._handing_on: asyncio.TimerHandle | None = None
        self._size: Size | None = None

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    def seat_viewer(self, wire: Wire) -> Seat:
        seat = Seat(wire, types=False, drained=self.want_whole)
        self._viewers.add(seat)
        return seat

    def seat_presenter(self, wire: Wire) -> Seat:
        """Give the presenter's seat to the newest: a browser that loads the page again may still hold the old one."""
        if self._presenter is not None:
            self._presenter.tell("replaced", "This app is now used in another window.")
            self._presenter.leave()
        self._presenter = Seat(wire, types=True, drained=self.want_whole)
        return self._presenter

    def presents(self, seat: Seat) -> bool:
        """Whether the seat is still the presenter's."""
        return seat is self._presenter

    def unseat(self, seat: Seat) -> None:
        self._viewers.discard(seat)
        if seat is self._presenter:
            self._presenter = None

    def want_whole(self) -> None:
        """Ask the app for the whole screen soon, once for all who need it."""
        if self._asked is None:
            loop = asyncio.get_running_loop()
            self._asked = loop.call_at(max(loop.time(), self._last_whole + WHOLE_PERIOD_S), self._ask_whole)

    def tell_presenter(self, kind: str, value: object) -> None:
        if self._presenter is not None:
            self._presenter.tell(kind, value)

    def draw(self, drawn: Drawn) -> None:
        """Hand on what the app drew: at once to the presenter, gathered to the viewers."""
        if drawn.whole_of is not None:
            self._show(drawn.whole_of, drawn.data)
            return
        if self._presenter is not None:
            self._presenter.draw(drawn.data)
        # What the presenter copies is nothing for other people's clipboards.
        if self._viewers and not drawn.data.startswith(_CLIPBOARD):
            self._gathered.append(drawn.data)
            if self._handing_on is None:
                self._handing_on = asyncio.get_running_loop().call_later(VIEWER_PERIOD_S, self._hand_on)

    def end(self, sentence: str) -> None:
        """Tell all browsers why nothing more comes, and let them go."""
        self._hand_on()
        for seat in self._everybody():
            seat.tell("ended", sentence)
            seat.leave()

    def _show(self, size: Size, whole: bytes) -> None:
        self._hand_on()  # it was drawn before
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None
        self._last_whole = asyncio.get_running_loop().time()
        resized, self._size = size != self._size, size
        for seat in self._everybody():
            if resized or seat.needs_whole:
                seat.show(size, whole)

    def _hand_on(self) -> None:
        if self._handing_on is not None:
            self._handing_on.cancel()
            self._handing_on = None
        data = b"".join(self._gathered)
        self._gathered.clear()
        if data:
            for seat in self._viewers:
                seat.draw(data)

    def _everybody(self) -> list[Seat]:
        return [*self._viewers, *([self._presenter] if self._presenter else [])]
