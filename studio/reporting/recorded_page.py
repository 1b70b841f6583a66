"""A recording as one self-contained page: stills to step through with keys, and the cast to take along.

No network. The one script is this module's own and is allowed by its hash; a still is an image, in which nothing runs
and nothing is fetched. Captions are escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from studio.reporting.terminal_text import printable

MOST_CAST_BYTES = 20_000_000
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Still:
    """The screen at one moment, as SVG, and what it shows in words."""

    svg: str
    caption: str


def without_fetching(svg: str) -> str:
    """A drawing of rich's that stands for itself: it would fetch its font, and may hold what no XML can."""
    return _NOT_XML.sub("\ufffd", _FONT_FACE.sub("", svg))


def recorded_page(title: str, stills: Sequence[Still], cast: bytes) -> str:
    """The whole page. An empty cast, or one too large to be put into a page, is left out."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    files = resources.files("studio.reporting")
    script = files.joinpath("recorded_page.js").read_text(encoding="utf-8")
    template = files.joinpath("recorded_page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["printable"] = printable
    environment.filters["image"] = lambda still: f"data:image/svg+xml;base64,{_base64(still.svg.encode())}"
    return environment.from_string(template).render(
        title=title,
        stills=stills,
        cast=f"data:application/x-asciicast;base64,{_base64(cast)}" if 0 < len(cast) <= MOST_CAST_BYTES else "",
        script=Markup(script),  # noqa: S704 - this package's own file
        script_hash=_base64(hashlib.sha256(script.encode()).digest()),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
