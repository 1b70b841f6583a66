"""What a model has not learnt into its weights, said after another has been chosen and where its adapters would be."""

from __future__ import annotations

from studio.services.loaded_title import loaded_title
from studio.services.studio import Studio, off_loop


async def yet_to_train(studio: Studio) -> str:
    """A sentence, without its full stop, where the loaded model has no adapter and there are corrections to train;
    else empty. Raises ModelError."""
    facts = await studio.model()
    if facts.path is None or any(not one.removed for one in await off_loop(studio.log.adapters.all, facts.sha256)):
        return ""
    corrections = len(await off_loop(studio.log.corrections.in_force_ids))
    if not corrections:
        return ""
    counted = "your correction" if corrections == 1 else f"any of your {corrections:,} corrections"
    return f"{loaded_title(facts, studio.catalogues)} has not been trained on {counted} yet"
