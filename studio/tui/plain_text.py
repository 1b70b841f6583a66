"""Text that is safe to draw: what users and models wrote must never steer the terminal."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

from studio.domain.steering import STEERING, SURROGATES

_STEERING = re.compile(rf"[{STEERING}{SURROGATES}\u2028\u2029]")  # and the separators, which are no line ends here


def displayable(text: str) -> str:
    """The text with every steering character made visible: ESC as ␛, other controls as their picture or as �."""
    return _STEERING.sub(_picture, text.replace("\r\n", "\n"))


def typed(text: str) -> str:
    """The text as an editor takes it in: line ends as newlines, steering characters left out."""
    return _STEERING.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, limit: int = 80) -> str:
    """The text as one displayable line of at most `limit` cells, for titles and lists: 漢 and most emoji take two."""
    line = " ".join(displayable(text).split())
    return line if cell_len(line) <= limit else set_cell_size(line, max(0, limit - 1)).rstrip() + "…"


def end_of_line(text: str, limit: int) -> str:
    """As one_line, but where it is too long its end: that of a path tells more than its beginning."""
    line = " ".join(displayable(text).split())
    if cell_len(line) <= limit:
        return line
    start = next((at for at in range(len(line)) if cell_len(line[at:]) < limit), len(line))
    return "…" + line[start:]


def padded(text: str, width: int) -> str:
    """The text and as many spaces as make it this many cells wide; longer text stays as it is."""
    return text + " " * (width - cell_len(text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "�"
