"""The models one can answer with: bundled, one's own, pulled, added, of other programs, and those of the catalogue."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from studio.errors import ModelError, NotFoundError
from studio.models.catalogue import CatalogueEntry, read_catalogue
from studio.models.discovery import bundled_model, find_model
from studio.models.found import Surroundings, found_on_disk
from studio.models.part_file import SUFFIX, read_notes
from studio.models.records import Record, Records, plain_name
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
    PART = "partly pulled"
    CATALOGUE = "can be pulled"
    FOUND = "found"


HERE = (Place.BUNDLED, Place.OWN, Place.PULLED, Place.ADDED)


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
        return self.entry.title if self.entry else self.name


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


def models_on(shelf: Shelf, in_use: Path | None) -> list[ShelfModel]:
    """Every model once, those that are here first, then the catalogue, then other programs'. Reads the disk.

    Raises ModelError where a catalogue is wrong.
    """
    catalogue = read_catalogue(shelf.catalogues)
    listed: dict[str, ShelfModel] = {}
    for model in (*_here(shelf, catalogue), *_catalogued(shelf, catalogue), *_found(shelf)):
        if model.path is not None and any(_same(model.path, other.path) for other in listed.values()):
            continue
        if model.place is Place.CATALOGUE and model.name in listed:
            continue
        name = _unused(model.name, listed)
        used = in_use is not None and _same(model.path, in_use)
        listed[name] = replace(model, name=name, in_use=used)
    return list(listed.values())


def model_named(models: Sequence[ShelfModel], name: str) -> ShelfModel:
    """Raises NotFoundError naming what is near."""
    for model in models:
        if model.name.casefold() == name.casefold():
            return model
    near = difflib.get_close_matches(name, [model.name for model in models], n=3, cutoff=0.5)
    hint = f"Do you mean {', '.join(near)}? " if near else ""
    raise NotFoundError(f"There is no model '{name}'.", f"{hint}See: studio models list")


def part_of(shelf: Shelf, name: str) -> Path:
    """Where the part of a pull into this name lies."""
    return shelf.workspace.pulled / f"{name}.gguf{SUFFIX}"


def _here(shelf: Shelf, catalogue: dict[str, CatalogueEntry]) -> list[ShelfModel]:
    found: list[ShelfModel] = []
    if (bundled := bundled_model()) is not None:
        found.append(ShelfModel(BUNDLED_NAME, Place.BUNDLED, bundled, bundled.stat().st_size))
    own = sorted(shelf.workspace.local_models.glob("*.gguf"))
    found += [ShelfModel(plain_name(file.stem), Place.OWN, file, _size(file)) for file in own]
    for record in shelf.records.all():
        if record.how == "pulled" and not record.path.is_file():
            continue  # deleted by hand: it can be pulled again
        place = Place.PULLED if record.how == "pulled" else Place.ADDED
        gone = "" if record.path.is_file() else "Its file is gone."
        entry = catalogue.get(record.name)
        found.append(ShelfModel(record.name, place, record.path, _size(record.path), entry, record, note=gone))
    return found


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


def _unused(name: str, listed: dict[str, ShelfModel]) -> str:
    taken = {known.casefold() for known in listed}
    number, free = 2, name
    while free.casefold() in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _same(one: Path | None, other: Path | None) -> bool:
    return one is not None and other is not None and (one == other or one.resolve() == other.resolve())


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
