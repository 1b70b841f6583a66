"""Themes: TOML files, each validated on its own, so that a bad one is left out and named and the others work.

A file gives `name`, `primary` and any other field of textual's Theme; `[variables]` may set the studio's own colours
(`theme_files.VARIABLE_DEFAULTS`) and any variable of textual's. `themes/README.md` tells it to users.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from textual.app import InvalidThemeError
from textual.theme import BUILTIN_THEMES, Theme

from studio.tui.theme_files import StudioTheme, read_theme

WITHOUT_COLOUR = "studio-ansi"
"""What is shown where NO_COLOR is set."""

_ROOT = Path(__file__).resolve().parent.parent
_SHIPPED = (_ROOT.parent / "themes", _ROOT / "_shipped" / "themes")
"""Where the themes that ship lie: in a checkout, in an installed package."""


def load_themes(folder: Path) -> tuple[list[StudioTheme], list[str]]:
    """The themes that ship, then the user's in `folder`, and one sentence for each file that cannot be used."""
    files: dict[Path, None] = {}
    for place in (*_SHIPPED, folder):
        if place.is_dir():
            files.update(dict.fromkeys(sorted(path.resolve() for path in place.glob("*.toml"))))
    themes: dict[str, StudioTheme] = {}
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


def theme_to_use(wanted: str, *, no_color: bool, available: Mapping[str, Theme]) -> str:
    """The name of the theme to begin with. Where NO_COLOR is set: the terminal's own colours.

    Raises InvalidThemeError where there is no theme of that name.
    """
    if no_color and WITHOUT_COLOUR in available:
        return WITHOUT_COLOUR
    if wanted not in available:
        raise InvalidThemeError(wanted)
    return wanted


def told_failures(failures: list[str]) -> str:
    """One notice of them all; empty where there are none."""
    return "Themes that were left out:\n" + "\n".join(failures) if failures else ""
