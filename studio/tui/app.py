"""The app: modes and their screens, status, themes, keys, and what happens when something fails. Kept thin."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any, ClassVar, cast

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import var
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from studio.errors import StorageError, StudioError
from studio.services.studio import Studio
from studio.tui.background import attend_log, bring_screens, bring_services, count_log, load_engine_and_lessons
from studio.tui.commands import commands_of
from studio.tui.diagnostics import open_diagnostics, write_down
from studio.tui.dressed_app import DressedApp
from studio.tui.jumping_app import JumpingApp
from studio.tui.keyed_app import KeyedApp
from studio.tui.messages import ChatRequested, CompareRequested
from studio.tui.recorded_app import RecordedApp
from studio.tui.screens.studio_screen import StudioScreen, run_beside
from studio.tui.style_sheet import KeptStylesheet
from studio.tui.terminal import ending_signals, guarded_terminal, reads_a_terminal
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.header import MODES, Status

STYLES = Path(__file__).with_name("styles")
TERMINAL_LOOKED_FOR_S = 2.0


class StudioApp(KeyedApp, RecordedApp, DressedApp, JumpingApp):
    """The terminal app over one Studio, whose processes it takes down when it ends (`on_exit` instead, where given).

    `diagnostics` go into the studio's workspace unless another folder is named.
    """

    TITLE = "Correction Studio"
    # With the first screen's: whenever a screen brings a style sheet of its own, all of them are parsed again.
    CSS_PATH: ClassVar[list[str | PurePath]] = [STYLES / "app.tcss", STYLES / "chat.tcss"]
    DEFAULT_MODE = "chat"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012 - as textual types it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-usual"), (36, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", id="app.help", tooltip="What this screen is for, and its keys"),
        Binding("f2", "go('chat')", "Chat", show=False, id="app.chat", tooltip="Ask, correct, go on"),
        Binding("f3", "go('compare')", "Compare", show=False, id="app.compare", tooltip="All arms side by side"),
        Binding("f4", "go('lessons')", "Lessons", show=False, id="app.lessons", tooltip="What was learnt"),
        Binding("f5", "go('nights')", "Nights", show=False, id="app.nights", tooltip="Training and adapters"),
        # Before the editors' own F6, which selects a line.
        Binding("f6", "go('curves')", "Curves", show=False, priority=True, id="app.curves", tooltip="Learning in time"),
        # Not F7: in the editors it selects everything.
        Binding("f8", "go('export')", "Export", show=False, id="app.export", tooltip="Your corrections as a dataset"),
        Binding("f9", "go('review')", "Review", show=False, id="app.review", tooltip="What nobody has judged"),
        Binding(
            "f10", "go('settings')", "Settings", show=False, id="app.settings", tooltip="What can be set, and what is"
        ),
        # Not F11: terminals take it for the full screen.
        Binding(
            "f12", "go('models')", "Models", show=False, id="app.models", tooltip="Which model answers, and others"
        ),
        Binding("ctrl+p", "command_palette", "All", show=False, id="app.commands", tooltip="Every action by name"),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", priority=True, tooltip="Close the studio"),
    ]

    status: var[Status] = var(Status())
    """What the header tells; replaced as a whole."""
    log_revision: var[int] = var(0)
    """Grows by one whenever something was written to the log."""

    def __init__(
        self,
        studio: Studio,
        on_exit: Callable[[], Awaitable[None]] | None = None,
        *,
        diagnostics: Path | None = None,
    ) -> None:
        self.failure: Exception | None = None
        self.log_is_open = False
        self.painted = asyncio.Event()  # for what has time until the first paint
        self._take_down = on_exit or studio.close
        self._diagnostics_folder = diagnostics or studio.workspace.diagnostics
        self._diagnostics = open_diagnostics(self._diagnostics_folder)
        self._ends = contextlib.ExitStack()
        super().__init__(studio)
        self.stylesheet = KeptStylesheet(self.get_css_variables())
        self.set_keymap(studio.settings.ui.keys)

        self.add_modes()

    # Modes --------------------------------------------------------------------------------------------------------

    def add_modes(self) -> None:
        for mode in MODES:
            self.add_mode(mode, self._builder_of(mode))

    def _builder_of(self, mode: str) -> Callable[[], StudioScreen]:
        def build() -> StudioScreen:
            # Each is imported when first entered: the first paint needs Chat alone.
            module = import_module(f"studio.tui.screens.{mode}")
            screen: StudioScreen = getattr(module, f"{mode.capitalize()}Screen")(self.studio)
            # Its widgets get their styles as they are made; textual would give the screen that is left all of its anew.
            screen._css_update_count = self._css_update_count  # noqa: SLF001
            return screen

        return build

    def read_styles(self, mode: str) -> None:
        """Read a mode's style sheet before it is entered: then nothing need be given its styles anew."""
        sheets = [
            sheet for sheet in self._builder_of(mode)().css_path if not self.stylesheet.has_source(str(sheet), "")
        ]
        for sheet in sheets:
            self.stylesheet.read(sheet)
        if sheets:
            self.stylesheet.reparse()

    async def action_go(self, mode: str) -> None:
        """Show a mode's screen; the next key is meant for it. An open dialog is answered first."""
        if self.screen.is_modal:
            return
        await self.switch_mode(mode)
        if mode == "chat":
            cast("Any", self.base_screen("chat")).go_on()

    def base_screen(self, mode: str) -> StudioScreen:
        """The screen at the bottom of a mode that was entered before."""
        return cast("StudioScreen", self.get_screen_stack(mode)[0])

    async def on_compare_requested(self, request: CompareRequested) -> None:
        await self.switch_mode("compare")
        cast("Any", self.base_screen("compare")).compare(request.prompt, request.history, read=request.read)

    async def on_chat_requested(self, request: ChatRequested) -> None:
        await self.switch_mode("chat")
        cast("Any", self.base_screen("chat")).open_conversation(request.conversation_id)

    # Commands and help --------------------------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the screen and of the app, by name, then themes and the size of the focused pane."""
        yield from commands_of(self, screen)
        kept = ("Theme", "Maximize", "Minimize")
        yield from (command for command in super().get_system_commands(screen) if command.title in kept)

    def action_help(self) -> None:
        from studio.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_help_quit(self) -> None:
        """Ctrl+c copies in editors; whoever expected it to quit is told how."""
        self.notify("ctrl+q closes the studio.")

    # Start and end ------------------------------------------------------------------------------------------------

    def run(self, **options: Any) -> None:
        """Run until the user quits; the terminal is left as it was, however it ends."""
        drawn = self.recording.output if self.recording else None
        with guarded_terminal(self._diagnostics_folder, drawn):
            super().run(**options)

    def on_mount(self) -> None:
        if not self.is_headless:
            self._ends.enter_context(ending_signals(asyncio.get_running_loop(), self._end_on_signal))
            if reads_a_terminal():
                self.set_interval(TERMINAL_LOOKED_FOR_S, self._end_without_terminal)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first paint: everything that takes time."""
        self.painted.set()
        if not self.is_headless:
            # What lives as long as the app need not be gone through again by every full collection.
            gc.collect()
            gc.freeze()
        gc.enable()
        for told in self.theme_notices:
            self.notify(told, severity="warning", timeout=10)
        self._start(bring_services(), group="watch")
        self._start(bring_screens(self), group="watch")
        self._start(load_engine_and_lessons(self))
        self._start(attend_log(self))

    async def action_quit(self) -> None:
        if not self._unsaved:
            await super().action_quit()
        elif not any(
            isinstance(screen, ConfirmDialog) for screen in self.screen_stack
        ):  # an open one is answered first
            self._start(self._quit_once_agreed(), group="quit")

    async def _quit_once_agreed(self) -> None:
        question = ConfirmDialog("Close without saving? What you changed is lost.", yes="Close", no="Keep editing")
        if await self.push_screen_wait(question):
            await super().action_quit()

    @property
    def _unsaved(self) -> bool:
        """Whether words of the user's own stand in a correction or a lesson, on whichever screen."""
        screens = [screen for stack in self._screen_stacks.values() for screen in stack]
        forms: list[Any] = [form for screen in screens for form in screen.query("AnswerEditor, LessonForm")]
        return any(form.dirty for form in forms)

    def end_with(self, failure: Exception) -> None:
        """End because of this, which whoever runs the app finds in `failure`, and tells on the restored terminal."""
        self.failure = failure
        self.exit(return_code=1)

    def _end_without_terminal(self) -> None:
        """A terminal may go without a word to a process that does not control it; textual would read on for ever."""
        if not reads_a_terminal():
            self._end_on_signal(signal.SIGHUP)

    def _end_on_signal(self, number: int) -> None:
        self.exit(return_code=128 + number)

    async def on_unmount(self) -> None:
        """The terminal is restored by now; take the processes down."""
        self._ends.close()
        gc.unfreeze()
        try:
            await self._take_down()
        except Exception as error:  # noqa: BLE001 - the app is gone, there is nobody to tell but the log
            write_down(error)

    # State --------------------------------------------------------------------------------------------------------

    def tell(self, **changes: str | int) -> None:
        """Change what the header says."""
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]

    def log_changed(self) -> None:
        """Something was written to the log: count anew, and let the screens read again."""
        self.log_revision += 1
        self._start(count_log(self), group="count", exclusive=True)

    def on_app_focus(self) -> None:
        """Back from another window, in which the command line may have written to the log."""
        self.log_changed()

    def _start(self, work: Coroutine[Any, Any, None], *, group: str = "default", exclusive: bool = False) -> None:
        run_beside(self, work, group=group, exclusive=exclusive)

    # Failures -----------------------------------------------------------------------------------------------------

    def report(self, error: Exception) -> None:
        """Show a failure: a StudioError as a notice, anything else as a dialog, written to the diagnostics."""
        if isinstance(error, StorageError) and not self.log_is_open:
            return  # it ends the app, and is told then
        if isinstance(error, StudioError):
            self.notify(error.hint or "", title=error.message, severity="error", timeout=8)
            return
        write_down(error)
        from studio.tui.screens.failure import FailureScreen

        if not isinstance(self.screen, FailureScreen):
            self.push_screen(FailureScreen(type(error).__name__, self._diagnostics))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.report(event.worker.error)

    async def run_action(self, *args: Any, **options: Any) -> bool:
        """As textual's, but a failing action is reported instead of ending the app."""
        try:
            return await super().run_action(*args, **options)
        except Exception as error:  # noqa: BLE001 - whatever a key press led to
            self.report(error)
            return True

    def _fatal_error(self) -> None:
        """In place of textual's traceback, which shows the values of variables, and so the user's text."""
        if self._exception is not None:
            write_down(self._exception)
        where = f" Details are in {self._diagnostics}." if self._diagnostics else ""
        # Of several failures in a row one is told; textual would add where its developers see the others.
        self._exit_renderables[:] = [f"The studio had to close. What was saved is safe.{where}"]
        self._close_messages_no_wait()
