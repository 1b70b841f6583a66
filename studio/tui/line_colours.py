"""The colours behind a line, without the widget they were asked for."""

from __future__ import annotations

from functools import lru_cache

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style


@lru_cache(1024)
def _inner_and_outer(base_background: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base_background + background), Style(background=base_background)


def let_go_of_lines() -> None:
    """Have textual keep these by their colours alone.

    It keeps them by the cache of lines that asks too, and so, of widgets that went, a thousand such caches with all
    that was ever drawn of them.
    """
    StylesCache.get_inner_outer = staticmethod(_inner_and_outer)  # type: ignore[method-assign, assignment]
