"""Nights: start one and watch it, what came of earlier ones, and which adapter answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.events import Key
from textual.timer import Timer
from textual.widgets import DataTable, Static

from studio.domain.nights import Adapter, Night, NightProgress, NightState
from studio.errors import StudioError
from studio.services import adapters as adapter_services
from studio.services import follow_night
from studio.services.studio import Studio
from studio.services.yet_to_train import yet_to_train
from studio.tui.night_watch import InterruptionWatch
from studio.tui.plain_text import displayable
from studio.tui.screens import nights_work
from studio.tui.screens.adapters_panel import NONE_IN_USE, AdaptersPanel, why_not
from studio.tui.screens.night_panel import NightPanel
from studio.tui.screens.night_schedule import ScheduleLine, read_standing
from studio.tui.screens.night_tables import AdaptersTable, NightsTable, as_told
from studio.tui.screens.night_words import INTERRUPTED, NO_NIGHT, START, STATES, TOO_FEW, verdict_of, version_before
from studio.tui.screens.nights_keys import NIGHTS_KEYS
from studio.tui.screens.nights_work import Change
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.header import Status

POLL_S = 0.5
SILENT_POLLS = 40
"""After so many polls without news it is asked whether the night's process is still alive."""
OF_ADAPTERS = frozenset(("use", "roll_back", "adapters_off"))


