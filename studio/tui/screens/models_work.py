"""What the Models screen's workers do: look at the disk, pull, switch, add and remove; then they touch the screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.domain.sizes import size_text
from studio.errors import StudioError
from studio.models.fit import Fit
from studio.models.hub import Repository, parse_spec, wish_of
from studio.models.pull_progress import Phase, PullProgress
from studio.models.records import Record
from studio.services.change_settings import Change
from studio.services.describe_model import belongings, file_facts, pace_of, room_for, unmeasured, work_of
from studio.services.expected_speed import known_speed, lacking, measure_speed
from studio.services.loaded_title import loaded_title
from studio.services.measured_forms import forms_in_words
from studio.services.model_shelf import Place, ShelfModel, models_on
from studio.services.studio import off_loop
from studio.services.yet_to_train import yet_to_train
from studio.tui.plain_text import one_line
from studio.tui.screens.models_shown import Shown
from studio.tui.widgets.dialogs import ConfirmDialog, LineDialog
from studio.tui.widgets.pick_dialog import Pick, PickDialog

if TYPE_CHECKING:
    from studio.tui.screens.models import ModelsScreen


@dataclass
class Pulling:
    """A pull under way. `name` and `progress` are written by its thread. `given_up`: it is ended for good."""

    wanted: str
    name: str
    progress: PullProgress = field(default_factory=lambda: PullProgress(Phase.ASKING))
    listed: bool = False
    given_up: bool = False


async def look(screen: ModelsScreen) -> None:
    """Read which models there are, and their headers; then, once on a machine, measure how fast it decodes."""
    studio, shelf = screen.studio, screen.shelf
    in_use, settings = None if studio.server else studio.model_path, studio.settings.model

    def read() -> list[Shown]:
        models, speed = models_on(shelf, in_use), known_speed(shelf.workspace, settings)
        told = [(one, file_facts(one.path, settings.context_tokens) if one.path else None) for one in models]
        return [Shown(one, facts, pace_of(shelf.workspace, studio.log, one, facts, speed)) for one, facts in told]

    try:
        models = await off_loop(read)
        screen.show(models)
        speed = await off_loop(known_speed, shelf.workspace, settings)
        wanted = lacking([work_of(shown.model, shown.facts) for shown in models], speed)
        if not (wanted and settings.measure_speed):
            return
        if await measure_speed(shelf.workspace, settings, wanted, speed) is not speed:
            screen.show(await off_loop(read))
    except StudioError as error:
        screen.show_failure(f"The models cannot be listed. {error}")


async def tell_belongings(screen: ModelsScreen, model: ShelfModel) -> None:
    """Which adapters and readers the model has."""
    screen.show_belongings(model.name, await belongings(screen.studio, model))


async def service(name: str) -> Any:
    """A module that brings the HTTP library or the night's rules with it, imported beside the loop."""
    return await asyncio.to_thread(import_module, f"studio.services.{name}")


# Pulling ----------------------------------------------------------------------------------------------------------


async def agreed(screen: ModelsScreen, shown: Shown) -> bool:
    """Whether the model fits, or the user wants it all the same."""
    room = room_for(shown.model, shown.facts)
    question = f"{one_line(shown.model.title)} will hardly run here. {room.words}"
    if room.fit is not Fit.NOT:
        return True
    return await screen.app.push_screen_wait(ConfirmDialog(question, yes="All the same", no="Leave it"))


async def begin(screen: ModelsScreen, shown: Shown) -> None:
    """Pull a model of the list, once it is clear that this makes sense."""
    if shown.model.place is Place.PART or await agreed(screen, shown):
        screen.begin_pull(wish(shown.model), shown.model.name)


async def pull(screen: ModelsScreen, pulling: Pulling) -> None:
    """Pull, as long as it takes; paused, it is cancelled, and what is here stays."""
    fetching = await service("fetch_model")

    def named(name: str) -> None:
        pulling.name = name

    def watch(progress: PullProgress) -> None:
        pulling.progress = progress

    try:
        record: Record = await fetching.fetch_model(screen.shelf, pulling.wanted, watch=watch, named=named)
        screen.notify(f"{record.name} is here. enter on it: it answers from then on.")
    except asyncio.CancelledError:
        if not pulling.given_up and screen.app.is_running:
            here = f"{size_text(pulling.progress.done)} of it are here. " if pulling.progress.done else ""
            screen.notify(f"{one_line(pulling.name, 60)} is paused. {here}p goes on, c gives it up.")
        raise
    finally:
        screen.forget_pull(pulling)


async def ask_what_to_pull(screen: ModelsScreen) -> None:
    """Ask for a repository or an address, and where several files are meant, for one of them."""
    wanted = await screen.app.push_screen_wait(
        LineDialog("Pull a model", placeholder="org/repo of huggingface.co, org/repo:Q4_K_M, or https://…/model.gguf")
    )
    if not wanted or not (wanted := wanted.strip()):
        return
    spec = parse_spec(wanted)
    if spec is not None and not spec.quant:
        screen.notify(f"Asking what {one_line(spec.repository, 50)} offers…")
        fetching = await service("fetch_model")
        found: Repository = await fetching.offered(screen.shelf, wanted)
        whole = [file for file in found.files if file.whole]
        if len(whole) > 1:
            picks = [
                Pick(file.path, f"{file.quant or file.path:12} {size_text(file.bytes):>8}", file.path) for file in whole
            ]
            usual = [file.path for file in whole if file.quant == "Q4_K_M"][:1]
            title = f"{one_line(found.name, 40)}, licence {one_line(found.licence, 16) or 'not told'}"
            picked = await screen.app.push_screen_wait(PickDialog(title, picks, usual, several=False))
            if not picked:
                return
            wanted = f"{found.name}:{picked[0]}"
    screen.begin_pull(wanted, wanted.rpartition("/")[2])


