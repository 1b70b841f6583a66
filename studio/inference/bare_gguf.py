"""The smallest GGUF files that llama.cpp decodes with: llama's layers of any size and kind, and nothing in them.

How fast a model is decoded depends on the sizes and kinds of its matrices, not on what stands in them: the file is one
hole behind its header, written in no time and taking no room.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.inference.gguf_header import BLOCKS

_F32 = 0
_STRING, _UINT32, _FLOAT32 = 8, 4, 6
_ALIGNMENT = 32
_EMBEDDING = "token_embd.weight"
VOCABULARY = 32


@dataclass(frozen=True, slots=True)
class BareShape:
    """A llama of so many layers; its matrices are of the ggml type `kind`."""

    kind: int
    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int

    @property
    def kv_width(self) -> int:
        return self.width // self.heads * self.kv_heads

    @property
    def rows(self) -> int:
        """Of the same matrices."""
        return self.layers * (3 * self.width + 2 * self.kv_width + 2 * self.inner)

    @property
    def bytes(self) -> int:
        """Of all its matrices but that of the vocabulary, which is tiny."""
        return sum(_bytes(kind, sizes) for name, kind, sizes in _tensors(self) if len(sizes) > 1 and name != _EMBEDDING)


def write_bare_model(path: Path, shape: BareShape) -> None:
    """Raises OSError."""
    tensors = list(_tensors(shape))
    said: dict[str, str | int | float] = {
        "general.architecture": "llama",
        "llama.block_count": shape.layers,
        "llama.context_length": 4096,
        "llama.embedding_length": shape.width,
        "llama.feed_forward_length": shape.inner,
        "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": shape.width // shape.heads,
        "llama.vocab_size": VOCABULARY,
        "tokenizer.ggml.model": "none",
    }
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(said))
    header += b"".join(_text(key) + _value(value) for key, value in said.items())
    offset = 0
    for name, kind, sizes in tensors:
        header += _text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)
        offset += _aligned(_bytes(kind, sizes))
    with path.open("wb") as file:
        file.write(header)
        file.truncate(_aligned(len(header)) + offset)


def _tensors(shape: BareShape) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    width, inner, kept = shape.width, shape.inner, shape.kv_width
    yield _EMBEDDING, _F32, (width, VOCABULARY)
    yield "output_norm.weight", _F32, (width,)
    for layer in range(shape.layers):
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", _F32, (width,)
        matrices = {"attn_q": (width, width), "attn_k": (width, kept), "attn_v": (width, kept)}
        matrices |= {"attn_output": (width, width), "ffn_gate": (width, inner), "ffn_up": (width, inner)}
        for name, sizes in (matrices | {"ffn_down": (inner, width)}).items():
            yield f"blk.{layer}.{name}.weight", shape.kind, sizes


def _bytes(kind: int, sizes: tuple[int, ...]) -> int:
    numbers, length = BLOCKS[kind]
    count = 1
    for size in sizes:
        count *= size
    return count // numbers * length


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _value(value: str | float) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _text(value)
    return struct.pack("<If", _FLOAT32, value) if isinstance(value, float) else struct.pack("<II", _UINT32, value)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw
