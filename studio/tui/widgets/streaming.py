"""Text that arrives piece by piece, drawn so that typing never waits for it.

Textual gives keys no priority over the work of painting. Markdown parsed and mounted at every token of five panes
starves the keyboard; so deltas are only collected here, and one flusher visits the panes about twelve times a second,
one after another, giving the event loop back after each. What still grows is drawn as plain text; blocks are mounted
as Markdown once they are complete.
"""

from __future__ import annotations

import asyncio
from functools import cache
from weakref import WeakSet

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.dom import NoScreen
from textual.errors import NoWidget
from textual.widgets import Markdown, Static

from studio.tui.plain_text import displayable

FLUSH_PERIOD_S = 1 / 12


@cache
def markdown_parser() -> MarkdownIt:
    """CommonMark with tables and strike-through; HTML is text, and a line end stays a line end."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("keep_line_ends", _keep_line_ends)
    return parser


def _keep_line_ends(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"


def complete_blocks(text: str) -> int:
    """How many leading characters of `text` are blocks that no later text can change.

    A block ends at a blank line outside a code fence, if the line after it begins at the margin and is no list item:
    list items would still join the list before the blank line.
    """
    end, fence, blank_before, position = 0, "", False, 0
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        mark = line.lstrip()[:3]
        if fence:
            fence = "" if mark == fence else fence
        else:
            if blank_before and line.strip() and not _may_continue(line):
                end = position
            fence = mark if mark in ("```", "~~~") else ""
        blank_before = not fence and not line.strip()
        position += len(line)
    return end


def _may_continue(line: str) -> bool:
    return line[0] in " \t-*+>" or line[0].isdigit()


class StreamedMarkdown(Vertical):
    """An answer's text: given whole, or by `write` while it streams and `finish` at its end.

    While it streams it must be known to the app's StreamFlusher: `app.flusher.add(pane)`, and `remove` at the end.
    """

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._mounted_text = displayable(text)
        self._tail = ""
        self._arrived: list[str] = []
        self._blocks = Markdown(self._mounted_text, parser_factory=markdown_parser, open_links=False)
        self._growing = Static("", markup=False, classes="growing")
        self._growing.display = False

    def compose(self) -> ComposeResult:
        yield self._blocks
        yield self._growing

    def write(self, delta: str) -> None:
        """Take in more text; it is drawn at the flusher's next visit."""
        self._arrived.append(delta)

    async def finish(self, text: str) -> None:
        """The stream is over and this is the whole text: draw all of it as Markdown."""
        self._arrived.clear()
        self._tail = ""
        self._growing.display = False
        self._growing.update("")
        whole = displayable(text)
        if whole == self._mounted_text:
            return
        if self._mounted_text and whole.startswith(self._mounted_text):
            await self._blocks.append(whole[len(self._mounted_text) :])
        else:
            await self._blocks.update(whole)
        self._mounted_text = whole

    @property
    def waits(self) -> bool:
        """Whether text has arrived that is not drawn and would be seen."""
        return bool(self._arrived) and self.is_attached and self._in_sight

    @property
    def _in_sight(self) -> bool:
        """Not in a hidden tab, on another screen, or scrolled away. What is still empty counts as seen."""
        if not self.screen.is_current:
            return False
        try:
            place = self.screen.find_widget(self)
        except (NoScreen, NoWidget):
            return False
        return place.region.height == 0 or bool(place.visible_region)

    async def flush(self) -> None:
        """Draw what has arrived."""
        self._tail += displayable("".join(self._arrived))
        self._arrived.clear()
        if ready := complete_blocks(self._tail):
            done, self._tail = self._tail[:ready], self._tail[ready:]
            await self._blocks.append(done)
            self._mounted_text += done
        self._growing.display = True
        self._growing.update(Content(self._tail.strip("\n")))


class StreamFlusher:
    """Visits all panes in turn. One per app; runs while at least one pane streams."""

    def __init__(self) -> None:
        self._panes: WeakSet[StreamedMarkdown] = WeakSet()
        self._task: asyncio.Task[None] | None = None

    def add(self, pane: StreamedMarkdown) -> None:
        """Begin to visit a pane."""
        self._panes.add(pane)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._visit())

    def remove(self, pane: StreamedMarkdown) -> None:
        self._panes.discard(pane)

    async def _visit(self) -> None:
        while self._panes:
            await asyncio.sleep(FLUSH_PERIOD_S)
            for pane in list(self._panes):
                if pane.waits:
                    await pane.flush()
                    await asyncio.sleep(0)
