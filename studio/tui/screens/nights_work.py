"""What the keys of the Nights screen change, each with how it is taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from studio.domain.nights import Adapter
from studio.services import adapters as adapter_services
from studio.services import follow_night
from studio.services.schedule_night import put_back
from studio.services.studio import Studio, off_loop
from studio.tui.screens.night_schedule import ScheduleDialog, read_standing, write_schedule
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.dialogs import ConfirmDialog

GIVING_UP = "Give up the interrupted night? The next one begins anew. Until one has begun, u takes this back."
ENDING = "End the night? What it has learnt so far is lost."


class Change(NamedTuple):
    """`work` to be done, what is `told` once it is, and the change that takes it `back`, where one can."""

    work: Callable[[], Awaitable[object]]
    told: str
    back: Change | None = None


async def cancel(screen: StudioScreen) -> Change | None:
    """End the running night, once that is confirmed."""
    if not await screen.app.push_screen_wait(ConfirmDialog(ENDING, yes="End it", no="Let it run")):
        return None
    return Change(partial(follow_night.cancel_night, screen.studio), "The night ends when what it is at is done.")


async def give_up(screen: StudioScreen) -> Change | None:
    """Give up the interrupted night, once that is confirmed."""
    if not await screen.app.push_screen_wait(ConfirmDialog(GIVING_UP, yes="Give it up", no="Keep it")):
        return None
    night = await follow_night.unfinished_night(screen.studio)
    again = Change(
        partial(follow_night.take_up_again, screen.studio, night), "The night is as it was: n takes it up again."
    )
    told = "The night is given up; the next one begins anew. u takes that back."
    return Change(partial(follow_night.give_up_night, screen.studio, night), told, again)


async def schedule(screen: StudioScreen) -> Change | None:
    """Have a night begin by itself, or no more, as the dialog is answered."""
    workspace = screen.studio.workspace
    before = await read_standing(workspace)
    wanted = await screen.app.push_screen_wait(ScheduleDialog(workspace, before))
    if wanted is None:
        return None
    told = f"A night begins every day at {wanted}." if wanted else "No night begins by itself any more."
    back = Change(partial(off_loop, put_back, workspace, before.schedule), "The schedule is as it was.")
    return Change(partial(write_schedule, workspace, wanted), f"{told} u takes that back.", back)


def use(studio: Studio, adapter: Adapter, known: Sequence[Adapter]) -> Change:
    """Answer with this adapter."""
    work = partial(adapter_services.use_adapter, studio, adapter.version)
    return Change(work, f"Adapter v{adapter.version} answers from now on.", _as_before(studio, known))


def adapters_off(studio: Studio, known: Sequence[Adapter]) -> Change:
    """Answer without any."""
    work = partial(adapter_services.adapters_off, studio)
    return Change(work, "No adapter answers from now on.", _as_before(studio, known))


def _as_before(studio: Studio, known: Sequence[Adapter]) -> Change:
    active = next((adapter for adapter in known if adapter.active), None)
    if active is None:
        return Change(partial(adapter_services.adapters_off, studio), "No adapter answers, as before.")
    work = partial(adapter_services.use_adapter, studio, active.version)
    return Change(work, f"Adapter v{active.version} answers again.")
