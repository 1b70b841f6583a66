"""Writes a trained LoRA as the GGUF adapter that llama.cpp attaches to the quantized base.

Format as in llama.cpp's convert_lora_to_gguf.py: `general.type` adapter, `adapter.type` lora,
`adapter.lora.alpha`, and per matrix `<base tensor>.lora_a` [rank, in] and `.lora_b` [out, rank].
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from studio.durable import sync_file, sync_folder
from studio.errors import TrainingError

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LoraPair:
    """One adapted matrix: A [rank, in], B [out, rank]; the change is (alpha / rank) * B @ A."""

    a: Array
    b: Array


@dataclass(frozen=True, slots=True)
class BaseTensor:
    """The tensor of the base file that a torch module was loaded from.

    `row_heads`: llama.cpp stores the rows of q and k of some architectures interleaved per head for its rotary
    embedding; the number of heads where that is so, else None.
    """

    name: str
    row_heads: int | None


class BaseFile:
    """The GGUF the adapter belongs to: its architecture, and which tensor each torch module came from."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = gguf.GGUFReader(path)
        self.architecture = str(self._field("general.architecture"))
        kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
        if self.architecture not in kinds:
            raise self._unsupported(f"the architecture '{self.architecture}'")
        layers = int(str(self._field(f"{self.architecture}.block_count")))
        self._names = gguf.get_tensor_name_map(kinds[self.architecture], layers)
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}

    def locate(self, module: str, weight: Array, heads: tuple[int, int]) -> BaseTensor:
        """The tensor `module` (a torch name such as model.layers.0.mlp.up_proj) holds as `weight` [out, in].

        Whether its rows are interleaved is read off the weights themselves, so no table of architectures is kept.
        `heads` are the numbers of query and of key-value heads. Raises TrainingError where the two differ otherwise.
        """
        name = self.name_of(module)
        tensor = self._tensors[name]
        stored = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if stored.shape == weight.shape:
            if _close(stored, weight):
                return BaseTensor(name, None)
            for count in heads:
                if weight.shape[0] % (2 * count) == 0 and _close(stored, interleave_rows(weight, count)):
                    return BaseTensor(name, count)
        raise self._unsupported(f"the layer {module}, stored otherwise than it is trained")

    def name_of(self, module: str) -> str:
        """The name of the module's tensor in the file. Raises TrainingError where there is none."""
        name = f"{self._names.get_name(module)}.weight"
        if name not in self._tensors:
            raise self._unsupported(f"the layer {module}")
        return name

    def _field(self, key: str) -> object:
        field = self._reader.get_field(key)
        if field is None:
            raise self._unsupported(f"a file without '{key}'")
        return field.contents()

    def _unsupported(self, what: str) -> TrainingError:
        return TrainingError(
            f"{self._path.name} answers, but no adapter can be written for {what}.",
            "Choose another model to learn from corrections overnight; lessons work with every model.",
        )


def interleave_rows(rows: Array, heads: int) -> Array:
    """llama.cpp's order of the rows of q and k: within each head, the two halves alternate."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def _close(stored: Array, weight: Array) -> bool:
    # The trained copy may be rounded to bfloat16, whose steps are 1/256 of a value.
    return bool(np.allclose(stored, weight, rtol=2**-7, atol=1e-6))


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        writer = gguf.GGUFWriter(temporary, architecture)
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
        sync_file(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TrainingError(
            f"The adapter {path} cannot be written ({error.strerror}).", "Free some space and run the night again."
        ) from error
