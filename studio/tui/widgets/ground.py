"""Containers and text that cost little to draw: parts of what grows while somebody types.

Textual draws a container beneath its children, all its lines, whenever something within it is drawn; and lays the
screen out a second time after whatever has changed its size, for the scrollbars that might be needed. These containers
have no border and nothing of their own to draw: BLANK tells textual, which draws one blank line, repeated. And they ask
for no second layout: where a scrollbar appears, textual asks for one by itself.
"""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Container, Vertical, VerticalScroll
from textual.geometry import NULL_SIZE
from textual.reactive import Reactive
from textual.widgets import Static


class Ground(Container):
    """A Container without border."""

    BLANK: ClassVar[bool] = True


class VerticalGround(Vertical):
    """A Vertical without border."""

    BLANK: ClassVar[bool] = True
    virtual_size = Reactive(NULL_SIZE, layout=False, repaint=False)


class ScrolledGround(VerticalScroll):
    """A VerticalScroll without border."""

    BLANK: ClassVar[bool] = True
    virtual_size = Reactive(NULL_SIZE, layout=False, repaint=False)


class PlainText(Static):
    """Text without markup."""

    virtual_size = Reactive(NULL_SIZE, layout=False, repaint=False)

    def __init__(self, text: str = "", *, classes: str | None = None) -> None:
        super().__init__(text, markup=False, classes=classes)
