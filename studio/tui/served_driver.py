"""The app's driver when it is served to browsers: Textual's web driver, which can also draw the whole screen at once.

Chosen by `TEXTUAL_DRIVER`, which `studio serve-app` sets for the app that it starts.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from rich.control import Control
from textual import events, messages
from textual._compositor import InlineUpdate, LayoutUpdate
from textual.app import ScreenStackError
from textual.driver import Driver
from textual.drivers.web_driver import WebDriver
from textual.geometry import Size

from studio.serving.packets import ASK_WHOLE, WHOLE_FOLLOWS

BLANK = "\x1b[?1049h\x1b[?25l\x1b[0m\x1b[2J"
"""The alternate screen, without a cursor, and empty: what the app draws upon."""


class ServedDriver(WebDriver):
    """Draws at the other end of a pipe, for terminals of which any may have to be shown everything anew."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._write: Any = self._write_all
        self._told_size = Size(0, 0)

    # Files are saved as they are without a browser: on this machine, where everything else lies too.
    deliver_binary = Driver.deliver_binary

    def write(self, data: str) -> None:
        """Draw; where the screen has another size than was last told, all of it first."""
        if self._size_of_screen() != self._told_size:
            self._draw_whole()
        self._draw(data)

    def _draw(self, data: str) -> None:
        """With a ? for each half of a character, which cannot be sent: names of files that are not UTF-8 hold them."""
        super().write(data.encode(errors="replace").decode())

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        if packet_type == ASK_WHOLE:
            self._app.call_later(self._draw_whole)
        elif packet_type == "resize":
            # On the way that the first size takes: textual's own, a shorter one, would bring it before that.
            size = Size(int(str(payload["width"])), int(str(payload["height"])))
            self._size = size.width, size.height
            self.send_message(events.Resize(size, size))
        else:
            super().on_meta(packet_type, payload)

    def run_input_thread(self) -> None:
        """Read until the input ends: then whoever served the app is gone, and so the app ends too."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())

    def _size_of_screen(self) -> Size:
        try:
            return self._app.screen._compositor.size  # noqa: SLF001 - the size that is drawn, not the one asked for
        except ScreenStackError:  # before the first screen and after the last
            return self._told_size

    def _draw_whole(self) -> None:
        """Everything that is to be seen, and how large it is. What Textual has still to redraw stays noted with it."""
        size = self._size_of_screen()
        if not size:
            return
        self._told_size = size
        self.write_meta({"type": WHOLE_FOLLOWS, "width": size.width, "height": size.height})
        app = self._app
        update = app.screen._compositor.render_inline(size, screen_stack=app._background_screens)  # noqa: SLF001
        assert isinstance(update, InlineUpdate)
        drawn = LayoutUpdate([[strip] for strip in update.strips], size.region).render_segments(app.console)
        self._draw(BLANK + drawn + str(Control.move_to(*size.clamp_offset(app.cursor_position))))

    def _write_all(self, data: bytes) -> None:
        """Lost where the server is gone; the end of the input, which follows, ends the app."""
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self.fileno, data) :]
