"""The GGUF that answers, as training reads it: its header, and its tensors in the order that torch has them."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import torch
from transformers.integrations.gguf.dequant import GGML_BLOCK, dequantize

from studio.training.architectures import GEMMA2, GEMMA3, LLAMA, refuse_untrained, untrained
from studio.training.night_memory import Build

CHUNK, CHUNK_ON_GPU = 2**20, 2**24
"""How many numbers are unpacked at a time; what that takes beside them is a few times their size. On a GPU what takes
time is to begin."""

Rows = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class BaseTensor:
    """The tensor of the base file that a torch module's weight lies in.

    `row_heads`: llama.cpp stores the rows of q and k of some architectures interleaved per head for its rotary
    embedding; the number of heads where that is so, else None.
    """

    name: str
    row_heads: int | None


@dataclass(frozen=True, slots=True)
class Packed:
    """A matrix as it lies in the file: `rows` [out, bytes of a row], each unpacking to `columns` numbers of `kind`.

    `forget` gives the pages back that were read of the file.
    """

    rows: torch.Tensor
    kind: gguf.GGMLQuantizationType
    columns: int
    forget: Callable[[], None] | None = None

    def unpack(self, rows: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """[n, columns] of these n rows. Unpacked in float32 and rounded once, so the same whatever `dtype` is."""
        if self.kind.value in GGML_BLOCK:
            unpacked: torch.Tensor = dequantize(rows, self.kind.value)
            return unpacked.view(len(rows), self.columns).to(dtype)
        values = torch.from_numpy(gguf.quants.dequantize(rows.cpu().numpy(), self.kind))
        return values.to(rows.device, dtype)

    def chunks(self, dtype: torch.dtype) -> Iterator[tuple[slice, torch.Tensor]]:
        """All rows, unpacked a few at a time."""
        together = max(1, (CHUNK_ON_GPU if self.rows.is_cuda else CHUNK) // self.columns)
        for start in range(0, len(self.rows), together):
            part = slice(start, min(start + together, len(self.rows)))
            yield part, self.unpack(self.rows[part], dtype)


class BaseFile:
    """Raises TrainingError where the file's architecture cannot be trained or its header lacks something."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = gguf.GGUFReader(path)
        self.architecture = str(self._field("general.architecture"))
        refuse_untrained(path.name, self.architecture)
        kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
        self._names = gguf.get_tensor_name_map(kinds[self.architecture], self.number("block_count"))
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        with path.open("rb") as file:
            # Copied on write, which nobody does: torch takes no pages that cannot be written.
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._bytes: Rows = np.frombuffer(pages, dtype=np.uint8)
        self.forget = partial(_forget, pages)  # of the pages alone: a header read takes hundreds of megabytes

    def number(self, key: str, otherwise: int | None = None) -> int:
        """A field of the architecture's. Raises TrainingError where it is missing and has no `otherwise`."""
        return int(self.real(key, otherwise))

    def real(self, key: str, otherwise: float | None = None) -> float:
        value = self._field(f"{self.architecture}.{key}", otherwise)
        if not isinstance(value, int | float):  # an array: one number for every layer
            raise untrained(self.path.name, f"its header gives '{key}' layer by layer")
        return value

    def text(self, key: str) -> str:
        return str(self._field(f"{self.architecture}.{key}", ""))

    def build(self) -> Build:
        """How the model is built, as far as memory depends on it."""
        parameters = sum(int(tensor.n_elements) for tensor in self._tensors.values())
        return Build.read(self.number, parameters, self.path.stat().st_size, self.vocabulary)

    @property
    def vocabulary(self) -> int:
        return int(self._tensors["token_embd.weight"].shape[1])

    def has(self, tensor: str) -> bool:
        return tensor in self._tensors

    def locate(self, module: str, heads: tuple[int, int]) -> BaseTensor:
        """The tensor of a module's weight (a torch name such as model.layers.0.mlp.up_proj).

        `heads` are the numbers of query and of key-value heads. Raises TrainingError where the file has none.
        """
        name = f"{self._names.get_name(module)}.weight"
        if name not in self._tensors:
            raise untrained(self.path.name, f"it has nothing for the layer {module}")
        return BaseTensor(name, self._row_heads(name, heads))

    def values(self, parameter: str, heads: tuple[int, int]) -> torch.Tensor:
        """A norm or a bias (model.layers.0.input_layernorm.weight), or a factor by its name in the file; float32."""
        module, _, last = parameter.rpartition(".")
        name = f"{self._names.get_name(module)}.{last}"
        stored = self._tensors.get(name) or self._tensors.get(parameter)
        if stored is None:
            raise untrained(self.path.name, f"it has nothing for {parameter}")
        found = np.array(gguf.quants.dequantize(stored.data, stored.tensor_type), dtype=np.float32)
        if (count := self._row_heads(name, heads)) is not None:
            found = apart_rows(found, count)
        if self.architecture in (GEMMA2, GEMMA3) and name.endswith("norm.weight"):
            found = found - 1  # Gemma's norms multiply by one more than they hold; llama.cpp adds it beforehand
        return torch.from_numpy(found)

    def matrix(self, module: str, heads: tuple[int, int]) -> Packed:
        """The module's weight, packed as it lies in the file, its rows in torch's order."""
        located = self.locate(module, heads)
        stored = self._tensors[located.name]
        start = int(stored.data_offset)
        columns, rows = (int(size) for size in stored.shape)
        raw: Rows = self._bytes[start : start + int(stored.n_bytes)].reshape(rows, -1)
        if located.row_heads is not None:
            raw = apart_rows(raw, located.row_heads)
        return Packed(torch.from_numpy(raw), stored.tensor_type, columns, self.forget)

    def _row_heads(self, tensor: str, heads: tuple[int, int]) -> int | None:
        if self.architecture == LLAMA and ".attn_q." in tensor:
            return heads[0]
        return heads[1] if self.architecture == LLAMA and ".attn_k." in tensor else None

    def _field(self, key: str, otherwise: object = None) -> object:
        field = self._reader.get_field(key)
        value = otherwise if field is None else field.contents()
        if value is None:
            raise untrained(self.path.name, f"its header lacks '{key}'")
        return value


def _forget(pages: mmap.mmap) -> None:
    """Let the pages go that were read: what was taken from them is elsewhere, or they are read again."""
    if hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


def interleave_rows(rows: Rows, heads: int) -> Rows:
    """llama.cpp's order of the rows of q and k: within each head, the two halves alternate."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def apart_rows(rows: Rows, heads: int) -> Rows:
    """The order before `interleave_rows`, as torch has it."""
    pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
    return pairs.swapaxes(1, 2).reshape(rows.shape)
