"""Every architecture that is trained: torch computes what llama.cpp computes, with an exported adapter and without."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from benchmarks._random_models import Shape, write_random_model
from benchmarks.architectures import SHAPES, compare
from studio.errors import TrainingError
from studio.training.model import Place, files_read_once, load

TABLES = 5e-3
"""llama.cpp looks Gemma's activation up in a table of half precision."""


@pytest.mark.parametrize("name", SHAPES)
def test_torch_and_llama_cpp_agree_with_an_adapter_and_without(name: str, tmp_path: Path) -> None:
    found = compare(SHAPES[name], tmp_path)
    assert found.plain < (TABLES if "gemma" in name else 1e-4)
    assert found.change > 1  # the adapter does something, and llama.cpp the same, in half precision
    assert found.adapted < 5e-3 * found.change


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (Shape("falcon"), "its architecture is 'falcon', and a night can train llama, qwen2"),
        (Shape(more={"rope.scaling.type": "spiral"}), "its places are scaled by 'spiral'"),
        (Shape(more={"attention.value_length": 8}), "its keys and its values differ in length"),
    ],
    ids=["architecture", "scaling", "lengths"],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(shape: Shape, why: str, tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "odd.gguf", shape)
    with pytest.raises(TrainingError, match=rf"odd\.gguf answers, but cannot be trained: {why}"):
        load(path, Place("cpu", "float32"))


def test_a_file_that_lacks_a_weight_is_not_filled_up_with_chance(tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "odd.gguf", Shape(without=("blk.1.ffn_norm.weight",)))
    with pytest.raises(TrainingError, match=r"it has nothing for model\.layers\.1\.post_attention_layernorm\.weight"):
        load(path, Place("cpu", "float32"))


def test_within_a_block_a_header_is_read_once_and_in_blocks_inside_of_it(tmp_path: Path) -> None:
    path, reader = write_random_model(tmp_path / "model.gguf", Shape()), gguf.GGUFReader
    plain = {tensor.name: np.array(tensor.data) for tensor in reader(path).tensors}
    with files_read_once():
        read = gguf.GGUFReader(path)
        with files_read_once():
            assert gguf.GGUFReader(path) is read
        assert gguf.GGUFReader(path) is read
    assert gguf.GGUFReader is reader
    np.testing.assert_equal({tensor.name: np.array(tensor.data) for tensor in read.tensors}, plain)
