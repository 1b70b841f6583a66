"""Signs for terminals that show no others than those of ASCII: borders, bars, marks and arrows in plain letters.

One filter over what is drawn, so that no screen and no widget needs to know; everything keeps its width.
"""

from __future__ import annotations

import locale
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from rich.cells import split_graphemes
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

Signs = Literal["auto", "unicode", "ascii"]

_PLAIN_TERMINALS = frozenset(("linux", "dumb", "vt100", "vt102", "vt220", "cons25"))
"""Terminals whose font has next to nothing beyond letters."""

_ALIKE = {
    "←◀◂◁‹«⏎↵": "<",
    "→▶▸▹▷›»": ">",
    "↑▲▴△": "^",
    "↓▼▾▽⏷": "v",
    "✓✔": "+",
    "✗✘×✖": "x",
    "★●•∙◉⬤◦○": "*",
    "…": ".",
    "–—−‐‑": "-",
    "·│┃║▏▎▍▌▐▕┆┇┊┋╎╏╽╿⎹": "|",
    "─━═╌╍┄┅┈┉╼╾▔‾⎺⎻⎼": "-",
    "▁_": "_",
    "“”„": '"',
    "‘’‚": "'",
    "±": "~",
    "█■▇▆▅▉▊▋▓◼": "#",
    "▄▃▂▀▒": "=",
    "░": ".",
    "␛": "?",
    "\u00a0": " ",
    "🔎": "> ",
}
_SIGNS = {ord(sign): plain for signs, plain in _ALIKE.items() for sign in signs}


def needs_ascii_signs(wanted: Signs, environment: Mapping[str, str]) -> bool:
    """Whether to draw with ASCII alone: as the setting says, or by itself where the terminal shows no more."""
    if wanted != "auto":
        return wanted == "ascii"
    return environment.get("TERM", "") in _PLAIN_TERMINALS or needs_ascii_letters(environment)


def needs_ascii_letters(environment: Mapping[str, str]) -> bool:
    """Whether not even letters beyond ASCII arrive whole: what is written is UTF-8, and the locale another."""
    named = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    encoding = named.partition(".")[2].partition("@")[0] or locale.getencoding()
    return encoding.casefold().replace("-", "").replace("_", "") not in ("utf8", "cp65001")


@lru_cache(maxsize=4096)
def in_ascii(text: str, *, letters: bool) -> str:
    """The text with every sign in ASCII and as wide as before; with `letters` those too: é as e, what has none as ?."""
    if text.isascii():
        return text
    clusters, _ = split_graphemes(text)
    return "".join(_plain(text[start:end], width, letters=letters) for start, end, width in clusters)


def _plain(cluster: str, width: int, *, letters: bool) -> str:
    """One sign as it is seen: a letter with what is set upon it, an emoji of several code points."""
    if cluster.isascii():
        return cluster
    code = ord(cluster[0])
    if len(cluster) == 1 and (plain := _SIGNS.get(code) or _of_block(code)) is not None:
        return plain
    if letters:
        bare = unicodedata.normalize("NFKD", cluster).encode("ascii", "ignore").decode()
        return bare if len(bare) == width else "?" * width
    return cluster if unicodedata.category(cluster[0])[0] in "LMNZ" else "?" * width


def _of_block(code: int) -> str | None:
    if 0x2500 <= code < 0x2580:  # corners and crossings of lines
        return "+"
    if 0x2580 <= code < 0x25A0:
        return "#"
    if 0x2800 <= code < 0x2900:  # braille, in which curves are drawn
        return "*" if code > 0x2800 else " "
    return None


class AsciiSigns(LineFilter):
    """Draws every line in ASCII; with `letters` also what users and models wrote."""

    def __init__(self, *, letters: bool, enabled: bool = False) -> None:
        super().__init__(enabled=enabled)
        self._letters = letters

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - textual's signature
        return [
            segment if segment.text.isascii() else segment._replace(text=in_ascii(segment.text, letters=self._letters))
            for segment in segments
        ]
