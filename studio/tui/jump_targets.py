"""What can be jumped to on a screen, where it is, and which letters stand for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from string import ascii_lowercase
from typing import Any, NamedTuple

from textual import events
from textual.errors import NoWidget
from textual.geometry import Offset, Region
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Tab

from studio.tui.widgets.header import ModeTab

LETTERS = "asdfghjkl" + "".join(letter for letter in ascii_lowercase if letter not in "asdfghjkl")
"""Those under the fingers first."""


class Target(NamedTuple):
    """Something that takes the focus, or does something at a click; `code` is what is typed."""

    widget: Widget
    code: str


def targets_on(screen: Screen[Any]) -> list[Target]:
    """Everything in sight, row by row; the tabs of the header last, for they have keys of their own."""
    seen: dict[Widget, Region] = {}
    for widget in (*screen.focus_chain, *_clickable(screen)):
        if region := _seen(screen, widget):
            seen[widget] = region
    ordered = sorted(seen, key=lambda one: (isinstance(one, ModeTab), seen[one].y, seen[one].x))
    return [Target(widget, code) for widget, code in zip(ordered, codes(len(ordered)), strict=True)]


def places_of(screen: Screen[Any], targets: Iterable[Target]) -> dict[Target, Offset]:
    """Where each code stands now: where its target begins, or beside another code there. Without those out of sight."""
    places: dict[Target, Offset] = {}
    taken: set[Offset] = set()
    for target in targets:
        if region := _seen(screen, target.widget):
            at = _free(region.offset, len(target.code), taken, screen.size.width)
            taken.update(Offset(at.x + column, at.y) for column in range(len(target.code)))
            places[target] = at
    return places


def codes(count: int) -> list[str]:
    """So many different codes, of which none begins another: single letters as far as they go, then pairs."""
    firsts = 0
    while len(LETTERS) - firsts + firsts * len(LETTERS) < count:
        firsts += 1
    alone = len(LETTERS) - firsts
    return [*LETTERS[:alone], *(first + second for first in LETTERS[alone:] for second in LETTERS)][:count]


def jump_to(screen: Screen[Any], widget: Widget) -> None:
    """Focus it; what takes no focus is clicked."""
    if not widget.is_attached:
        return  # it has gone meanwhile
    if widget.focusable:
        screen.set_focus(widget)
    else:
        x, y = widget.region.offset
        # Stopped: bubbling up it would be taken for the mouse's own, and click what lies at its place by then.
        widget.post_message(events.Click(widget, 0, 0, 0, 0, 1, False, False, False, x, y).stop())


def _clickable(screen: Screen[Any]) -> Iterator[Widget]:
    for widget in screen.query("*"):
        clicks = isinstance(widget, Tab) or hasattr(widget, "on_click")
        if clicks and not widget.can_focus and not widget.has_class("-active") and not widget.is_disabled:
            yield widget


def _seen(screen: Screen[Any], widget: Widget) -> Region | None:
    """What of it is in sight; None where nothing is."""
    try:
        region = screen.find_widget(widget).visible_region
    except NoWidget:
        return None
    return region if region.area else None


def _free(wanted: Offset, width: int, taken: Set[Offset], room: int) -> Offset:
    """The first place from there on to the right with a cell between codes: a frame and what fills it begin alike."""
    x, y = min(wanted.x, room - width), wanted.y
    while any(Offset(column, y) in taken for column in range(x - 1, x + width + 1)) and x + 1 + width <= room:
        x += 1
    return Offset(x, y)
