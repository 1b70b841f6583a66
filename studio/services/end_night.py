"""How a night ended, entered into the log, and what nobody needs of it from then on."""

from __future__ import annotations

import shutil
from dataclasses import replace

from studio.domain.identity import utc_now
from studio.domain.nights import Night, NightState
from studio.services.studio import Studio, off_loop
from studio.training.job import NightFolder


async def end_night(studio: Studio, night: Night, state: NightState, reason: str) -> Night:
    """The night as it ended. With a verdict on it no night before it is taken up any more: their checkpoints go."""
    ended = replace(night, state=state, reason=reason, finished_at=utc_now())
    await off_loop(studio.log.nights.update, ended)
    if state in (NightState.PROMOTED, NightState.KEPT):
        await off_loop(_delete_checkpoints, studio)
    return ended


def _delete_checkpoints(studio: Studio) -> None:
    for night in studio.log.nights.all():
        if night.state.is_over:
            shutil.rmtree(NightFolder(studio.workspace.nights / night.id).checkpoint, ignore_errors=True)
