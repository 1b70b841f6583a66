"""While a night's child loads, which takes one core, the other is used: the gate's first answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from studio.domain.log import Correction
from studio.errors import StudioError
from studio.services.evaluate_adapter import ask_frozen
from studio.services.studio import Studio
from studio.training.launcher import GiveWay


@asynccontextmanager
async def asking_ahead(studio: Studio, corrections: Sequence[Correction]) -> AsyncIterator[asyncio.Task[None]]:
    """Within the block, or until the task is cancelled, the frozen model is asked what the gate will ask of it."""
    asking = asyncio.create_task(_ask(studio, corrections))
    try:
        yield asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _ask(studio: Studio, corrections: Sequence[Correction]) -> None:
    with suppress(StudioError):  # the gate will ask again, and tell
        async with GiveWay(studio.workspace.interactive_lock, partial(stopped_for_the_user, studio)):
            await ask_frozen(studio, corrections)


def stopped_for_the_user(studio: Studio) -> list[int]:
    """A night's own engine. One that answers the user as well does that first by itself, and stopped it never would."""
    pid = None if studio.shares_engine else studio.engine.process_id
    return [pid] if pid else []