class NightsScreen(StudioScreen):
    """The night at the top, the history and the adapters below it."""

    MODE = "nights"
    CSS_PATH = "../styles/nights.tcss"
    AUTO_FOCUS = "#nights-table"
    HELP = """\
A night trains an adapter, a small file laid over the model, on your corrections. It is tested on questions it was not
trained on and put into use only if it is better and nothing else got worse; otherwise the one before stays, and the
table says why. The night runs beside the studio: it stands still while you ask something, and goes on when the studio
is closed."""
    BINDINGS: ClassVar[list[BindingType]] = NIGHTS_KEYS

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._progress: NightProgress | None = None
        self._seen: tuple[str, NightState] | None = None
        self._starting = False
        self._refusal = False
        self._polling = False
        self._watch = InterruptionWatch(SILENT_POLLS)
        self._gives_way = False
        self._wish = ""
        self._timer: Timer | None = None
        self._nights: list[Night] = []
        self._adapters: list[Adapter] = []
        self._done: list[Change] = []

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="nights-body", can_focus=False):
            yield NightPanel(id="night-panel")
            yield ScheduleLine()
            with Container(id="nights-tables"):
                with Vertical(id="nights-history"):
                    yield Static("Nights", classes="nights-title")
                    yield NightsTable(id="nights-table")
                    yield Static(id="night-reason", markup=False)
                yield AdaptersPanel(id="nights-adapters")

    def on_mount(self) -> None:
        self._timer = self.set_interval(POLL_S, self._poll)
        self.watch(self.app, "status", self._follow_counts, init=False)
        self._reload()

    # Polled only in sight; the header has a slower poll of its own.
    def on_screen_resume(self) -> None:
        if self._timer is not None:
            self._timer.resume()
        self._poll()
        self.start(self._read_schedule(), group="schedule-read", exclusive=True)

    def on_screen_suspend(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    def on_log_changed(self) -> None:
        self._reload()

    def _follow_counts(self, before: Status, now: Status) -> None:
        """With the first correction there is something to train on."""
        if bool(before.corrections) != bool(now.corrections):
            self._show_progress()
            self.refresh_bindings()

    # What is shown ------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        if not self._polling:
            self._polling = True
            self.start(self._follow(), group="nights-poll")

    async def _follow(self) -> None:
        try:
            progress = await follow_night.night_progress(self.studio)
            await self._watch.see(progress, lambda: follow_night.night_runs(self.studio))
            self._gives_way = self._run[0] and await follow_night.night_gives_way(self.studio)
        except StudioError as error:
            # Said in the panel: a notice at every poll would bury the screen.
            self.query_one(NightPanel).show_words(error.message, error.hint)
            return
        finally:
            self._polling = False
        before = self._run
        self._progress = progress
        seen = (progress.night_id, progress.state) if progress else None
        if seen != self._seen:
            self._seen, self._refusal = seen, False
            self._reload()
            self.refresh_bindings()
        self._show_progress()
        if self._run != before:
            self._wish = ""
            self.refresh_bindings()

    @property
    def _run(self) -> tuple[bool, bool]:
        """Whether a night runs, and whether it stands still."""
        progress = self._progress
        if progress is None or progress.state.is_over or self._watch.interrupted:
            return False, False
        return True, progress.paused

    def _show_progress(self) -> None:
        panel = self.query_one(NightPanel)
        if self._starting or self._refusal:
            return
        if self._progress is not None and self._watch.interrupted:
            panel.show_words("The night was interrupted.", INTERRUPTED)
        elif self._progress is not None:
            panel.show_progress(self._progress, gives_way=self._gives_way, wish=self._wish)
        elif self._nights:
            # Its folder is gone; the log still knows what came of it.
            panel.show_words(f"Last night: {STATES[self._nights[0].state]}.", verdict_of(self._nights[0]))
        else:
            corrected = bool(self.studio_app.status.corrections)
            panel.show_words(f"{NO_NIGHT} {START}" if corrected else NO_NIGHT, "" if corrected else TOO_FEW)

    def _reload(self) -> None:
        self.start(self._read_nights(), group="nights-read", exclusive=True)
        self.start(self._read_adapters(), group="adapters-read", exclusive=True)

    async def _read_nights(self) -> None:
        self._nights = as_told(await follow_night.nights(self.studio), self._progress)
        self._fill_nights()
        self._show_progress()

    async def _read_adapters(self) -> None:
        try:
            self._adapters = await adapter_services.adapters(self.studio)
            untrained = await yet_to_train(self.studio)
        except StudioError as error:
            # No model, no adapters: said in their place, the app has shown a notice already.
            self.query_one(AdaptersPanel).say(str(error))
            return
        self.query_one(AdaptersPanel).show_adapters(self._adapters, untrained)
        self._fill_nights()
        self.refresh_bindings()  # with an adapter there is something to use

    def _fill_nights(self) -> None:
        self.query_one(NightsTable).show_nights(self._nights, self._adapters)
        if not self._nights:
            self.query_one("#night-reason", Static).update("Nights will be listed here.")

    @on(DataTable.RowHighlighted, "#nights-table")
    def _show_reason(self, event: DataTable.RowHighlighted) -> None:
        if event.cursor_row < len(self._nights):
            self.query_one("#night-reason", Static).update(displayable(verdict_of(self._nights[event.cursor_row])))

    async def _read_schedule(self) -> None:
        self.query_one(ScheduleLine).show(await read_standing(self.studio.workspace))

    # Actions ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        running, paused = self._run
        # Only training heeds requests; the tests after it take a minute and end by themselves.
        trains = running and self._progress is not None and self._progress.state is not NightState.EVALUATING
        allowed = {
            "start_night": not running and not self._starting,
            "pause": trains and not paused,
            "resume": trains and paused,
            "cancel": trains,
            "give_up": self._progress is not None and self._watch.interrupted and not self._starting,
            "undo": bool(self._done),
        }
        if action in OF_ADAPTERS:
            # In sight once there are adapters, even where it can do nothing now.
            there_are = any(not adapter.removed for adapter in self._adapters)
            return (None if why_not(action, self._adapters) else True) if there_are else False
        return allowed.get(action, True)

    def on_key(self, event: Key) -> None:
        """A key that can do nothing says why."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            if binding.action in OF_ADAPTERS and (why := why_not(binding.action, self._adapters)):
                event.stop()
                self.notify(why)

    def action_start_night(self) -> None:
        self._starting, self._refusal = True, False
        self.refresh_bindings()
        self.query_one(NightPanel).show_words("Starting the night…", "A few seconds.")
        self.start(self._start_night(), group="nights-start")

    async def _start_night(self) -> None:
        try:
            await follow_night.start_night(self.studio)
        except StudioError as error:
            # Stays in the panel after the notice is gone, until the next try or another night.
            self._refusal = True
            self.query_one(NightPanel).show_words(error.message, error.hint)
            raise
        finally:
            self._starting = False
            self.refresh_bindings()
        self._reload()
        self._poll()

    def action_pause(self) -> None:
        pause = partial(follow_night.pause_night, self.studio)
        self._tell_night(Change(pause, "The night will stand still after this step."))

    def action_resume(self) -> None:
        self._tell_night(Change(partial(follow_night.resume_night, self.studio), "The night goes on."))

    def action_cancel(self) -> None:
        self.start(self._once_chosen(nights_work.cancel(self), self._tell_night), group="nights-ask", exclusive=True)

    def _tell_night(self, change: Change) -> None:
        """What the night is told it does a little later: until then the panel says so."""
        self._wish = change.told
        self._change(change)

    def action_give_up(self) -> None:
        self.start(self._once_chosen(nights_work.give_up(self), self._change), group="nights-ask", exclusive=True)

    def action_schedule(self) -> None:
        self.start(self._once_chosen(nights_work.schedule(self), self._change), group="nights-ask", exclusive=True)

    def action_use(self) -> None:
        if (adapter := self.query_one(AdaptersTable).chosen) is not None:
            self._change(nights_work.use(self.studio, adapter, self._adapters))

    @on(DataTable.RowSelected, "#adapters-table")
    def _use_selected(self) -> None:
        self.action_use()

    def action_roll_back(self) -> None:
        if (before := version_before(self._adapters, self._nights)) is not None:
            self._change(nights_work.use(self.studio, before, self._adapters))
        elif any(adapter.active for adapter in self._adapters):
            told = "There is no earlier adapter that passed its tests. a uses the chosen one, o answers without any."
            self.notify(told, severity="warning")
        else:
            self.notify(NONE_IN_USE, severity="warning")

    def action_adapters_off(self) -> None:
        self._change(nights_work.adapters_off(self.studio, self._adapters))

    def action_undo(self) -> None:
        self._change(self._done.pop())
        self.refresh_bindings()

    async def _once_chosen(self, chosen: Awaitable[Change | None], carry_out: Callable[[Change], None]) -> None:
        if (change := await chosen) is not None:
            carry_out(change)

    def _change(self, change: Change) -> None:
        self.start(self._carry_out(change), group="nights-control")

    async def _carry_out(self, change: Change) -> None:
        await change.work()
        self.notify(change.told)
        if change.back is not None:
            self._done.append(change.back)
            self.refresh_bindings()
        self.studio_app.log_changed()
        self._poll()
        self.start(self._read_schedule(), group="schedule-read", exclusive=True)
