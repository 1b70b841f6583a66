"""Nights whose process ended before they did: which one the next takes up, and when one is given up."""

from __future__ import annotations

from dataclasses import replace

from studio.domain.generation import ModelFacts
from studio.domain.nights import Night, NightState
from studio.errors import InterruptedNightError, TrainingError
from studio.services.end_night import end_night
from studio.services.studio import Studio, off_loop
from studio.training.job import NightFolder, refusals_told

_KILLED_AT = "killed_at_step"


async def forget_wishes(studio: Studio) -> None:
    """What was asked of a process that is gone is not asked of the next: paused, that would hold the lock for ever.

    Raises TrainingError when the disk refuses.
    """
    for night in await _unfinished(studio):
        wish = _folder(studio, night).control_file
        with refusals_told(wish):
            wish.unlink(missing_ok=True)


async def interrupted_night(studio: Studio, facts: ModelFacts) -> Night | None:
    """The newest night that never ended, if its snapshot is whole and of this model; older ones are given up."""
    for number, night in enumerate(await _unfinished(studio)):
        whole = _folder(studio, night).job_file.is_file()
        if number == 0 and whole and night.model_sha256 == facts.sha256:
            return night
        await end_night(studio, night, NightState.FAILED, "It was interrupted before it could be taken up again.")
    return None


def taken_up(night: Night) -> str:
    """Which night goes on, and with which options."""
    return (
        f"Going on with the night begun {night.started_at.astimezone():%Y-%m-%d %H:%M}, which was interrupted,"
        f" with the options it was begun with: max-minutes {night.config['max_minutes']:g},"
        f" method {night.config['method']}."
    )


async def why_training_ended(studio: Studio, night: Night, error: TrainingError) -> TrainingError:
    """The error to raise for a training process that ended with this one.

    One that was killed cannot say so itself: its last word is that it trains, and its night is taken up by the next.
    But where it came no further than when it was killed before, it would be taken up for ever, and has failed.
    """
    folder = _folder(studio, night)
    last = await off_loop(folder.read_progress)
    if last is None or last.state.is_over:
        return error
    before = night.metrics.get(_KILLED_AT)
    if isinstance(before, int) and last.step <= before:
        return TrainingError(
            f"The training process was killed again, no further than the last time (step {before}): it is given up.",
            "Where memory is short, close other programs or train a smaller model; the next night begins anew."
            f" Details are in {folder.log_file}.",
        )
    await off_loop(studio.log.nights.update, replace(night, metrics={**night.metrics, _KILLED_AT: last.step}))
    return InterruptedNightError(error.message, error.hint)


async def _unfinished(studio: Studio) -> list[Night]:
    """Newest first."""
    return [night for night in await off_loop(studio.log.nights.all) if not night.state.is_over]


def _folder(studio: Studio, night: Night) -> NightFolder:
    return NightFolder(studio.workspace.nights / night.id)
