"""Ways to damage a file: bytes, numbers, pieces of text. All are drawn from one Random, so that a seed repeats."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

_WHOLE = (0, 1, 2, 3, 7, 8, 9, 31, 32, 255, 256, 1 << 15, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
_WIDE = (*_WHOLE, 1 << 32, (1 << 62) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
NASTY = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m\u202e",
    "[bold]x[/]",
    "{{ 7 * 7 }}",
    "'; DROP TABLE correction; --",
    "=HYPERLINK(0)",
    "\x00",
    "\ud83d",
    "9" * 5_000,
    "-1e999",
    "NaN",
    "[" * 3_000,
    "{" * 3_000,
    '"' * 3,
    "a." * 3_000 + "b = 1",
    "x" * 100_000,
    "(a+)+$",
    "../../../../etc/passwd",
    "/dev/zero",
    "null",
    "true",
    "[]",
    "{}",
    "1979-05-27T07:32:00Z",
)


def damaged_bytes(raw: bytes, draw: random.Random, *, within: int | None = None) -> bytes:
    """The bytes with one to eight injuries, each in the first `within` of them where that is given."""
    made = bytearray(raw)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        _injure(made, draw, min(within or len(made), len(made)))
    return bytes(made)


def _injure(made: bytearray, draw: random.Random, within: int) -> None:
    if not within:
        made += draw.randbytes(16)
        return
    at = draw.randrange(within)
    length = draw.choice((1, 4, 8, 64, 512))
    match draw.randrange(8):
        case 0:
            made[at] ^= 1 << draw.randrange(8)
        case 1:
            made[at : at + length] = draw.randbytes(len(made[at : at + length]))
        case 2:
            made[at : at + length] = bytes(len(made[at : at + length]))
        case 3:
            del made[at : at + length]
        case 4:
            made[at:at] = draw.randbytes(length)
        case 5:
            start = draw.randrange(within)
            made[at:at] = made[start : start + length]
        case 6:
            del made[at:]
        case 7:
            made[at : at + 4] = struct.pack("<I", draw.choice(_WHOLE))


def damaged_fields(raw: bytes, fields: Sequence[tuple[int, int]], draw: random.Random) -> bytes:
    """One to three of the numbers at these (offset, width) replaced by ones that mean something."""
    made = bytearray(raw)
    for at, width in draw.sample(fields, draw.choice((1, 1, 1, 2, 3))):
        old = int.from_bytes(made[at : at + width], "little")
        value = draw.choice((draw.choice(_WIDE), old + 1, max(0, old - 1), old * 2, old << draw.randrange(40)))
        made[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    return bytes(made)


def damaged_text(text: str, draw: random.Random) -> bytes:
    """Text with lines, words and values moved, doubled, dropped or replaced by nasty ones; now and then plain bytes."""
    if draw.random() < 0.2:
        return damaged_bytes(text.encode("utf-8", "surrogatepass"), draw)
    lines = text.split("\n")
    for _ in range(draw.choice((1, 1, 2, 3))):
        at = draw.randrange(len(lines))
        match draw.randrange(6):
            case 0:
                lines[at : at + 1] = []
            case 1:
                lines.insert(draw.randrange(len(lines) + 1), lines[at])
            case 2:
                lines.insert(at, draw.choice(NASTY))
            case 3:
                lines[at] = _other_value(lines[at], draw)
            case 4:
                place = draw.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:place] + draw.choice(NASTY) + lines[at][place:]
            case 5:
                lines[at] = lines[at][: draw.randrange(len(lines[at]) + 1)]
        lines = lines or [""]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _other_value(line: str, draw: random.Random) -> str:
    """The value of one 'key = value' or '"key": value' replaced."""
    nasty = draw.choice(NASTY)
    value = draw.choice(
        (nasty, f'"{nasty}"', "-1", "0", "1e308", "[[1]]", "{a=1}", '{"a": 1}', '""', "99999999999999999999")
    )
    for sign in draw.sample(("=", ": "), 2):
        parts = line.split(sign)
        if len(parts) > 1:
            at = draw.randrange(1, len(parts))
            _, comma, rest = parts[at].partition(",")
            parts[at] = f" {value}{comma}{rest}"
            return sign.join(parts)
    return value
