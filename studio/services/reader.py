"""The reader: an adapter that has learnt to use lessons, trained once for a model (studio.training.train_reader).

It knows no user's facts, so it is attached wherever a lesson is given, at full strength whatever the dial says, and
nowhere else: there the model as shipped answers. It lies in a folder named by its model's hash, the user's own or the
one that ships. Without a whole one for the running model its arms answer from their lessons alone, and say so.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from studio.checksum import sha256_of
from studio.domain.arms import ArmRecipe
from studio.domain.generation import AdapterUse, ModelFacts
from studio.errors import AdapterError, NoReaderError, TrainingError
from studio.services.loaded_title import loaded_title
from studio.services.studio import Studio, off_loop
from studio.training.job import NightFolder

_DIGITS = 12
"""Of the model's SHA-256, in the name of a reader's folder."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A whole reader of the running model."""

    file: Path
    sha256: str

    @property
    def use(self) -> AdapterUse:
        """The reader as it is attached."""
        return AdapterUse(self.file)


async def reader_of(studio: Studio) -> Reader:
    """The running model's reader: the first of the folders that holds a whole one.

    Raises ModelError, NoReaderError saying how to train one, and AdapterError where there is but a damaged one.
    """
    facts = await studio.model()
    places = studio.reader_folders or (studio.workspace.readers,)
    folders = [place / facts.sha256[:_DIGITS] for place in places]
    return await off_loop(_first_whole, folders, facts, loaded_title(facts, studio.catalogues))


async def answering_arms(studio: Studio) -> tuple[tuple[ArmRecipe, ...], str]:
    """The arms of the settings that can answer as they are meant, and a sentence on those that cannot; empty if none.

    An arm whose reader is not there would only repeat another arm; but where there is no other, it stays. Raises
    ModelError.
    """
    recipes = studio.settings.arm_recipes()
    try:
        await reader_of(studio)
    except AdapterError as error:
        without = tuple(recipe for recipe in recipes if not recipe.rests_on_reader)
        names = ", ".join(recipe.name for recipe in recipes if recipe.rests_on_reader)
        return (without, f"{names} is left out: {error}") if without and names else (recipes, "")
    return recipes, ""


def without_versions(recipes: Sequence[ArmRecipe]) -> tuple[tuple[ArmRecipe, ...], str]:
    """The arms that can answer in a log of its own, and a sentence on those that name an adapter of the user's."""
    kept = tuple(recipe for recipe in recipes if not recipe.names_version)
    names = ", ".join(recipe.name for recipe in recipes if recipe.names_version)
    return kept, f"{names} is left out: a scenario trains its own adapters, and has none of yours." if names else ""


def _first_whole(folders: list[Path], facts: ModelFacts, title: str) -> Reader:
    refused: list[AdapterError] = []
    for folder in folders:
        try:
            return _checked(NightFolder(folder), facts, title)
        except NoReaderError as error:
            refused.append(error)
        except AdapterError as error:
            refused.insert(0, error)  # worth telling before one that is merely not there
    raise refused[0]


def _checked(folder: NightFolder, facts: ModelFacts, title: str) -> Reader:
    """The reader in the folder. A manifest is written last: where there is none, there is no reader yet."""
    file = folder.adapter_file
    if facts.path is None:
        raise NoReaderError(f"There is no reader for {facts.name}, which a server holds.", "See docs/remote.md.")
    command = ["python", "-m", "studio.training.train_reader", "--model", str(facts.path), "--out", str(folder.path)]
    train = f"Train one: {shlex.join(command)}"
    try:
        manifest = folder.read_manifest()
        sha256 = "" if manifest is None else _sha256(file, file.stat().st_mtime_ns)
    except (TrainingError, OSError) as error:
        raise AdapterError(f"The reader in {folder.path} cannot be read.", "Bring it back, or remove it.") from error
    if manifest is None:
        raise NoReaderError(f"There is no reader for {title} yet.", train)
    if sha256 != manifest.adapter_sha256:
        raise AdapterError(f"{file} is not the reader of its manifest: it is damaged.", "Bring it back, or remove it.")
    if manifest.model_sha256 != facts.sha256:
        raise AdapterError(f"{file} is a reader of another model than {title}.", train)
    return Reader(file, sha256)


@lru_cache(maxsize=8)
def _sha256(file: Path, mtime_ns: int) -> str:  # noqa: ARG001 - the time of change stands for the content
    return sha256_of(file)
