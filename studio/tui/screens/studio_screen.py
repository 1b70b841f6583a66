"""What all base screens share: header, footer, workers whose errors reach the user, news of the log."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.events import Key, Resize, ScreenResume
from textual.screen import Screen
from textual.widgets import Input, TextArea
from textual.worker import Worker, WorkerState

from studio.services.studio import Studio
from studio.tui.widgets.footer import StudioFooter
from studio.tui.widgets.header import MODES, StudioHeader
from studio.tui.widgets.text_input import Composer

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

T = TypeVar("T")
HELD_BACK_S = 0.06
"""Textual draws nothing for 50 ms after a mode is entered."""
DRAWN_WITHIN_S = 0.5
"""The longest that work waits for what is shown before it to be drawn."""
TOUR = "Two minutes on your own question: ask, correct, see what was learnt"


def run_beside(node: DOMNode, work: Coroutine[Any, Any, T], *, group: str, exclusive: bool) -> Worker[T]:
    """Run a coroutine in a worker of the node; who starts it sees to its exceptions.

    Another of its group may take its place before its first step: it is closed then, for of one that is merely let go
    Python would complain that it was never awaited.
    """
    worker = node.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False)
    weakref.finalize(worker, work.close)
    return worker


def is_left(screen: Screen[Any]) -> bool:
    """Whether another of the studio's modes is shown than the first, where this screen still is.

    In the first mode itself it is only covered, or ends; and while scenes change there are no modes.
    """
    app = screen.app
    elsewhere = app.current_mode in MODES and app.current_mode != app.DEFAULT_MODE
    return elsewhere and screen in app.get_screen_stack(app.DEFAULT_MODE)


class StudioScreen(Screen[None]):
    """The base of a mode. Subclasses give `compose_body`, and `on_log_changed` where they show what the log holds."""

    MODE: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "tour", "Tour", show=False, id="app.tour", tooltip=TOUR),
    ]

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self._seen_revision = 0
        self._was_shown = False
        self._was_left = False
        self._was_covered = False

    @property
    def studio_app(self) -> StudioApp:
        return cast("StudioApp", self.app)

    @property
    def caption(self) -> str:
        """What a still of this screen shows."""
        return self.MODE.capitalize()

    def compose(self) -> ComposeResult:
        yield StudioHeader(self.MODE)
        yield from self.compose_body()
        yield StudioFooter(compact=True)

    def compose_body(self) -> ComposeResult:
        yield from ()

    def start(self, work: Coroutine[Any, Any, T], *, group: str = "default", exclusive: bool = False) -> Worker[T]:
        """Run a coroutine beside the event loop's own work; an exception in it is shown to the user."""
        return run_beside(self, work, group=group, exclusive=exclusive)

    def type_on(self, key: Key) -> bool:
        """Type a letter that is no key of this screen into its composer, and what follows; whether there is one.

        Who begins a question while an answer is selected means no commands: `u` would take a correction back.
        """
        bound = any(key.key in bindings.key_to_bindings for _, bindings in self._modal_binding_chain)
        composer = next(iter(self.query(Composer)), None)
        if composer is None or bound or self.maximized is not None or isinstance(self.focused, TextArea | Input):
            return False
        if key.character is None or not key.is_printable or key.character.isspace():
            return False
        self.set_focus(composer)
        composer.insert(key.character)
        return True

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if event.state is WorkerState.ERROR and isinstance(error, Exception):
            self.studio_app.report(error)

    async def action_tour(self) -> None:
        from studio.tui import tour

        await tour.begin(self.studio_app)

    def on_mount(self) -> None:
        self._seen_revision = self.studio_app.log_revision
        self.watch(self.app, "log_revision", self._notice_log, init=False)

    def on_resize(self, _: Resize) -> None:
        # Of a window that has become lower the header hears nothing by itself: its own size is as before.
        for header in self.query(StudioHeader):
            header.fit()

    async def drawn(self) -> None:
        """Until what was shown last is on the terminal: what comes next may hold it up."""
        await asyncio.sleep(HELD_BACK_S)
        done = asyncio.Event()
        if self.call_after_refresh(done.set):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), DRAWN_WITHIN_S)

    def on_screen_suspend(self) -> None:
        self._was_left = True
        self._was_covered = self in self.app.screen_stack  # by a dialog, not left for another mode

    @on(ScreenResume)
    def _come_back(self, event: ScreenResume) -> None:
        if self._was_shown and not self._was_left:
            # Where a mode is entered for the first time textual says so twice, and gives all styles anew each time.
            event.refresh_styles = False
            return
        self._was_left = False
        if self._was_covered:
            self._notice_log(self.studio_app.log_revision)
        elif self._was_shown:
            # The command line may have written to it meanwhile.
            self.studio_app.log_changed()
        self._was_shown = True

    def on_log_changed(self) -> None:
        """The log holds something new and this screen is in sight: read again what it shows."""

    def _notice_log(self, revision: int) -> None:
        if self.is_mounted and self.is_current and revision != self._seen_revision:
            self._seen_revision = revision
            self.on_log_changed()
