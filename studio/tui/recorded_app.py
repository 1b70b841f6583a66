"""What an app does for its recording: tell it the window's size, keep stills, and the last screen when it ends."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from studio.tui.recording import Recording

STILL = "Keep this screen as a still, where the session is recorded (studio --record FOLDER)"


class RecordedApp(App[None]):
    """An app that may be recorded. Subclasses say how a failure is told."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "keep_still", "Still", id="app.still", tooltip=STILL),
    ]

    recording: Recording | None = None
    """Where this session is recorded; set before it runs."""

    def report(self, error: Exception) -> None:
        raise NotImplementedError

    def on_mount(self) -> None:
        if self.recording:
            self.recording.tell = partial(self.call_later, self.report)

    def on_resize(self, event: events.Resize) -> None:
        if self.recording:
            self.recording.resized(*event.size)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stills are kept where the session is recorded."""
        return self.recording is not None if action == "keep_still" else super().check_action(action, parameters)

    async def action_keep_still(self) -> None:
        shown: Any = self.screen
        if self.recording and await self.recording.keep_still(self, str(getattr(shown, "caption", self.TITLE))):
            self.notify("Kept as a still.")

    async def action_quit(self) -> None:
        if self.recording:
            await self.recording.keep_still(self, "The end")
        self.exit()
