"""Themes: TOML files, each validated on its own, so that a bad one is left out and named and the others work.

A file gives `name`, `primary` and any other field of textual's Theme; `[variables]` may set the studio's own colours,
whose defaults are below, and any variable of textual's.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from textual.app import InvalidThemeError
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

VARIABLE_DEFAULTS = {
    "arm-1": "$foreground-muted",
    "arm-2": "$primary",
    "arm-3": "$accent",
    "arm-4": "$secondary",
    "arm-5": "$success",
    "arm-6": "$warning",
    "diff-insert": "$text-success",
    "diff-delete": "$text-error",
}
"""The studio's own variables, one colour per arm in the order of the settings, and those of a diff."""

_COLOURS = frozenset(
    "primary secondary warning error success accent foreground background surface panel boost".split()  # noqa: SIM905
)
_FLAGS = frozenset(("dark", "ansi"))
_NUMBERS = frozenset(("luminosity_spread", "text_alpha"))
_ROOT = Path(__file__).resolve().parent.parent
_SHIPPED = (_ROOT.parent / "themes", _ROOT / "_shipped" / "themes")
"""Where the themes that ship lie: in a checkout, in an installed package."""


def load_themes(folder: Path) -> tuple[list[Theme], list[str]]:
    """The themes that ship, then the user's in `folder`, and one sentence for each file that cannot be used."""
    files: dict[Path, None] = {}
    for place in (*_SHIPPED, folder):
        if place.is_dir():
            files.update(dict.fromkeys(sorted(path.resolve() for path in place.glob("*.toml"))))
    themes: dict[str, Theme] = {}
    failures: list[str] = []
    for file in files:
        try:
            theme = read_theme(file)
            if theme.name in themes or theme.name in BUILTIN_THEMES:
                failures.append(f"{file.name}: there is a theme named '{theme.name}' already")
            else:
                themes[theme.name] = theme
        except ValueError as error:
            failures.append(f"{file.name}: {error}")
    return list(themes.values()), failures


def read_theme(file: Path) -> Theme:
    """One theme. Raises ValueError with what is wrong, in a few words."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not TOML ({error})") from error
    name = table.pop("name", None)
    if not isinstance(name, str) or not name.strip():
        raise ValueError("has no name")
    if "primary" not in table:
        raise ValueError("has no primary colour")
    variables = table.pop("variables", {})
    if not isinstance(variables, dict):
        raise ValueError("'variables' is not a table")
    for key, value in table.items():
        _refuse_bad(key, value)
    return Theme(name=name, variables={key: _variable(key, value) for key, value in variables.items()}, **table)


def theme_to_use(wanted: str, *, no_color: bool, available: dict[str, Theme]) -> str:
    """The name of the theme to begin with. Where NO_COLOR is set: the terminal's own colours.

    Raises InvalidThemeError where there is no theme of that name.
    """
    if wanted not in available:
        raise InvalidThemeError(wanted)
    if no_color:
        return "ansi-dark" if available[wanted].dark else "ansi-light"
    return wanted


def _refuse_bad(key: str, value: object) -> None:
    if key in _COLOURS:
        _refuse_bad_colour(key, value)
    elif key in _FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"'{key}' must be true or false")
    elif key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ValueError(f"'{key}' must be a number from 0 to 1")
    else:
        raise ValueError(f"'{key}' is no field of a theme")


def _refuse_bad_colour(key: str, value: object) -> None:
    try:
        Color.parse(str(value))
    except ColorParseError as error:
        raise ValueError(f"'{key}' is no colour: {value}") from error


def _variable(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"variable '{key}' must be text")
    if key in VARIABLE_DEFAULTS and not value.startswith("$"):
        _refuse_bad_colour(key, value)
    return value
