"""What browsers load: our page around the terminal (xterm.js, a style sheet, a font) that textual-serve ships.

Everything comes from here, so that it works without a network. Textual-serve's own page takes its font from elsewhere,
and starts an app of its own for everybody who opens it; of it only these files are used.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as files_of
from importlib.resources.abc import Traversable
from typing import Literal


@dataclass(frozen=True)
class File:
    type: str
    charset: str | None
    gzipped: bytes
    etag: str


@cache
def files() -> dict[str, File]:
    """The files by name, compressed once for all browsers."""
    ours, theirs = files_of(__name__), files_of("textual_serve") / "static"
    return {
        "stage.js": _file(ours / "stage.js", "text/javascript"),
        "stage.css": _file(ours / "stage.css", "text/css"),
        "textual.js": _file(theirs / "js" / "textual.js", "text/javascript"),
        "xterm.css": _file(theirs / "css" / "xterm.css", "text/css"),
        "mono.ttf": _file(theirs / "fonts" / "RobotoMono-VariableFont_wght.ttf", "font/ttf"),
    }


@cache
def page(role: Literal["presenter", "viewer"]) -> str:
    """The page; the same for everybody but for the word that says who looks at it."""
    return (files_of(__name__) / "index.html").read_text("utf-8").replace("{role}", role)


def _file(source: Traversable, kind: str) -> File:
    data = source.read_bytes()
    return File(
        type=kind,
        charset="utf-8" if kind.startswith("text/") else None,
        gzipped=gzip.compress(data, mtime=0),
        etag=f'"{hashlib.sha256(data).hexdigest()[:32]}"',
    )
