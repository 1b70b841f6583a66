"""`studio night` and `studio adapters`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from studio.cli.frame import Frame, json_option, pass_frame, print_json
from studio.cli.say import say
from studio.domain.methods import Method
from studio.domain.plural import plural
from studio.domain.sizes import size_text
from studio.errors import MachineError, StudioError, UsageError

if TYPE_CHECKING:
    from studio.domain.nights import Night, NightProgress
    from studio.services.schedule_night import Schedule
    from studio.services.studio import Studio


@click.group(invoke_without_command=True)
@click.option(
    "--max-minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Train for so long at most (30), then judge what was learnt by then. Loading before and the questions after"
    " come on top: with ten corrections about a minute and a half on two cores.",
)
@click.option(
    "--method", type=click.Choice([method.value for method in Method]), help="How the adapter is parametrised."
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Train in so many processes together, one for each GPU, through `accelerate launch` (night.processes).",
)
@json_option
@click.pass_context
def night(
    ctx: click.Context, max_minutes: float | None, method: str | None, processes: int | None, as_json: bool
) -> None:
    """Train an adapter on the corrections, evaluate it, and promote it if it passes the gate.

    A night that was interrupted is taken up where it stopped, with the options it was begun with.
    """
    if ctx.invoked_subcommand is not None:
        return
    from studio.services.keep_backups import back_up_if_due
    from studio.services.run_night import run_night

    shown: list[str] = []

    def show(progress: NightProgress) -> None:
        line = progress_line(progress)
        if not as_json and (not shown or shown[-1] != line):
            say(line)
            shown.append(line)

    async def use(studio: Studio) -> Night:
        try:
            await back_up_if_due(studio)
        except StudioError as error:  # a reason to tell, not to let the night fall out
            say(f"studio: No backup was made. {error}", err=True)
        return await run_night(
            studio,
            max_minutes=max_minutes,
            method=method,
            processes=processes,
            observe=show,
            tell=lambda line: say(line, err=True),
        )

    frame: Frame = ctx.obj
    finished = frame.run(use, yields_to_user=True)
    if as_json:
        print_json(dataclasses.asdict(finished))
    else:
        say(finished.reason)


def progress_line(progress: NightProgress) -> str:
    """A night's progress in one line."""
    parts = [str(progress.state)]
    if progress.steps:
        parts.append(f"step {progress.step}/{progress.steps}")
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.eta_s is not None:
        parts.append(f"{progress.eta_s:.0f} s left")
    if progress.rss_bytes:
        parts.append(size_text(progress.rss_bytes))
    if progress.paused:
        parts.append("paused")
    if progress.message:
        parts.append(progress.message)
    return ", ".join(parts)


@night.command()
@json_option
@pass_frame
def status(frame: Frame, as_json: bool) -> None:
    """Say how far the newest night is, whether it runs, and when the next begins by itself."""
    from studio.services import follow_night

    async def use(studio: Studio) -> tuple[NightProgress | None, bool]:
        return await follow_night.night_progress(studio), await follow_night.night_runs(studio)

    progress, runs = frame.run(use)
    schedule = _scheduled(frame)
    if as_json:
        told = dataclasses.asdict(schedule) if schedule else None
        print_json({"runs": runs, "progress": dataclasses.asdict(progress) if progress else None, "scheduled": told})
        return
    if progress is None:
        say("There has been no night. Start one with: studio night")
    elif progress.state.is_over or runs:
        say(progress_line(progress))
    else:
        say(f"Interrupted: {progress_line(progress)}")
        say("studio night takes it up where it stopped; studio night cancel gives it up.")
    if schedule is not None:
        say(f"A night starts {schedule.words}; studio night uninstall ends that.")


def _scheduled(frame: Frame) -> Schedule | None:
    from studio.services.schedule_night import scheduled_night

    try:
        return scheduled_night(frame.workspace)
    except MachineError:
        return None  # no crontab, no schedule


