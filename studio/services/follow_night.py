"""Nights as seen from the app: start one beside it, watch it, pause, resume, cancel.

The night runs as `studio night` in a process group of its own, so that closing the app does not lose it;
what is shown is read from its folder.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace

from studio.domain.nights import Night, NightProgress, NightState
from studio.errors import NightBusyError, NotFoundError, TrainingError
from studio.services.end_night import end_night
from studio.services.run_night import refuse_hopeless_night
from studio.services.studio import Studio, off_loop
from studio.training.job import NightFolder, Request
from studio.training.launcher import refuse_second_night, user_is_asking

START_TIMEOUT_S = 30.0
GIVEN_UP = "It was interrupted and given up; what was in use stays."


async def start_night(studio: Studio) -> None:
    """Launch a night and return once it has begun.

    Raises NightBusyError while another runs, TrainingError when there is too little to learn or it does not start.
    """
    refuse_second_night(studio.workspace.night_lock)
    await refuse_hopeless_night(studio)
    known = await nights(studio)
    before, resumes = {night.id for night in known}, any(not night.state.is_over for night in known)
    command = [sys.executable, "-P", "-m", "studio", "--workspace", str(studio.workspace.root), "night"]
    environment = os.environ | ({"STUDIO_MODEL__PATH": str(studio.model_path)} if studio.model_path else {})
    output = studio.workspace.diagnostics / "night.out"
    with output.open("wb") as sink:
        process = await off_loop(
            subprocess.Popen,
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env=environment,
            start_new_session=True,
        )
    for _ in range(int(START_TIMEOUT_S / 0.1)):
        # An interrupted night is taken up again under its own id: there the lock tells that it has begun.
        if {night.id for night in await nights(studio)} - before or (resumes and await night_runs(studio)):
            return
        if process.poll() is not None:
            lines = output.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it ended at once"]
            raise TrainingError(f"The night did not start: {lines[-1]}", f"Details are in {output}.")
        await asyncio.sleep(0.1)
    raise TrainingError("The night did not start within half a minute.", f"Details are in {output}.")


async def nights(studio: Studio) -> list[Night]:
    """All nights, newest first."""
    return await off_loop(studio.log.nights.all)


async def night_progress(studio: Studio) -> NightProgress | None:
    """The latest word from the newest night; None before the first.

    Until its process has spoken, while examples are collected, the log's own word on it.
    """
    known = await nights(studio)
    if not known:
        return None
    newest = known[0]
    said = await off_loop(_folder(studio, newest).read_progress)
    if said is None and not newest.state.is_over:
        return NightProgress(newest.id, newest.state)
    if said is not None and newest.state is NightState.CANCELLED and not said.state.is_over:
        # Given up after its process had died: its last word is still that it trains.
        return replace(said, state=newest.state, message=newest.reason, paused=False)
    return said


async def night_runs(studio: Studio) -> bool:
    """Whether a night's process is alive. One killed leaves its last progress behind, which reads as if it ran on.

    Asked rarely: the asking holds the lock for an instant, in which a night that starts would be refused.
    """
    try:
        await off_loop(refuse_second_night, studio.workspace.night_lock)
    except NightBusyError:
        return True
    return False


async def night_gives_way(studio: Studio) -> bool:
    """Whether a running night stands still right now because the user is being answered."""
    return await off_loop(user_is_asking, studio.workspace.interactive_lock)


async def pause_night(studio: Studio) -> None:
    """Stand still after the current step until resumed."""
    await _control(studio, Request.PAUSE)


async def resume_night(studio: Studio) -> None:
    await _control(studio, Request.RUN)


async def cancel_night(studio: Studio) -> str:
    """End the running night within a step, or give up one that was interrupted; what was in use stays. Says which.

    Raises NotFoundError where there is neither.
    """
    night = await unfinished_night(studio)
    if await night_runs(studio):
        await off_loop(_folder(studio, night).request, Request.CANCEL)
        return "The night ends after the step it is at."
    await give_up_night(studio, night)
    return "The interrupted night is given up; the next one begins anew."


async def unfinished_night(studio: Studio) -> Night:
    """The newest night that has not come to its end, whether it runs or was interrupted. Raises NotFoundError."""
    unfinished = [night for night in await nights(studio) if not night.state.is_over]
    if not unfinished:
        raise NotFoundError("No night is running.", "Start one with: studio night")
    return unfinished[0]


async def give_up_night(studio: Studio, night: Night) -> None:
    """Give up this night, which was interrupted. Raises NightBusyError where it has been taken up meanwhile."""
    await off_loop(refuse_second_night, studio.workspace.night_lock)
    await end_night(studio, night, NightState.CANCELLED, GIVEN_UP)


async def take_up_again(studio: Studio, night: Night) -> None:
    """Take the giving up back, `night` as it was before: the next night goes on with it. Its folder was not touched.

    Raises NotFoundError where another night has begun since, for only the newest is ever taken up.
    """
    newest = (await nights(studio))[0]
    if newest.id != night.id or newest.state is not NightState.CANCELLED:
        raise NotFoundError("Another night has begun since.", "The one that was given up stays given up.")
    await off_loop(studio.log.nights.update, night)


async def _control(studio: Studio, wanted: Request) -> None:
    night = await unfinished_night(studio)
    if not await night_runs(studio):  # the wish would lie in wait for the night that takes it up
        raise NotFoundError(
            "The night was interrupted and does not run.",
            "studio night takes it up where it stopped; studio night cancel gives it up.",
        )
    await off_loop(_folder(studio, night).request, wanted)


def _folder(studio: Studio, night: Night) -> NightFolder:
    return NightFolder(studio.workspace.nights / night.id)
