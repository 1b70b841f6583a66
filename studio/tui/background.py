"""What the app does on its own, after the first paint: load, catch up, count, watch nights, ask corrections again."""

from __future__ import annotations

import asyncio
import contextlib
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from studio.domain.plural import plural
from studio.errors import StudioError
from studio.services.studio import off_loop
from studio.tui.night_watch import InterruptionWatch
from studio.tui.plain_text import one_line
from studio.tui.screens.studio_screen import run_beside
from studio.tui.widgets.header import MODES

if TYPE_CHECKING:
    from studio.domain.nights import NightProgress
    from studio.tui.app import StudioApp

NIGHT_POLL_S = 3.0
SILENT_POLLS = 7
"""After so many polls without news it is asked whether the night's process is still alive."""
BACKUP_POLL_S = 1800.0
STILL_S = 1.0
"""Untouched for so long, nobody is typing."""
IDLE_S = 30.0
"""Untouched for so long, and with nothing at work, the studio is idle."""
IDLE_POLL_S = 1.0
_OWN_GROUPS = ("watch", "count", "pull")

FIRST_NEEDED = ("answer_with_arms", "record_correction", "learn_lessons")
"""Services of the first question and the first correction."""


async def bring_services() -> None:
    """Import, beside the loop, what would hold up the first question."""
    for service in FIRST_NEEDED:
        await asyncio.to_thread(import_module, f"studio.services.{service}")


async def bring_screens(app: StudioApp) -> None:
    """Import and read, whenever nobody types, what would hold up the first look at each screen."""
    from studio.freed_memory import give_back_memory

    for mode in MODES:
        while app.untouched_s() < STILL_S:  # noqa: ASYNC110 - keys set no event
            await asyncio.sleep(STILL_S)
        await asyncio.to_thread(import_module, f"studio.tui.screens.{mode}")
        app.read_styles(mode)
    await asyncio.to_thread(give_back_memory)


async def attend_log(app: StudioApp) -> None:
    """Open the log, then begin what is done with it unasked; what the user does meanwhile waits for it by itself.

    One that cannot be opened ends the app.
    """
    try:
        await off_loop(app.studio.log.open)
    except Exception as error:  # noqa: BLE001 - told where the app was started
        app.end_with(error)
        return
    app.log_is_open = True
    run_beside(app, count_log(app), group="count", exclusive=True)
    run_beside(app, sweep_scratch(app), group="sweep", exclusive=True)
    for work in (follow_nights, keep_backed_up, reask_when_idle):
        run_beside(app, work(app), group="watch", exclusive=False)


async def load_engine_and_lessons(app: StudioApp) -> None:
    """Load the model, then the embedder (two at once slow each other on few cores), then learn what is unlearnt."""
    if app.studio.server:
        app.tell(sent_to=f"to {one_line(urlsplit(app.studio.server).netloc, 24)}")
        app.notify(app.studio.notice, timeout=12, markup=False)
    try:
        facts = await app.studio.model()
    except StudioError:
        app.tell(engine="no model")
        raise
    from studio.services.loaded_title import loaded_title

    app.tell(model=loaded_title(facts, app.studio.catalogues), engine="ready", embedder="lessons loading…")
    try:
        await app.studio.embedder.start()
    except StudioError:
        app.tell(embedder="no lessons")
        raise
    app.tell(embedder="")
    from studio.services.learn_lessons import learn_pending

    if learnt := await learn_pending(app.studio):
        app.notify(f"{plural(learnt, 'lesson')} still to be learnt from what you corrected before: done.")
        app.log_changed()


async def keep_backed_up(app: StudioApp) -> None:
    """Back the log up whenever it is due, as long as the app is open."""
    from studio.services.keep_backups import back_up_if_due

    while True:
        try:
            await back_up_if_due(app.studio)
        except StudioError as error:
            app.notify(f"No backup was made. {error}", severity="warning")
        await asyncio.sleep(BACKUP_POLL_S)


async def sweep_scratch(app: StudioApp) -> None:
    """Remove what killed processes left."""
    from studio.owned_folder import sweep

    await asyncio.to_thread(sweep, app.studio.workspace.scratch)


async def count_log(app: StudioApp) -> None:
    """Count corrections in force and lessons in use."""
    from studio.domain.lessons import LessonStatus

    log = app.studio.log
    corrections, lessons = await asyncio.gather(
        off_loop(log.corrections.in_force_ids), off_loop(log.lessons.count, LessonStatus.ACTIVE)
    )
    app.tell(corrections=len(corrections), lessons=lessons)


async def follow_nights(app: StudioApp) -> None:
    """Keep the header's word on a running night true; a night that has ended may have brought another adapter."""
    # Off the loop: the module brings the whole night's rules with it.
    service = await asyncio.to_thread(import_module, "studio.services.follow_night")
    watch = InterruptionWatch(SILENT_POLLS)
    while True:
        with contextlib.suppress(StudioError):  # a log that is busy is asked again
            progress = await service.night_progress(app.studio)
            await watch.see(progress, lambda: service.night_runs(app.studio))
            _tell_night(app, progress, interrupted=watch.interrupted)
        await asyncio.sleep(NIGHT_POLL_S)


def _tell_night(app: StudioApp, progress: NightProgress | None, *, interrupted: bool) -> None:
    was_running = bool(app.status.night)
    night = "night interrupted" if interrupted else describe_night(progress)
    if night != app.status.night:
        app.tell(night=night)
    if was_running and not night and progress is not None:
        said = "" if progress.message.casefold() == progress.state.value else progress.message
        app.notify(f"The night is over: {progress.state.value}. {said}".strip())
        app.log_changed()


def describe_night(progress: NightProgress | None) -> str:
    """A running night in a few words; empty where none runs."""
    if progress is None or progress.state.is_over:
        return ""
    if progress.paused:
        return "night paused"
    if progress.steps:
        return f"night {progress.state.value} {100 * progress.step // progress.steps}%"
    return f"night {progress.state.value}"


async def reask_when_idle(app: StudioApp) -> None:
    """Ask what was corrected again after each change, whenever nothing else goes on; a touch ends it at once."""
    if not app.studio.settings.probes.when_idle:
        return
    service = await asyncio.to_thread(import_module, "studio.services.reask_probes")
    asked = -1
    while True:
        await asyncio.sleep(IDLE_POLL_S)
        if app.log_revision == asked or not _is_idle(app):
            continue
        revision = app.log_revision
        task = asyncio.create_task(service.reask_probes(app.studio))
        app.tell(probes="asking again…")
        try:
            while not task.done() and _is_idle(app):
                await asyncio.wait([task], timeout=0.1)
            if not task.done():
                continue
            with contextlib.suppress(StudioError):  # whoever asks the next question is told
                if await task:
                    app.log_changed()
                    continue
            asked = revision
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            app.tell(probes="")


def _is_idle(app: StudioApp) -> bool:
    ready = not (app.status.night or app.status.embedder) and app.status.engine == "ready"
    at_work = any(worker.is_running and worker.group not in _OWN_GROUPS for worker in app.workers)
    return ready and not at_work and app.untouched_s() >= IDLE_S
