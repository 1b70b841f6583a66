"""Weights left packed: what a model answers, and what its adapter learns, is what unpacked weights give."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import gguf
import pytest
import torch
from test_training_below import gradients
from test_training_packing import CPU, EXAMPLES

from benchmarks._random_models import Shape, random_blocks, write_random_model
from benchmarks.architectures import SHAPES, randomly_adapted
from studio.inference.gguf_header import read_header
from studio.training import base_file
from studio.training.base_file import BaseFile, Packed
from studio.training.base_weights import PackedLinear
from studio.training.below import Below
from studio.training.foreign import LoraModel
from studio.training.job import TrainingConfig
from studio.training.model import Place, choose_place
from studio.training.night_memory import build_of
from studio.training.packing import build_block, supervised_logits

Kind = gguf.GGMLQuantizationType
PACKED = Place("cpu", "float32", packed=True)


@pytest.fixture(autouse=True)
def _few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_file, "CHUNK", 1500)


@pytest.mark.parametrize("kind", [Kind.Q4_0, Kind.Q8_0, Kind.Q4_K, Kind.Q6_K, Kind.Q5_0], ids=lambda kind: kind.name)
def test_a_packed_layer_multiplies_as_its_numbers_do(kind: gguf.GGMLQuantizationType) -> None:
    rows = random_blocks(seed=0, size=(24, 512), kind=kind)
    weight = torch.from_numpy(gguf.quants.dequantize(rows, kind))
    layer = PackedLinear(Packed(torch.from_numpy(rows), kind, 512), None, torch.float32)
    given = torch.randn(2, 3, 512, requires_grad=True)
    wanted, found = given @ weight.T, layer(given)
    torch.testing.assert_close(found, wanted)
    (wanted_gradient,) = torch.autograd.grad(wanted.sin().sum(), given)
    (found_gradient,) = torch.autograd.grad(found.sin().sum(), given)
    torch.testing.assert_close(found_gradient, wanted_gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["llama", "qwen2", "gemma3", "phi3"])
def test_a_packed_model_learns_what_an_unpacked_one_learns(name: str, tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "model.gguf", SHAPES[name], Kind.Q8_0)
    block = build_block(EXAMPLES, CPU)
    unpacked, packed = adapted(path, Place("cpu", "float32")), adapted(path, PACKED)
    wanted, found = supervised_logits(unpacked, block), supervised_logits(packed, block)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    of_unpacked, of_packed = gradients(unpacked, wanted), gradients(packed, found)
    assert of_packed.keys() == of_unpacked.keys()
    for weight, gradient in of_unpacked.items():
        torch.testing.assert_close(of_packed[weight], gradient, rtol=1e-3, atol=1e-4)


def adapted(path: Path, place: Place) -> LoraModel:
    torch.manual_seed(0)
    return randomly_adapted(path, place)


def test_the_layers_below_are_computed_once_here_too(tmp_path: Path) -> None:
    model = adapted(write_random_model(tmp_path / "model.gguf", Shape(), Kind.Q4_0), PACKED)
    block = build_block(EXAMPLES, CPU)
    whole = supervised_logits(model, block)
    below = Below(model, 1)
    below.keep([block])
    below.release()
    torch.testing.assert_close(below.logits(block), whole, rtol=1e-4, atol=1e-4)


def test_an_adapter_of_a_packed_model_has_its_precision(tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "model.gguf", Shape(), Kind.Q4_0)
    model = adapted(path, Place("cpu", "bfloat16", packed=True))
    kinds = {cast("torch.Tensor", weight).dtype for _, weight in model.named_parameters() if weight.requires_grad}
    assert kinds == {torch.bfloat16}
    assert supervised_logits(model, build_block(EXAMPLES, CPU)).dtype == torch.bfloat16


@pytest.mark.parametrize(("free", "packed"), [(10**10, False), (10**8, True)], ids=["enough", "little"])
def test_weights_stay_packed_where_they_do_not_fit_unpacked(
    free: int, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_random_model(tmp_path / "model.gguf", Shape(), Kind.Q4_0)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=free))
    assert choose_place(path, TrainingConfig()).packed is packed
    assert choose_place(path, TrainingConfig(packed=True)).packed


def test_a_night_is_reckoned_alike_from_either_reading_of_the_header(tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "model.gguf", SHAPES["gemma3"], Kind.Q8_0)
    header = read_header(path)
    assert build_of(header.metadata, header.parameters, header.file_bytes) == BaseFile(path).build()
