"""What Import's workers do: they call services, then touch the screen. See studio.tui for how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.domain.imports import Import
from studio.domain.plural import plural
from studio.errors import EmbedderError, StudioError, UsageError
from studio.services.studio import off_loop
from studio.tui.plain_text import one_line
from studio.tui.screens.importing_shown import MOST_EXAMPLES, ImportList, Told, problem, what_came, what_would_come
from studio.tui.screens.studio_screen import run_beside
from studio.tui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from studio.services.import_corrections import Imported, Previewed
    from studio.tui.app import StudioApp
    from studio.tui.screens.importing import ImportScreen


class EndedError(UsageError):
    """The user ended the reading or the import."""


@dataclass
class ImportWork:
    """What is chosen and known. `told` is the progress, written by a thread; `ended` asks the work to end."""

    file: Path | None = None
    previewed: Previewed | None = None
    told: tuple[str, int, int] = ("reading", 0, 0)
    busy: bool = False
    ended: bool = False

    @property
    def brings(self) -> bool:
        """Whether there is something to bring in."""
        return self.previewed is not None and len(self.previewed.plan.additions) > 0

    def tell(self, what: str, done: int, total: int) -> None:
        """Progress, called in the thread that works."""
        if self.ended:
            raise EndedError("That was ended: nothing was brought in.", "f chooses a file.")
        self.told = (what, done, total)


async def look(screen: ImportScreen, file: Path) -> None:
    """Show what the file would bring."""
    work = screen.work
    work.file, work.previewed = file, None
    screen.go_to("fresh")

    async def read() -> Told:
        service = await _service()
        previewed: Previewed = await off_loop(service.preview_import, screen.studio.log, file, MOST_EXAMPLES, work.tell)
        work.previewed = previewed
        return what_would_come(file, previewed)

    await _at_work(screen, read)


async def bring_in(screen: ImportScreen) -> None:
    """Bring the file in, all of it or nothing; its lessons are learnt beside, also when the screen is left."""
    work, app = screen.work, screen.studio_app
    file = work.file
    if file is None or not work.brings:
        return

    async def bring() -> Told:
        service = await _service()
        imported = await service.import_corrections(screen.studio, file, work.tell)
        work.previewed = None
        if imported.made is not None:
            app.notify(f"Brought in {plural(imported.made.corrections, 'correction')}. u takes them back.")
            app.log_changed()
            run_beside(app, learn(app, imported), group="learn", exclusive=False)
        return what_came(file, imported)

    await _at_work(screen, bring)
    if work.previewed is None:
        await show_imports(screen)
        screen.go_to("imports")


async def learn(app: StudioApp, imported: Imported) -> None:
    """Learn what came in, told in the header."""
    service = await _service()
    try:
        learnt = await service.learn_import(
            app.studio, imported, lambda _, done, total: app.tell(embedder=f"learning {done:,} of {total:,}…")
        )
    except EmbedderError:
        app.notify("What came in is saved. Its lessons are learnt at the next start.", severity="warning")
        raise
    finally:
        app.tell(embedder="")
    app.notify(f"{plural(learnt, 'lesson')} learnt from what came in.")
    app.log_changed()


async def take_back(screen: ImportScreen) -> None:
    """Take the marked import back, once the user agrees."""
    chosen = screen.query_one(ImportList).chosen
    if chosen is None or chosen.undone_at is not None:
        return
    what = f"Take back the {plural(chosen.corrections, 'correction')} of {one_line(chosen.source, 200)}?"
    if await screen.app.push_screen_wait(ConfirmDialog(what, yes="Take back", no="Keep")):
        run_beside(screen.app, _undo(screen.studio_app, chosen), group="undo-import", exclusive=False)


async def _undo(app: StudioApp, chosen: Import) -> None:
    service = await _service()
    _, undone = await service.undo_import(app.studio, chosen.id)
    before = chosen.corrections - undone
    app.notify(
        f"Took back {plural(undone, 'correction')}" + (f"; {before:,} had been undone before." if before else ".")
    )
    app.log_changed()


async def show_imports(screen: ImportScreen) -> None:
    """List the imports so far."""
    service = await _service()
    screen.query_one(ImportList).show_imports(await service.imports(screen.studio))
    screen.refresh_bindings()


async def _at_work(screen: ImportScreen, work: Callable[[], Any]) -> None:
    """Do it with progress shown; what cannot be done is told in the screen and stays there."""
    screen.work.busy, screen.work.ended, screen.work.told = True, False, ("reading", 0, 0)
    screen.tick(on=True)
    try:
        told = await work()
    except StudioError as error:
        told = problem(error.message, error.hint)
    finally:
        screen.work.busy = False
        screen.tick(on=False)
    screen.show(told)


async def _service() -> Any:
    """The service, imported off the loop: it brings what learns and what compares."""
    return await asyncio.to_thread(import_module, "studio.services.import_corrections")
