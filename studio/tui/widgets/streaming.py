"""Text that arrives piece by piece, drawn so that typing never waits for it.

Textual gives keys no priority over the work of painting. Markdown parsed and drawn at every token of five panes
starves the keyboard; so deltas are only collected here, and one flusher visits the panes at most twelve times a
second, one after another, giving the event loop back after each. What still grows is drawn as plain text; blocks are
drawn as Markdown once they are complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from weakref import WeakSet

from textual.app import ComposeResult
from textual.dom import NoScreen
from textual.errors import NoWidget

from studio.tui.plain_text import displayable
from studio.tui.widgets.ground import PlainText, VerticalGround
from studio.tui.widgets.markdown_blocks import complete_blocks
from studio.tui.widgets.markdown_text import MarkdownText

if TYPE_CHECKING:
    from textual.widget import Widget

FLUSH_PERIOD_S = 1 / 12
FULL_RATE_PANES = 2
"""More panes than these share their rate, so that the keyboard keeps its part of the loop."""
REST = 3
TYPING_REST = 6
"""How many times as long as a visit the loop is left alone after it, and while somebody types."""
KEY_REST_S = 0.05
"""After a key no pane is drawn for so long: its glyph comes first, and likely the next key's."""
LONGEST_WAIT_S = 0.2
"""A pane is drawn after so long, however fast somebody types."""
TYPING_S = 0.7
"""Without a key for so long, nobody types: what takes longer than a visit may begin."""
LONGEST_PAINT_S = 0.5


class StreamedMarkdown(VerticalGround):
    """An answer's text: given whole, or by `write` while it streams and `finish` at its end.

    While it streams it must be known to the app's StreamFlusher: `app.flusher.add(pane)`, and `remove` at the end.
    """

    def __init__(self, text: str = "", *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._drawn = displayable(text)
        self._tail = ""
        self._arrived: list[str] = []
        self._blocks = MarkdownText(self._drawn, classes="blocks")
        self._growing: PlainText | None = None

    def compose(self) -> ComposeResult:
        yield self._blocks

    def write(self, delta: str) -> None:
        """Take in more text; it is drawn at the flusher's next visit."""
        self._arrived.append(delta)

    async def finish(self, text: str) -> None:
        """The stream is over and this is the whole text."""
        self._arrived.clear()
        whole = displayable(text)
        if not whole.startswith(self._drawn):
            self._blocks.set_text(whole)
        elif rest := whole[len(self._drawn) :]:
            self._blocks.append(rest)
        self._drawn, self._tail = whole, ""
        if self._growing is not None:
            self._growing.display = False
            self._growing.update("")

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
            self._blocks.append(done)
            self._drawn += done
        if self._growing is None:
            self._growing = PlainText(classes="growing")
            await self.mount(self._growing)
        self._growing.display = True
        self._growing.set_class(bool(self._drawn), "-after")
        self._growing.update(self._tail.strip("\n"))


class StreamFlusher:
    """Visits all panes in turn. One per app; runs while at least one pane streams.

    Each visit is one layout and one paint of one pane, so that a key waits for that at most. Between visits the loop
    is left alone for REST times as long as the visit took: on a slow machine the panes grow in larger steps instead,
    and so they do while somebody types.
    While somebody types, visits fall between the keys.
    """

    def __init__(self) -> None:
        self._panes: WeakSet[StreamedMarkdown] = WeakSet()
        self._task: asyncio.Task[None] | None = None
        self._last_key = 0.0

    def add(self, pane: StreamedMarkdown) -> None:
        """Begin to visit a pane."""
        self._panes.add(pane)
        self._run()

    def _run(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._visit_in_turn())

    def remove(self, pane: StreamedMarkdown) -> None:
        self._panes.discard(pane)

    def give_way(self) -> None:
        """A key was pressed: let it be drawn first."""
        self._last_key = time.perf_counter()

    def _typing_left(self) -> float:
        return self._last_key + TYPING_S - time.perf_counter()

    async def between_keys(self) -> None:
        """Until a key just pressed is drawn, but not for ever where one follows the other."""
        latest = time.perf_counter() + LONGEST_WAIT_S
        while (left := min(self._last_key + KEY_REST_S, latest) - time.perf_counter()) > 0:  # noqa: ASYNC110 - as above
            await asyncio.sleep(left)

    async def in_slices(self, widget: Widget) -> None:
        """Between two changes of which each draws much: while somebody types the next waits until this one is painted,
        so that a key comes in between."""
        if self._typing_left() > 0:
            await painted(widget)

    async def _visit_in_turn(self) -> None:
        with _no_full_collections():
            while self._panes:
                for pane in list(self._panes):
                    await self.between_keys()
                    taken = await _visit(pane) if pane.waits else 0.0
                    period = FLUSH_PERIOD_S / max(1, min(len(self._panes), FULL_RATE_PANES))
                    await asyncio.sleep(max(period, (TYPING_REST if self._typing_left() > 0 else REST) * taken))


@contextlib.contextmanager
def _no_full_collections() -> Iterator[None]:
    """Put the garbage collector's full passes off: each stops the app for a tenth of a second and more."""
    young, middle, full = gc.get_threshold()
    gc.set_threshold(young, middle, 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, full)


async def _visit(pane: StreamedMarkdown) -> float:
    """Draw one pane and wait until it is painted; returns how long that took, in seconds."""
    begun = time.perf_counter()
    await pane.flush()
    await painted(pane)
    return time.perf_counter() - begun


async def painted(widget: Widget) -> None:
    """Until all that was changed is painted, as far as anything is."""
    done = asyncio.Event()
    if widget.call_after_refresh(done.set):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), LONGEST_PAINT_S)
