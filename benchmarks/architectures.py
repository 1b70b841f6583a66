"""Whether torch computes what llama.cpp computes, with an adapter and without, for every architecture that is trained.

A small random model of each is written as GGUF, read by the night's loader, given random adapters on all its layers,
which are exported as a night exports them; then both read the same tokens. `.plain` and `.adapted` are the greatest
differences of any logit at any place, `.change` the most that the adapter changed one. llama.cpp multiplies adapters
in half precision, and looks Gemma's activation up in a table in half precision: hence what is left.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
import torch

from benchmarks._random_models import Fields, Shape, write_random_model
from studio.training.base_file import BaseFile
from studio.training.foreign import LoraModel
from studio.training.gguf_adapter import adapted_tensors, lora_pairs, write_adapter
from studio.training.job import TrainingConfig
from studio.training.model import Place, attach_lora, load, prepare_process

TOKENS = [int(token) for token in np.random.default_rng(1).integers(3, 280, 20)]
CONFIG = TrainingConfig(rank=4, alpha=32.0, share_below=0.0)
_GEMMA2: Fields = {"attention.sliding_window": 8, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
_GEMMA3: Fields = {"attention.sliding_window": 8, "rope.scaling.type": "linear", "rope.scaling.factor": 8.0}
_YARN: Fields = {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 64}
_LONG: Fields = {"rope.scaling.original_context_length": 4096, "rope.scaling.attn_factor": 1.19}
SHAPES = {
    "llama": Shape(),
    "llama 3.2": Shape(tied=True, head=32, rope_base=5e5, factors={"rope_freqs": tuple(np.geomspace(1, 32, 16))}),
    "mistral": Shape(name="mistral"),
    "qwen2": Shape("qwen2"),
    "qwen2 yarn": Shape("qwen2", more=_YARN),
    "qwen3": Shape("qwen3", tied=True, head=24),
    "gemma2": Shape("gemma2", tied=True, head=24, more=_GEMMA2),
    "gemma3": Shape("gemma3", tied=True, head=24, layers=6, rope_base=1e6, more=_GEMMA3),
    "phi3": Shape("phi3", more={"attention.sliding_window": 8}),
    "phi4-mini": Shape(
        "phi3",
        tied=True,
        rotated=12,
        context=8192,
        more=_LONG,
        factors={"rope_factors_long": (8.0,) * 6, "rope_factors_short": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)},
    ),
}

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of torch's logits from llama.cpp's, the greatest; and how far the adapter moved torch's, at most."""

    plain: float
    adapted: float
    change: float


def main() -> dict[str, float]:
    prepare_process()
    figures: dict[str, float] = {}
    for name, shape in SHAPES.items():
        with tempfile.TemporaryDirectory() as scratch:
            found = compare(shape, Path(scratch))
        key = f"architectures.{name.replace(' ', '_')}"
        figures |= {f"{key}.plain": found.plain, f"{key}.adapted": found.adapted, f"{key}.change": found.change}
    return figures


def compare(shape: Shape, folder: Path) -> Difference:
    """Write the model and its adapter into `folder`, and let both engines read."""
    path, adapter = write_random_model(folder / "model.gguf", shape), folder / "adapter.gguf"
    model = randomly_adapted(path, Place("cpu", "float32"))
    base = BaseFile(path)
    pairs = lora_pairs(model, adapted_tensors(model, base))
    write_adapter(adapter, pairs, architecture=base.architecture, alpha=CONFIG.alpha, metadata={})
    with model.disable_adapter():
        plain = torch_logits(model)
    adapted = torch_logits(model)
    return Difference(
        plain=_most(plain - _native_logits(path, None)),
        adapted=_most(adapted - _native_logits(path, adapter)),
        change=_most(adapted - plain),
    )


def randomly_adapted(path: Path, place: Place) -> LoraModel:
    """The model with an adapter of random numbers, which half precision holds exactly."""
    model = attach_lora(load(path, place)[0], CONFIG)
    with torch.no_grad():
        for _, weight in model.named_parameters():
            if weight.requires_grad:
                weight.copy_(torch.randn_like(weight, dtype=torch.float32).mul(0.05).half())
    model.eval()
    return model


def torch_logits(model: LoraModel) -> Logits:
    """[place, vocabulary] of TOKENS."""
    with torch.no_grad():
        ids = torch.tensor([TOKENS], device=next(model.parameters()).device)
        found: Logits = model(input_ids=ids).logits[0].float().cpu().numpy()
    return found


def _native_logits(path: Path, adapter: Path | None) -> Logits:
    # Without weights repacked for AMX, with which llama.cpp crashes (studio.inference.llama_native).
    defaults = llama_cpp.llama_model_default_params()
    defaults.use_extra_bufts = False
    llama_cpp.llama_cpp.llama_model_default_params = lambda: defaults
    engine = llama_cpp.Llama(
        str(path),
        n_ctx=256,
        n_threads=1,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
        flash_attn=False,
        logits_all=True,
        verbose=False,
        lora_path=str(adapter) if adapter else None,
    )
    engine.eval(TOKENS)
    found: Logits = np.array(engine.scores[: len(TOKENS)], dtype=np.float32)
    engine.close()
    return found


def _most(values: Logits) -> float:
    return float(np.abs(values).max())
