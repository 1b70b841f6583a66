"""Questions of general knowledge in other languages than English, and how alike a question is to them.

MiniLM was trained on English: within Arabic, Hindi or Korean all questions are some .8 alike, and a threshold chosen
in English lets a lesson fit all of them. So how alike a lesson is to a question is told from how alike general
questions of its language are (docs/lessons.md, "Other languages"). `general_questions.txt` has one a line, after its
language and a tab; their vectors, of the embedder that ships, lie beside it, made by

    python -m studio.lessons.general_questions
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.errors import EmbedderError
from studio.lessons.embedder import NAME, find_model
from studio.lessons.minilm_lora import LORA, REINSTALL

QUESTIONS = Path(__file__).with_suffix(".txt")
VECTORS = Path(__file__).with_suffix(".safetensors")

_NEAREST = 3


def general_questions() -> list[str]:
    """The questions, in the order of the rows of `VECTORS`."""
    return [line.partition("\t")[2] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def likeness_to_general(vector: Sequence[float]) -> float:
    """Mean cosine of a question's unit vector to the three general questions most like it.

    -1 where the vector is not of the embedder's width, so that there is nothing to compare it with. Raises
    EmbedderError where the vectors that ship are missing or damaged.
    """
    held = _vectors()
    if len(vector) != held.shape[1]:
        return -1.0
    cosines = held @ np.asarray(vector, dtype=np.float32)
    return float(np.partition(cosines, -_NEAREST)[-_NEAREST:].mean())


def embed_general_questions() -> NDArray[np.float32]:
    """[questions, width], embedded anew."""
    from studio.lessons.minilm import MiniLm

    return MiniLm(find_model(), LORA).embed(general_questions())


@cache
def _vectors() -> NDArray[np.float32]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        held: NDArray[np.float32] = load_file(VECTORS)["vectors"].astype(np.float32)
    except (OSError, SafetensorError, KeyError) as error:
        raise EmbedderError(
            f"The vectors of general questions, {VECTORS}, cannot be read ({type(error).__name__}).", REINSTALL
        ) from error
    return held


def main() -> None:
    """Write the vectors of the questions."""
    from safetensors.numpy import save_file

    save_file({"vectors": embed_general_questions().astype(np.float16)}, VECTORS, {"embedder": NAME})


if __name__ == "__main__":
    main()
