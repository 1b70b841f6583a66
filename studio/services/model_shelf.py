"""The models one can answer with: bundled, one's own, pulled, added, of other programs, and those of the catalogue."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from studio.errors import ModelError, NotFoundError
from studio.models.catalogue import CatalogueEntry, read_catalogue
from studio.models.discovery import bundled_model, find_model
from studio.models.found import Surroundings, found_on_disk
from studio.models.part_file import SUFFIX, read_notes
from studio.models.records import Record, Records, plain_name
from studio.models.titles import model_title
from studio.services.studio import Studio
from studio.settings import load_settings
from studio.workspace import Workspace

BUNDLED_NAME = "smollm2-135m"


class Place(StrEnum):
    """How a model is here, or is not."""

    BUNDLED = "bundled"
    OWN = "in local_models"
    PULLED = "pulled"
    ADDED = "added"
    CHOSEN = "in studio.toml"
    PART = "partly pulled"
    CATALOGUE = "can be pulled"
    FOUND = "found"


HERE = (Place.BUNDLED, Place.OWN, Place.PULLED, Place.ADDED, Place.CHOSEN)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where models are kept and looked for. Later catalogues count more."""

    workspace: Workspace
    catalogues: tuple[Path, ...] = ()
    around: Surroundings = field(default_factory=lambda: Surroundings(Path.home(), os.environ))

    @property
    def records(self) -> Records:
        return Records(self.workspace.model_records)


@dataclass(frozen=True, slots=True)
class ShelfModel:
    """One model. `path` None: it is not here. `done` counts the bytes that a pull has brought by now.

    `program` is the one whose file it is; `note` is what hinders, or empty.
    """

    name: str
    place: Place
    path: Path | None
    bytes: int
    entry: CatalogueEntry | None = None
    record: Record | None = None
    program: str = ""
    note: str = ""
    done: int = 0
    in_use: bool = False

    @property
    def title(self) -> str:
        """What people call it, as the header does once it answers."""
        if self.entry is not None:
            return self.entry.title
        return model_title(self.path, "", self.name, {}) if self.path else self.name


def shelf_of(studio: Studio) -> Shelf:
    """The shelf of a wired studio."""
    return Shelf(studio.workspace, studio.catalogues)


def model_in_use(shelf: Shelf) -> Path | None:
    """The file that answers at the next start; None where none can."""
    try:
        settings = load_settings(shelf.workspace.settings_file)
        return find_model(settings.model.path, shelf.workspace.local_models)
    except ModelError:
        return None


def is_bundled(model: Path | None) -> bool:
    """Whether this is the file that comes with the set-up."""
    return model == bundled_model()


def models_on(shelf: Shelf, in_use: Path | None) -> list[ShelfModel]:
    """Every model once, those that are here first, then the catalogue, then other programs'. Reads the disk.

    Raises ModelError where a catalogue is wrong.
    """
    catalogue = read_catalogue(shelf.catalogues)
    listed: dict[str, ShelfModel] = {}
    seen: set[Path] = set()
    for model in (*_here(shelf, catalogue), *_chosen(in_use), *_catalogued(shelf, catalogue), *_found(shelf)):
        whole = model.path.resolve() if model.path else None
        if whole in seen or (model.place is Place.CATALOGUE and model.name in listed):
            continue
        if whole is not None:
            seen.add(whole)
        # A name of the catalogue stands for that entry, whatever else is called so.
        name = model.name if model.entry else _unused(model.name, {*listed, *catalogue})
        listed[name] = replace(
            model, name=name, in_use=whole is not None and in_use is not None and whole == in_use.resolve()
        )
    return _pointed_out(list(listed.values()))


def _pointed_out(models: list[ShelfModel]) -> list[ShelfModel]:
    """With a note on what could be pulled and is among another program's files already, told by its exact size."""
    theirs = {model.bytes: model for model in models if model.place is Place.FOUND}
    return [
        replace(model, note=f"It seems to be here already, as {theirs[model.bytes].name}.")
        if model.place is Place.CATALOGUE and model.bytes in theirs
        else model
        for model in models
    ]


def model_named(models: Sequence[ShelfModel], name: str) -> ShelfModel:
    """Raises NotFoundError naming what is near."""
    for model in models:
        if model.name.casefold() == name.casefold():
            return model
    near = difflib.get_close_matches(name, [model.name for model in models], n=3, cutoff=0.5)
    hint = f"Do you mean {', '.join(near)}? " if near else ""
    raise NotFoundError(f"There is no model '{name}'.", f"{hint}See: studio models list")


def path_of(shelf: Shelf, record: Record) -> Path:
    """Where a recorded model lies."""
    return shelf.workspace.pulled / record.file if record.how == "pulled" else Path(record.file)


def part_of(shelf: Shelf, name: str) -> Path:
    """Where the part of a pull into this name lies."""
    return shelf.workspace.pulled / f"{name}.gguf{SUFFIX}"


def _here(shelf: Shelf, catalogue: dict[str, CatalogueEntry]) -> list[ShelfModel]:
    found: list[ShelfModel] = []
    if (bundled := bundled_model()) is not None:
        found.append(ShelfModel(BUNDLED_NAME, Place.BUNDLED, bundled, bundled.stat().st_size))
    records = shelf.records.all()
    recorded = {path_of(shelf, record) for record in records}
    own = [*shelf.workspace.local_models.glob("*.gguf"), *shelf.workspace.pulled.glob("*.gguf")]
    loose = sorted(file for file in own if file not in recorded)
    found += [ShelfModel(plain_name(file.stem), Place.OWN, file, _size(file)) for file in loose]
    for record in records:
        path = path_of(shelf, record)
        if record.how == "pulled" and not path.is_file():
            continue  # deleted by hand: it can be pulled again
        place = Place.PULLED if record.how == "pulled" else Place.ADDED
        note = "" if path.is_file() else "Its file is gone."
        found.append(ShelfModel(record.name, place, path, _size(path), catalogue.get(record.name), record, note=note))
    return found


def _chosen(in_use: Path | None) -> list[ShelfModel]:
    """The model in use, in case nothing else knows of it: its path was written into studio.toml by hand."""
    return [ShelfModel(plain_name(in_use.stem), Place.CHOSEN, in_use, _size(in_use))] if in_use else []


def _catalogued(shelf: Shelf, catalogue: dict[str, CatalogueEntry]) -> list[ShelfModel]:
    parts = {part.name.removesuffix(f".gguf{SUFFIX}"): part for part in _parts(shelf)}
    found = []
    for name, entry in catalogue.items():
        notes = read_notes(parts.pop(name)) if name in parts else None
        place = Place.PART if notes else Place.CATALOGUE
        found.append(ShelfModel(name, place, None, entry.bytes, entry, done=notes.done if notes else 0))
    for name, part in parts.items():
        if (notes := read_notes(part)) is not None:
            found.insert(0, ShelfModel(name, Place.PART, None, notes.bytes, done=notes.done, program=notes.source))
    return found


def _parts(shelf: Shelf) -> list[Path]:
    return sorted(shelf.workspace.pulled.glob(f"*.gguf{SUFFIX}"))


def _found(shelf: Shelf) -> list[ShelfModel]:
    return [
        ShelfModel(plain_name(one.name), Place.FOUND, one.path, _size(one.path), program=one.program, note=one.note)
        for one in found_on_disk(shelf.around)
    ]


def _unused(name: str, names: Iterable[str]) -> str:
    taken = {known.casefold() for known in names}
    number, free = 2, name
    while free.casefold() in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
