"""One theme file, read and checked: every message names the field, its line, and what may stand there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.design import ColorSystem
from textual.theme import Theme

from studio.small_files import parse_toml, read_small

VARIABLE_DEFAULTS = {
    "arm-1": "$foreground-muted",
    "arm-2": "$primary",
    "arm-3": "$accent",
    "arm-4": "$secondary",
    "arm-5": "$success",
    "arm-6": "$warning",
    "diff-insert": "$text-success",
    "diff-delete": "$text-error",
    "pane-border": "$panel",
}
"""The studio's own variables: one colour per arm in the order of the settings, those of a diff, and of frames."""

LARGEST_FILE = 64 * 1024
MOST_TOLD = 4
COLOURS = frozenset(
    "primary secondary warning error success accent foreground background surface panel boost".split()  # noqa: SIM905
)
_FLAGS = frozenset(("dark", "ansi"))
_NUMBERS = frozenset(("luminosity_spread", "text_alpha"))
_TEXTS = frozenset(("name", "about"))
_FIELDS = COLOURS | _FLAGS | _NUMBERS | _TEXTS | {"variables"}
_A_COLOUR = "a colour is written '#7aa2c9', 'rgb(122, 162, 201)', by its CSS name, or as 'ansi_blue'"
_A_VARIABLE = f"{_A_COLOUR}; here also with a share such as '#7aa2c9 35%', 'auto 60%', or '$primary'"
_GROUNDS = ("foreground", "background", "surface", "panel", "boost")
_OF_TERMINAL = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border-blurred": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-text-style": "reverse",
    "block-cursor-blurred-text-style": "bold underline",
    "input-cursor-background": "ansi_default",
    "input-cursor-foreground": "ansi_default",
    "input-cursor-text-style": "reverse",
    "footer-key-foreground": "ansi_default",
}
"""What textual leaves open in themes of the terminal's colours, and what is seen in them without any colour too."""
_STYLES = frozenset(("none", "not", "bold", "b", "dim", "italic", "i", "underline", "u", "strike", "s", "reverse", "r"))
_VARIABLE = re.compile(r"(?P<colour>.+?)(?:\s+(?P<share>\d{1,3}(?:\.\d+)?)%)?")


@dataclass
class StudioTheme(Theme):
    """A theme with a few words on what it is for."""

    about: str = ""


def read_theme(file: Path) -> StudioTheme:
    """One theme. Raises ValueError with everything that is wrong, each in a sentence."""
    text = _text_of(file)
    try:
        table = parse_toml(text)
    except ValueError as error:
        raise ValueError(f"is not TOML ({error})") from error
    problems = [f"{_place(text, key, problem.table)}{problem.words}" for key, problem in _problems(table)]
    if problems:
        more = len(problems) - MOST_TOLD
        told = [*problems[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
        raise ValueError("; ".join(told))
    if table.get("ansi"):
        table = {**dict.fromkeys(_GROUNDS, "ansi_default"), **table}
        table["variables"] = {**_OF_TERMINAL, **table.get("variables", {})}
    return StudioTheme(**table)


@dataclass(frozen=True, slots=True)
class _Problem:
    words: str
    table: str = ""


def _text_of(file: Path) -> str:
    try:
        return read_small(file, LARGEST_FILE).decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text") from error
    except ValueError as error:
        raise ValueError(f"is larger than {LARGEST_FILE // 1024} KiB, which no theme is") from error


def _place(text: str, key: str, table: str) -> str:
    """'line 3: ' where the field is found in the file, within `[table]` where one is given."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            inside = header[1]
        if inside == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return f"line {number}: "
    return ""


def _problems(table: dict[str, Any]) -> Iterator[tuple[str, _Problem]]:
    """What is wrong, by field."""
    if not isinstance(name := table.get("name"), str) or not name.strip() or not name.isprintable():
        yield "name", _Problem('it has no name; give it one: name = "my-theme"')
    if "primary" not in table:
        yield "primary", _Problem("it has no primary colour, the one field besides the name that must be there")
    for key, value in table.items():
        if (words := _wrong_field(key, value)) is not None:
            yield key, _Problem(words)
    variables = table.get("variables", {})
    if isinstance(variables, dict):
        known = known_variables()
        for key, value in variables.items():
            words = _wrong_variable(key, value, known)
            if words is None and str(variables.get(str(value).removeprefix("$"), "")).startswith("$"):
                words = f"'{key}' refers to '{value}', which only refers to another one itself"
            if words is not None:
                yield key, _Problem(words, "variables")


def _wrong_field(key: str, value: object) -> str | None:
    wrong: str | None = None
    if key not in _FIELDS:
        near = _near(key, _FIELDS)
        wrong = f"'{key}' is no field of a theme{near or '; there are ' + ', '.join(sorted(_FIELDS))}"
    elif key in COLOURS and not _is_colour(value):
        wrong = f"'{key}' is no colour: {_shown(value)}; {_A_COLOUR}"
    elif key in _FLAGS and not isinstance(value, bool):
        wrong = f"'{key}' must be true or false"
    elif key in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1):
        wrong = f"'{key}' must be a number from 0 to 1"
    elif key == "about" and (not isinstance(value, str) or not value.isprintable()):
        wrong = "'about' must be text in one line"
    elif key == "variables" and not isinstance(value, dict):
        wrong = "'variables' must be a table: [variables]"
    return wrong


def known_variables() -> frozenset[str]:
    """Every variable that a theme may set."""
    return frozenset(ColorSystem("#000000").generate()) | VARIABLE_DEFAULTS.keys() | _OF_TERMINAL.keys()


def _wrong_variable(key: str, value: object, known: frozenset[str]) -> str | None:
    wrong: str | None = None
    if key not in known:
        wrong = f"there is no variable '{key}'{_near(key, known) or '; themes/README.md says where they are listed'}"
    elif not isinstance(value, str) or not value.strip():
        wrong = f"variable '{key}' must be text in quotes"
    elif key.endswith("-style"):
        if not _is_style(value):
            wrong = f"'{key}' is no style of text: {_shown(value)}; such as 'bold underline'"
    elif value.startswith("$"):
        if value[1:] not in known:
            wrong = f"'{key}' refers to {_shown(value)}, which is no variable{_near(value[1:], known)}"
    elif not _is_colour(value if key in VARIABLE_DEFAULTS else _without_share(value)):
        wrong = f"'{key}' is no colour: {_shown(value)}; {_A_COLOUR if key in VARIABLE_DEFAULTS else _A_VARIABLE}"
    return wrong


def _without_share(value: str) -> str:
    """The colour of '#7aa2c9 35%'; for what only a style sheet knows any colour."""
    parts = _VARIABLE.fullmatch(value.strip())
    colour = parts["colour"] if parts else ""
    return "#000000" if colour in ("auto", "transparent", "initial") else colour


def _is_colour(value: object) -> bool:
    try:
        Color.parse(str(value))
    except ColorParseError:
        return False
    return isinstance(value, str)


def _is_style(value: str) -> bool:
    return set(value.split()) <= _STYLES


def _near(word: str, known: frozenset[str]) -> str:
    found = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


def _shown(value: object) -> str:
    text = str(value)
    return f"'{text if len(text) <= 40 else text[:40] + '…'}'"
