"""What server and app say to each other over the app's standard input and output.

Packets are those of Textual's web driver: a letter (D for what terminals get or send, M for JSON), the length in four
bytes, the payload. Two kinds of M are our own: the server asks for the whole screen, and the app announces that the
next D is one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

READY_LINE = b"__GANGLION__\n"
"""What the web driver writes before its first packet."""
ASK_WHOLE = "ask_whole"
WHOLE_FOLLOWS = "whole_follows"


@dataclass(frozen=True)
class Size:
    """Of a terminal, in cells."""

    width: int
    height: int


@dataclass(frozen=True)
class Drawn:
    """Bytes for terminals; with `whole_of`, they paint all of a screen of that size, whatever was there before."""

    data: bytes
    whole_of: Size | None = None


@dataclass(frozen=True)
class Told:
    """Anything else the app says: `exit`, `open_url`, the delivery of a file."""

    kind: str
    values: dict[str, Any]


def typed(data: bytes) -> bytes:
    return _packet(b"D", data)


def told(kind: str, **values: object) -> bytes:
    return _packet(b"M", json.dumps({"type": kind, **values}).encode())


def _packet(letter: bytes, payload: bytes) -> bytes:
    return letter + len(payload).to_bytes(4, "big") + payload


async def packets(stream: asyncio.StreamReader) -> AsyncIterator[Drawn | Told]:
    """What the app says, until it says no more."""
    whole_of: Size | None = None
    while True:
        try:
            head = await stream.readexactly(5)
            payload = await stream.readexactly(int.from_bytes(head[1:], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if head[:1] == b"D":
            yield Drawn(payload, whole_of)
            whole_of = None
        elif head[:1] == b"M":
            values = json.loads(payload)
            if values["type"] == WHOLE_FOLLOWS:
                whole_of = Size(values["width"], values["height"])
            else:
                yield Told(values["type"], values)
