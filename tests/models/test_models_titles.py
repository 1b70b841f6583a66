"""What a model is called where people read of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.models.catalogue import CatalogueEntry
from studio.models.titles import model_title

KNOWN = CatalogueEntry(
    title="Gemma 3 1B Instruct",
    repository="org/gemma",
    file="google_gemma-3-1b-it-Q4_K_M.gguf",
    bytes=1,
    sha256="a" * 64,
    licence="Gemma",
    architecture="gemma3",
    context=1,
    template="",
    why="",
)
CATALOGUE = {"gemma3-1b": KNOWN}


@pytest.mark.parametrize(
    ("file", "sha256", "title"),
    [
        ("renamed.gguf", "a" * 64, "Gemma 3 1B Instruct"),
        ("google_gemma-3-1b-it-Q4_K_M.gguf", "", "Gemma 3 1B Instruct"),
        ("gemma3-1b.gguf", "", "Gemma 3 1B Instruct"),
        ("gemma3-1b.gguf", "b" * 64, "gemma3 1b"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "c" * 64, "SmolLM2 135M Instruct"),
        ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "", "Llama 3.2 1B Instruct"),
        ("big-model-BF16-00001-of-00003.gguf", "", "big model"),
        ("Q4_0.gguf", "", "Q4 0"),
        (f"sha256-{'d' * 64}", "", "Smollm2 135M 8k Lc100K Mix1 Ep2"),
    ],
)
def test_the_catalogue_names_a_model_else_its_file_does(file: str, sha256: str, title: str) -> None:
    assert model_title(Path("/models") / file, sha256, "Smollm2 135M 8k Lc100K Mix1 Ep2", CATALOGUE) == title
