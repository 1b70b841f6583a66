"""Keys act in the order in which they were typed, and are drawn before anything else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.app import App
from textual.widget import Widget

from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.streaming import StreamFlusher

if TYPE_CHECKING:
    from studio.tui.app import StudioApp
    from studio.tui.tour import Tour

KEYS_WAIT_S = 0.5
"""The longest that a key waits for the keys before it to be taken in."""


class KeyedApp(App[None]):
    """An app in which no key overtakes another, and what streams gives way to keys."""

    tour: Tour | None = None
    """The tour under way."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.flusher = StreamFlusher()
        self._touched = time.monotonic()
        super().__init__(*args, **options)

    def untouched_s(self) -> float:
        """Seconds since the last key or movement of the mouse."""
        return time.monotonic() - self._touched

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self._touched = time.monotonic()
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.flusher.give_way()
            if await self._acted_on(event):
                return
        await super().on_event(event)

    async def _acted_on(self, key: events.Key) -> bool:
        """Whether the key was bound to an action; it has been carried out by then.

        In the place of textual's way, in which a key finds its binding only after it has travelled through the
        focused widget and all around it, while later keys overtake it: what was typed at once after `e` would be
        taken for commands, and a letter after F7 be inserted before F7 had selected. So nothing that is typed is
        looked at before the action of the key before it is done, and the focus where that action put it.
        """
        focused = self.focused
        if focused is not None:
            if focused.check_consume_key(key.key, key.character):
                return False  # it is text
            await _processed(focused)
        if key.key == "escape" and self.tour is not None and self.tour.end(cast("StudioApp", self)):
            return True
        minimizes = key.key == "escape" and self.screen.maximized is not None and self.escape_to_minimize
        return not minimizes and (
            await self._check_bindings(key.key, priority=True)
            or await self._check_bindings(key.key)
            or (isinstance(self.screen, StudioScreen) and self.screen.type_on(key))
        )


async def _processed(widget: Widget) -> None:
    """Until the widget has taken in all keys it was sent."""
    done = asyncio.Event()
    if widget.call_later(done.set):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), KEYS_WAIT_S)
