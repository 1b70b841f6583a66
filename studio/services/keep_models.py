"""Adding, removing and choosing models. Corrections and lessons stay whichever answers; adapters belong to one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from studio.domain.generation import EngineOptions, ModelFacts
from studio.errors import EngineError, MachineError, ModelError, NightBusyError, UsageError
from studio.inference.model_header import checked_header
from studio.models.discovery import find_model
from studio.models.records import Record, plain_name
from studio.services.change_settings import Change, reset_setting, set_setting, take_back
from studio.services.fetch_model import discard_pull
from studio.services.model_shelf import HERE, Place, Shelf, ShelfModel, model_in_use, models_on, path_of
from studio.services.studio import Studio, TokenCounts, off_loop
from studio.settings import load_settings
from studio.training.launcher import refuse_second_night

SETTING = "model.path"


def add_model(shelf: Shelf, path: Path) -> Record:
    """Remember a file where it lies; nothing is copied. Raises ModelError where it cannot answer, UsageError."""
    try:
        file = path.expanduser().absolute()
    except RuntimeError as error:  # ~name of nobody
        raise ModelError(f"There is no model file {path}.", "Check the path.") from error
    if file.is_dir():
        raise ModelError(f"{file} is a folder, not a model file.", "Name the .gguf file in it.")
    checked_header(file)
    models = models_on(shelf, model_in_use(shelf))
    for model in models:
        known = model.place in HERE and model.place is not Place.CHOSEN
        if known and model.path is not None and model.path.resolve() == file.resolve():
            raise UsageError(f"{model.name} is that file already.", f"Answer with it: studio models use {model.name}")
    taken = {model.name.casefold() for model in models}
    name = base = plain_name(file.stem)
    number = 2
    while name.casefold() in taken:
        name, number = f"{base}-{number}", number + 1
    record = Record(name=name, how="added", file=str(file))
    shelf.records.write(record)
    return record


def refuse_removal(shelf: Shelf, model: ShelfModel) -> None:
    """Raises UsageError where this model may not be removed: it is in use, or not the studio's to remove."""
    if model.in_use:
        raise UsageError(f"{model.name} is in use.", "Choose another first: studio models use NAME")
    if model.place is Place.CATALOGUE:
        raise UsageError(f"{model.name} is not here.", "Only its entry in the catalogue is, which takes no room.")
    if model.place not in (Place.PULLED, Place.ADDED, Place.PART):
        raise UsageError(
            f"{model.name} was not pulled by the studio ({model.program or model.place.value}).",
            f"Delete it by hand, if you mean it: {model.path}",
        )
    if model.place is Place.PULLED:
        try:
            refuse_second_night(shelf.workspace.night_lock)
        except NightBusyError as error:
            raise UsageError("A night is running, which may need it.", "Remove it when the night is over.") from error


def remove_model(shelf: Shelf, model: ShelfModel) -> None:
    """Delete what was pulled; forget what was added, whose file stays; discard what was pulled in part.

    Raises UsageError as `refuse_removal`; MachineError where the file is not what and where it should be.
    """
    refuse_removal(shelf, model)
    if model.place is Place.PART:
        discard_pull(shelf, model.name)
        return
    if model.record is None:
        return
    if model.place is Place.PULLED:
        _delete(shelf, path_of(shelf, model.record))
    shelf.records.forget(model.record.name)


def _delete(shelf: Shelf, file: Path) -> None:
    folder = shelf.workspace.pulled
    if file.parent != folder or file.is_symlink() or folder.is_symlink():
        raise MachineError(f"{file} does not lie in {folder}.", "Only what was pulled there is deleted.")
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise MachineError(f"{file} cannot be deleted ({error.strerror}).", "Mend its permissions.") from error


def choose_model(shelf: Shelf, model: ShelfModel) -> Change:
    """Write the model into studio.toml, whose comments stay. Raises UsageError, ModelError, SettingsError."""
    if model.path is None:
        raise UsageError(f"{model.name} is not here yet.", f"Pull it first: studio models pull {model.name}")
    checked_header(model.path)
    workspace = shelf.workspace
    with suppress(ModelError):  # where nothing is chosen and nothing is clear
        if find_model(None, workspace.local_models) == model.path:
            return reset_setting(workspace.settings_file, SETTING)
    path = model.path
    if path.is_relative_to(workspace.local_models):
        path = path.relative_to(workspace.local_models)  # so that the workspace can be moved
    return set_setting(workspace.settings_file, SETTING, str(path))


async def switch_model(studio: Studio, shelf: Shelf, model: ShelfModel) -> Change:
    """Answer with another model from now on: written down, then loaded by an engine started in the old one's place.

    An answer under way ends there, and says so. Where the model cannot be loaded all is as before. Raises UsageError,
    ModelError, EngineError, SettingsError.
    """
    if studio.server:
        raise UsageError(
            f"{studio.server} answers, not a model on this machine.",
            "Take remote.base_url out of studio.toml and start anew: then models here answer.",
        )
    change = await off_loop(choose_model, shelf, model)
    assert model.path is not None
    await _load_or_go_back(studio, shelf, model.path, change)
    return change


async def take_switch_back(studio: Studio, shelf: Shelf, change: Change) -> None:
    """The model before again. Raises UsageError where studio.toml was changed since."""
    await off_loop(take_back, shelf.workspace.settings_file, change)
    path = await off_loop(model_in_use, shelf)
    if path is None:
        raise ModelError("The model before is gone.", "Choose another.")
    await _load_or_go_back(studio, shelf, path, None)


async def _load_or_go_back(studio: Studio, shelf: Shelf, path: Path, change: Change | None) -> None:
    before = studio.model_path
    async with studio.loading:
        try:
            await _load(studio, path)
        except (ModelError, EngineError):
            if change is not None:
                await off_loop(take_back, shelf.workspace.settings_file, change)
            if before is not None:
                await _load(studio, before)
            raise
    studio.settings = await off_loop(load_settings, shelf.workspace.settings_file)
    studio.passed_over = ""


async def _load(studio: Studio, path: Path) -> ModelFacts:
    options = studio.settings.model
    await studio.engine.close()
    facts = await studio.engine.load(path, EngineOptions(options.context_tokens, options.threads, options.gpu_layers))
    studio.model_path = path
    studio.token_counts = TokenCounts()
    return facts
