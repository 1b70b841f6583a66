"""Writes a trained LoRA as the GGUF adapter that llama.cpp attaches to the quantized base.

Format as in llama.cpp's convert_lora_to_gguf.py: `general.type` adapter, `adapter.type` lora,
`adapter.lora.alpha`, and per matrix `<base tensor>.lora_a` [rank, in] and `.lora_b` [out, rank].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from studio.durable import draft_of
from studio.errors import TrainingError
from studio.training.base_file import BaseFile, BaseTensor, interleave_rows
from studio.training.foreign import LoraModel

_PREFIX = "base_model.model."
"""What peft puts before a module's name."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LoraPair:
    """One adapted matrix: A [rank, in], B [out, rank]; the change is (alpha / rank) * B @ A."""

    a: Array
    b: Array


def adapted_tensors(model: LoraModel, base: BaseFile) -> dict[str, BaseTensor]:
    """The tensor of the base file that each adapted module changes, by the module's name.

    Raises TrainingError where the file has no such tensor.
    """
    heads = (model.config.num_attention_heads, model.config.num_key_value_heads)
    adapted = [name for name, module in model.named_modules() if hasattr(module, "lora_A")]
    return {name: base.locate(name.removeprefix(_PREFIX), heads) for name in adapted}


def lora_pairs(model: LoraModel, tensors: Mapping[str, BaseTensor]) -> dict[BaseTensor, LoraPair]:
    """What the adapter of the model now holds, by the tensor of the base file that it changes."""
    modules, pairs = dict(model.named_modules()), {}
    for name, tensor in tensors.items():
        a, b = modules[name].lora_A["default"].weight, modules[name].lora_B["default"].weight
        pairs[tensor] = LoraPair(a.detach().float().cpu().numpy(), b.detach().float().cpu().numpy())
    return pairs


def write_adapter(
    path: Path,
    pairs: Mapping[BaseTensor, LoraPair],
    *,
    architecture: str,
    alpha: float,
    metadata: Mapping[str, str],
) -> None:
    """Write the adapter atomically. `alpha` is over rank, as llama.cpp divides by it; `metadata` become string keys.

    In half precision: the file and what is read of it for every token are half as large, and it answers the same.
    Raises TrainingError when the disk refuses.
    """
    try:
        with draft_of(path) as draft:
            _write(gguf.GGUFWriter(draft, architecture), pairs, alpha, metadata)
    except OSError as error:
        raise TrainingError(
            f"The adapter {path} cannot be written ({error.strerror}).", "Free some space and run the night again."
        ) from error


def _write(
    writer: gguf.GGUFWriter, pairs: Mapping[BaseTensor, LoraPair], alpha: float, metadata: Mapping[str, str]
) -> None:
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for key, value in metadata.items():
        writer.add_string(key, value)
    for tensor, pair in pairs.items():
        b = pair.b if tensor.row_heads is None else interleave_rows(pair.b, tensor.row_heads)
        for part, weights in (("lora_a", pair.a), ("lora_b", b)):
            writer.add_tensor(f"{tensor.name}.{part}", np.ascontiguousarray(weights, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
