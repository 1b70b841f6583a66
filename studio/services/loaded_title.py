"""What the loaded model is called where people read of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from studio.domain.generation import ModelFacts
from studio.errors import ModelError
from studio.models.catalogue import read_catalogue
from studio.models.titles import model_title


@lru_cache(maxsize=32)
def loaded_title(facts: ModelFacts, catalogues: tuple[Path, ...]) -> str:
    """As `model_title`; the catalogues are read once for each model. A remote one has the name its server gives."""
    if facts.path is None:
        return facts.name
    try:
        catalogue = read_catalogue(catalogues)
    except ModelError:  # the Models screen tells what is wrong with it
        catalogue = {}
    return model_title(facts.path, facts.sha256, facts.name, catalogue)
