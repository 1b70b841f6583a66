"""What `studio doctor --repair` mends. It moves aside, switches off and makes anew; it never deletes."""

from __future__ import annotations

import stat
from collections.abc import Awaitable, Callable

from studio.domain.identity import utc_now
from studio.domain.plural import plural
from studio.errors import NightBusyError, StudioError
from studio.services.learn_lessons import learn_pending
from studio.services.strays import set_aside, stray_adapters, unusable_in_use
from studio.services.studio import Studio, off_loop
from studio.training.launcher import refuse_second_night

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


async def repair(studio: Studio, tell: Callable[[str], None]) -> None:
    """Mend what can be, telling of each thing in a sentence; a backup of the log comes first.

    What cannot be mended is told as well, and the rest is mended all the same. Raises StorageError where there can be
    no backup: nothing is touched then.
    """
    backup = await off_loop(studio.log.backup)
    tell(f"Backed up the log to {backup}.")
    steps: tuple[Callable[[Studio, Callable[[str], None]], Awaitable[None]], ...] = (
        _views,
        _adapters_in_use,
        _strays,
        _lessons,
        _rights,
    )
    for step in steps:
        try:
            await step(studio, tell)
        except StudioError as error:
            tell(f"Not mended: {error}")
        except OSError as error:
            tell(f"Not mended: {error.filename} ({error.strerror}).")


async def _views(studio: Studio, tell: Callable[[str], None]) -> None:
    if faulty := await off_loop(studio.log.faulty_views):
        await off_loop(studio.log.rebuild_views)
        tell(f"Made the log's views anew, for {', '.join(faulty)} had changed.")


async def _adapters_in_use(studio: Studio, tell: Callable[[str], None]) -> None:
    for adapter, fault in await off_loop(unusable_in_use, studio):
        await off_loop(
            studio.log.adapters.activate, adapter.model_sha256, None, f"switched off by a repair: {fault}", utc_now()
        )
        tell(f"Switched adapter v{adapter.version} off: {fault}. Choose another: studio adapters list")
    for model in await off_loop(studio.log.adapters.dangling):
        why = "switched off by a repair: it is not there any more"
        await off_loop(studio.log.adapters.activate, model, None, why, utc_now())
        tell(f"Switched the adapter of model {model[:12]} off, which is not there any more.")


async def _strays(studio: Studio, tell: Callable[[str], None]) -> None:
    if not (strays := await off_loop(stray_adapters, studio)):
        return
    try:
        refuse_second_night(studio.workspace.night_lock)  # it may be putting its adapter there just now
    except NightBusyError:
        tell("Stray adapters are left where they are while a night runs.")
        return
    for folder in strays:
        tell(f"Moved {folder}, which belongs to no adapter, to {await off_loop(set_aside, studio, folder)}.")


async def _lessons(studio: Studio, tell: Callable[[str], None]) -> None:
    if made := await learn_pending(studio):
        tell(f"Made {plural(made, 'lesson')} findable again.")


async def _rights(studio: Studio, tell: Callable[[str], None]) -> None:
    for path in studio.workspace.open_to_others():
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)
        tell(f"Made {path} yours alone.")
