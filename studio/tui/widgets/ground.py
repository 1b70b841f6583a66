"""Containers and text that cost little to draw: parts of what grows while somebody types.

Textual draws a container beneath its children, all its lines, whenever something within it is drawn; and lays the
screen out a second time after whatever has changed its size, for the scrollbars that might be needed. These containers
have no border and nothing of their own to draw: BLANK tells textual, which draws one blank line, repeated. And they ask
for no second layout: where a scrollbar appears, textual asks for one by itself.

A widget that is to be drawn anew is asked for its size, which textual looks up among the places of all widgets: once
something was mounted, it finds all their places for that, only to find them again with the layout that follows. These
know their size from the layout before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.containers import Container, Vertical, VerticalScroll
from textual.geometry import NULL_SIZE, Size
from textual.reactive import Reactive
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.widget import Widget


class SizeKept:
    """Of a widget: it knows its size since it was laid out last. No widget itself, for styles come from the first base
    that is one."""

    virtual_size = Reactive(NULL_SIZE, layout=False, repaint=False)

    @property
    def size(self) -> Size:
        widget = cast("Widget", self)
        return widget.outer_size.region.shrink(widget.styles.gutter).size


class Ground(Container):
    """A Container without border."""

    BLANK: ClassVar[bool] = True


class VerticalGround(SizeKept, Vertical):
    """A Vertical without border."""

    BLANK: ClassVar[bool] = True


class ScrolledGround(SizeKept, VerticalScroll):
    """A VerticalScroll without border."""

    BLANK: ClassVar[bool] = True


class PlainText(SizeKept, Static):
    """Text without markup."""

    def __init__(self, text: str = "", *, classes: str | None = None) -> None:
        super().__init__(text, markup=False, classes=classes)
