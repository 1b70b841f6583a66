"""Adapters: which there are, which is in use, taking one back into use, removing one."""

from __future__ import annotations

from pathlib import Path

from studio.checksum import sha256_of
from studio.domain.arms import ACTIVE_ADAPTER, ArmRecipe
from studio.domain.generation import AdapterUse
from studio.domain.identity import utc_now
from studio.domain.nights import Adapter
from studio.errors import AdapterError, NotFoundError, UsageError
from studio.services.loaded_title import loaded_title
from studio.services.studio import Studio, off_loop
from studio.training.job import NightFolder

_INSTEAD = "Bring it back, use another version, switch it off (studio adapters off), or train a new one (studio night)."


def adapter_file(studio: Studio, adapter: Adapter) -> Path:
    """Where the adapter's GGUF lies."""
    return studio.workspace.adapters / adapter.path


async def adapters(studio: Studio) -> list[Adapter]:
    """All adapters of the loaded model, oldest version first, removed ones included."""
    facts = await studio.model()
    return await off_loop(studio.log.adapters.all, facts.sha256)


async def adapter_version(studio: Studio, version: int) -> Adapter:
    """The adapter of this version. Raises NotFoundError naming the versions, AdapterError if its file is gone."""
    adapter = await _known(studio, version)
    if not adapter_file(studio, adapter).is_file():
        raise AdapterError(f"The file of adapter v{version} is missing: {adapter_file(studio, adapter)}.", _INSTEAD)
    return adapter


async def _known(studio: Studio, version: int) -> Adapter:
    known = [adapter for adapter in await adapters(studio) if not adapter.removed]
    for adapter in known:
        if adapter.version == version:
            return adapter
    versions = ", ".join(f"v{adapter.version}" for adapter in known) or "none yet; train one with: studio night"
    raise NotFoundError(f"There is no adapter v{version} for this model.", f"There are: {versions}.")


async def adapter_of(studio: Studio, recipe: ArmRecipe) -> Adapter | None:
    """The adapter an arm answers with; None where it has none, none was trained yet, or it is another model's."""
    if not recipe.uses_adapter:
        return None
    if recipe.adapter != ACTIVE_ADAPTER:
        try:
            return await adapter_version(studio, int(recipe.adapter))
        except NotFoundError:
            if await adapter_elsewhere(studio, recipe):
                return None
            raise
    facts = await studio.model()
    active = await off_loop(studio.log.adapters.active, facts.sha256)
    return None if active is None else await adapter_version(studio, active.version)


async def adapter_elsewhere(studio: Studio, recipe: ArmRecipe) -> str:
    """A sentence where the adapter that an arm means was trained for another model; else empty."""
    facts = await studio.model()
    others = [one for one in await off_loop(studio.log.adapters.all) if one.model_sha256 != facts.sha256]
    if recipe.adapter == ACTIVE_ADAPTER:
        others = [one for one in others if one.active]
    else:
        others = [one for one in others if not one.removed and str(one.version) == recipe.adapter]
    if not others:
        return ""
    newest = max(others, key=lambda adapter: adapter.created_at)
    title = loaded_title(facts, studio.catalogues)
    return f"Adapter v{newest.version} belongs to another model. {title} has none here: it answers without."


def adapter_use(studio: Studio, recipe: ArmRecipe, adapter: Adapter) -> AdapterUse:
    """The adapter as attached: the recipe's scale, else the dial's, else the one chosen at its promotion."""
    scale = recipe.scale
    if scale is None:
        scale = studio.scale_dial
    if scale is None:
        scale = adapter.scale
    return AdapterUse(adapter_file(studio, adapter), scale)


async def use_adapter(studio: Studio, version: int) -> Adapter:
    """Make this version the active one: rolls back, or forward again. Raises AdapterError on a file changed since."""
    adapter = await adapter_version(studio, version)
    file = adapter_file(studio, adapter)
    if await off_loop(sha256_of, file) != adapter.sha256:
        raise AdapterError(f"{file} is not the file that the night made: it was changed or swapped.", _INSTEAD)
    await off_loop(studio.log.adapters.activate, adapter.model_sha256, adapter.id, "chosen by hand", utc_now())
    return adapter


async def adapters_off(studio: Studio) -> None:
    """Answer without any adapter until one is chosen or promoted."""
    facts = await studio.model()
    await off_loop(studio.log.adapters.activate, facts.sha256, None, "switched off by hand", utc_now())


async def remove_adapter(studio: Studio, version: int) -> None:
    """Delete what is left of an adapter, in its night's folder too; its row stays for provenance.

    Raises UsageError while it is the active one, AdapterError where a file cannot be deleted.
    """
    adapter = await _known(studio, version)
    if adapter.active:
        raise UsageError(
            f"Adapter v{version} is in use.",
            "Choose another first (studio adapters use N) or switch it off (studio adapters off).",
        )
    await off_loop(studio.log.adapters.mark_removed, adapter.id)
    # Also of those removed before: a crash may have left their files.
    for removed in await adapters(studio):
        if removed.removed:
            file, of_night = adapter_file(studio, removed), NightFolder(studio.workspace.nights / removed.night_id)
            for path in (file, file.with_name("manifest.json"), of_night.adapter_file, of_night.manifest_file):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise AdapterError(
                        f"Adapter v{removed.version} is out of use, but {path} cannot be deleted ({error.strerror}).",
                        "Delete it by hand; else it goes when another adapter is removed.",
                    ) from error