@night.command("list")
@json_option
@pass_frame
def list_nights(frame: Frame, as_json: bool) -> None:
    """List all nights with their verdicts, newest first."""
    from studio.services import follow_night

    found = frame.run(follow_night.nights)
    if as_json:
        print_json([dataclasses.asdict(night) for night in found])
        return
    for night in found:
        when = f"{night.started_at.astimezone():%Y-%m-%d %H:%M}"
        say(f"{when}  {plural(len(night.correction_ids), 'correction'):>16}  {night.state:10} {night.reason}")
    if not found:
        say("There has been no night. Start one with: studio night")


@night.command()
@pass_frame
def pause(frame: Frame) -> None:
    """Have the running night stand still after its step."""
    from studio.services import follow_night

    frame.run(follow_night.pause_night)
    say("The night will stand still after this step.")


@night.command()
@pass_frame
def resume(frame: Frame) -> None:
    """Let a paused night go on."""
    from studio.services import follow_night

    frame.run(follow_night.resume_night)
    say("The night goes on.")


@night.command()
@pass_frame
def cancel(frame: Frame) -> None:
    """End the running night, or give up one that was interrupted; what was in use stays."""
    from studio.services import follow_night

    say(frame.run(follow_night.cancel_night))


@night.command()
@click.option("--at", required=True, help="Time of day, HH:MM.")
@click.pass_obj
def install(frame: Frame, at: str) -> None:
    """Schedule a night for every day, through the user's crontab."""
    from studio.services import schedule_night as verbs

    workspace, at = frame.workspace.ensure(), verbs.time_of_day(at)
    try:
        schedule = verbs.schedule_night(workspace, at)
    except MachineError as error:
        by_hand = f"Have your scheduler run daily at {at}: {verbs.night_command(workspace)}"
        raise MachineError(error.message, by_hand if error.message == verbs.NO_CRONTAB else error.hint) from error
    say(f"A night starts {schedule.words}: this line is in your crontab now.\n{schedule.line}")
    if not verbs.cron_runs():
        say(f"studio: {verbs.NO_CRON}", err=True)


@night.command()
@click.pass_obj
def uninstall(frame: Frame) -> None:
    """Take the daily night of this workspace out of the user's crontab."""
    from studio.services import schedule_night as verbs

    schedule = verbs.scheduled_night(frame.workspace)
    if schedule is None:
        say("No night is scheduled for this workspace.")
        return
    verbs.unschedule_night(frame.workspace)
    say(f"No night starts by itself any more. This line is out of your crontab:\n{schedule.line}")


@click.group()
def adapters() -> None:
    """What the nights trained."""


@adapters.command("list")
@json_option
@pass_frame
def list_adapters(frame: Frame, as_json: bool) -> None:
    """List the adapters of the present model."""
    from studio.services import adapters as verbs

    found = [adapter for adapter in frame.run(verbs.adapters) if not adapter.removed]
    if as_json:
        print_json([dataclasses.asdict(adapter) for adapter in found])
        return
    for adapter in found:
        mark = "active" if adapter.active else ""
        made = f"{adapter.created_at.astimezone():%Y-%m-%d %H:%M}"
        say(f"v{adapter.version:<4} {mark:7} {made}  {adapter.method} r{adapter.rank}  scale {adapter.scale:.2f}")
    if not found:
        say("No adapters yet. Train one with: studio night")


@adapters.command()
@click.argument("version")
@pass_frame
def use(frame: Frame, version: str) -> None:
    """Answer with this VERSION from now on."""
    from studio.services import adapters as verbs

    adapter = frame.run(lambda studio: verbs.use_adapter(studio, _number(version)))
    say(f"Adapter v{adapter.version} is in use.")


@adapters.command()
@pass_frame
def off(frame: Frame) -> None:
    """Answer without an adapter."""
    from studio.services import adapters as verbs

    frame.run(verbs.adapters_off)
    say("No adapter is in use.")


@adapters.command()
@click.argument("version")
@pass_frame
def remove(frame: Frame, version: str) -> None:
    """Delete the files of a VERSION that is not in use."""
    from studio.services import adapters as verbs

    frame.run(lambda studio: verbs.remove_adapter(studio, _number(version)))
    say(f"Adapter v{_number(version)} is removed.")


def _number(version: str) -> int:
    digits = version.removeprefix("v")
    if not (digits.isascii() and digits.isdigit()):
        raise UsageError(f"'{version}' is not an adapter version.", "Write a number, as studio adapters list shows it.")
    return int(digits)