def wish(model: ShelfModel) -> str:
    """What to ask for to get this model, or to go on with it."""
    return model.name if model.entry is not None else wish_of(model.program)


async def discard(screen: ModelsScreen, model: ShelfModel, pulling: Pulling | None) -> None:
    """Stop a pull for good and delete what has arrived, once the user agrees."""
    arrived = pulling.progress.done if pulling else model.done
    question = f"Give up {one_line(model.name)} and delete the {size_text(arrived)} that are here?"
    if not await screen.app.push_screen_wait(ConfirmDialog(question, yes="Delete", no="Keep")):
        return
    if pulling is not None:
        pulling.given_up = True
        await screen.stop_pull(pulling)
    fetching = await service("fetch_model")
    await off_loop(fetching.discard_pull, screen.shelf, pulling.name if pulling else model.name)
    screen.notify(f"{one_line(model.name, 60)} is given up; what had arrived of it is deleted.")
    screen.look()


# Choosing ---------------------------------------------------------------------------------------------------------


async def use(screen: ModelsScreen, shown: Shown) -> None:
    """Answer with this model from now on."""
    model = shown.model
    if not await agreed(screen, shown):
        return
    keeping = await service("keep_models")
    change: Change = await _switched(screen, keeping.switch_model(screen.studio, screen.shelf, model))
    screen.undoable.append(change)
    await _told(screen, model)


async def undo(screen: ModelsScreen) -> None:
    """Take back the last choice, or remember again what was forgotten."""
    last = screen.undoable.pop()
    if isinstance(last, Record):
        await off_loop(screen.shelf.records.write, last)
        screen.notify(f"{last.name} is known again.")
        screen.look()
        return
    keeping = await service("keep_models")
    await _switched(screen, keeping.take_switch_back(screen.studio, screen.shelf, last))
    await _told(screen)


async def _switched(screen: ModelsScreen, switch: Any) -> Any:
    """Await a change of the model while the header says so, and again what answers then."""
    app = screen.studio_app
    app.tell(engine="loading model…")
    screen.stop_measuring()
    screen.switching = True
    screen.refresh_bindings()
    try:
        return await switch
    finally:
        screen.switching = False
        facts = screen.studio.engine.facts
        title = loaded_title(facts, screen.studio.catalogues) if facts else ""
        app.tell(model=title, engine="ready" if facts else "no model")
        screen.look()


async def _told(screen: ModelsScreen, model: ShelfModel | None = None) -> None:
    facts = screen.studio.engine.facts
    if facts is not None:
        new = model is not None and await off_loop(unmeasured, screen.studio.workspace, model)
        hint = " What it reads best is not known yet: m measures it." if new else ""
        title = loaded_title(facts, screen.studio.catalogues)
        untrained = await yet_to_train(screen.studio)
        offer = f" {untrained}; t starts a night that does it." if untrained else ""
        screen.notify(
            f"{title} answers now. Corrections and lessons stay; adapters belong to their model.{offer}{hint}"
        )
    screen.studio_app.log_changed()


async def train(screen: ModelsScreen) -> None:
    """Begin a night for the model in use, where it can be followed."""
    from studio.tui.screens.nights import NightsScreen

    await screen.studio_app.action_go("nights")
    nights = screen.app.screen
    if isinstance(nights, NightsScreen) and nights.check_action("start_night", ()):
        nights.action_start_night()


async def measure(screen: ModelsScreen) -> None:
    """Find what the model in use reads best; cancelled, the same goes on where it was."""
    choosing = await service("choose_forms")

    def progress(stage: str, done: int, total: int) -> None:
        screen.show_measuring(f"{stage}, {done} of {total}")

    screen.show_measuring("beginning")
    try:
        measured = await choosing.choose_forms(screen.studio, progress)
    finally:
        screen.show_measuring("")
    screen.notify(forms_in_words(measured, bundled=False))
    screen.studio_app.log_changed()


# Adding and removing ----------------------------------------------------------------------------------------------


async def add(screen: ModelsScreen, path: Path) -> None:
    keeping = await service("keep_models")
    record: Record = await off_loop(keeping.add_model, screen.shelf, path)
    screen.notify(f"Added as {record.name}; the file stays where it is.")
    screen.wanted = record.name
    screen.look()


async def remove(screen: ModelsScreen, model: ShelfModel) -> None:
    """Delete a pulled model once the user agrees; forget an added one, which can be undone."""
    keeping = await service("keep_models")
    await off_loop(keeping.refuse_removal, screen.shelf, model)
    if model.place is Place.PULLED:
        question = f"Delete {one_line(model.name)} ({size_text(model.bytes)})? It can only be pulled again."
        if not await screen.app.push_screen_wait(ConfirmDialog(question, yes="Delete", no="Keep")):
            return
    await off_loop(keeping.remove_model, screen.shelf, model)
    if model.place is Place.ADDED and model.record is not None:
        screen.undoable.append(model.record)
        screen.notify(f"{one_line(model.name)} is forgotten; its file stays. u takes that back.")
    else:
        screen.notify(f"{one_line(model.name)} is deleted.")
    screen.look()
