"""When a night begins by itself: told in a line, changed in a dialog that says first what is written where."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from studio.errors import MachineError, UsageError
from studio.services import schedule_night as verbs
from studio.services.schedule_night import Schedule
from studio.services.studio import off_loop
from studio.tui.plain_text import displayable
from studio.tui.widgets.dialogs import Dialog
from studio.workspace import Workspace

USUAL = "02:30"
HERE_NOT = "There is no crontab on this machine, so no night begins by itself; s says what another scheduler can run."


class Standing(NamedTuple):
    """What is scheduled; `refusal` where that cannot be known or changed; `cron` whether anybody reads the crontab."""

    schedule: Schedule | None = None
    refusal: str = ""
    cron: bool = True

    @property
    def words(self) -> str:
        if self.refusal == verbs.NO_CRONTAB:
            return HERE_NOT
        if self.refusal:
            return self.refusal
        if self.schedule is None:
            return "No night begins by itself; s sets a time for every day."
        told = f"A night begins by itself {self.schedule.words}; s changes that."
        return told if self.cron else f"{told} {verbs.NO_CRON}"


async def read_standing(workspace: Workspace) -> Standing:
    """How it stands now; a crontab that is not there or not readable is told, not raised."""

    def read() -> Standing:
        try:
            schedule = verbs.scheduled_night(workspace)
        except MachineError as error:
            return Standing(refusal=error.message)
        return Standing(schedule, cron=verbs.cron_runs())

    return await off_loop(read)


class ScheduleLine(Static):
    """A click changes it."""

    def __init__(self) -> None:
        super().__init__(id="night-schedule", markup=False)

    def show(self, standing: Standing) -> None:
        self.update(displayable(standing.words))

    async def on_click(self) -> None:
        await self.app.run_action("schedule", self.screen)


class ScheduleDialog(Dialog[str | None]):
    """Dismissed with the time of day that is wanted, empty for none, or with None to leave all as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="schedule.leave"),
        Binding("ctrl+d", "remove", "Take it out", id="schedule.remove"),
    ]
    AUTO_FOCUS = "Input, Button"

    def __init__(self, workspace: Workspace, standing: Standing) -> None:
        super().__init__()
        self._workspace, self._standing = workspace, standing

    def compose(self) -> ComposeResult:
        schedule, refusal, cron = self._standing
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "A night every day"
            if refusal:
                dialog.border_subtitle = "esc leaves"
                yield Static(displayable(f"{refusal} {self._instead()}"), markup=False)
                with Horizontal(classes="buttons"):
                    yield Button("Leave", id="leave", variant="primary", compact=True)
                return
            takes_out = " · ctrl+d takes it out" if schedule else ""
            dialog.border_subtitle = f"enter writes it{takes_out} · esc leaves"
            yield Static(displayable(self._now()), markup=False)
            yield Input((schedule and schedule.at) or USUAL, placeholder="HH:MM", max_length=5, compact=True)
            yield Static(id="schedule-plan", markup=False)
            if not cron:
                yield Static(verbs.NO_CRON, id="schedule-cron", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Write it", id="write", variant="primary", compact=True)
                if schedule is not None:
                    yield Button("Take it out", id="remove", compact=True)
                yield Button("Leave", id="leave", compact=True)

    @on(Input.Changed)
    def _tell_plan(self, event: Input.Changed) -> None:
        try:
            line = verbs.planned_line(self._workspace, event.value)
        except UsageError as error:
            told = str(error)
        else:
            place = "in the place of the line that is there now" if self._standing.schedule else "after what is there"
            told = f"Enter writes this line into your crontab, {place}:\n{line}"
        self.query_one("#schedule-plan", Static).update(displayable(told))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        try:
            at = verbs.time_of_day(event.value)
            verbs.planned_line(self._workspace, at)
        except UsageError:
            return  # said beneath it already
        self.dismiss(at)

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "write":
            await self.query_one(Input).action_submit()
        elif event.button.id == "remove":
            self.action_remove()
        else:
            self.action_leave()

    def action_remove(self) -> None:
        if self._standing.schedule is not None:
            self.dismiss("")

    def action_leave(self) -> None:
        self.dismiss(None)

    def _now(self) -> str:
        if self._standing.schedule is None:
            return "No night begins by itself. At which time of day shall one?"
        return f"A night begins {self._standing.schedule.words}. At which time of day shall it?"

    def _instead(self) -> str:
        if self._standing.refusal != verbs.NO_CRONTAB:
            return ""
        return f"Another scheduler can do it, by running this every day:\n{verbs.night_command(self._workspace)}"


async def write_schedule(workspace: Workspace, at: str) -> None:
    """Have a night at this time of day, or none where it is empty. Raises MachineError."""
    if at:
        await off_loop(verbs.schedule_night, workspace, at)
    else:
        await off_loop(verbs.unschedule_night, workspace)
