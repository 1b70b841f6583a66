"""Whether a model fits into the machine's memory, from what its header says and before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from studio.domain.generation import FIRST_TOKENS, MOST_SEQUENCES

_KV_BYTES = 2
"""llama.cpp keeps keys and values as 16-bit floats."""
_SHARE_OF_MACHINE = 16
"""What the engine holds of short conversations takes no more than this part of the memory."""
_BATCH = 128
_FLOATS_A_TOKEN = 24
"""Of the width of a layer: what computing one token of a batch holds at once, at most."""
_ENGINE = 60_000_000
"""Python, llama.cpp and what they hold without a model."""
_TIGHT = 0.85

Metadata = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes. `context` is what several short conversations take, or one at its fullest, whichever is more."""

    weights: int
    context: int
    computing: int

    @property
    def total(self) -> int:
        return self.weights + self.context + self.computing


def memory_need(metadata: Metadata, file_bytes: int, context_tokens: int, machine_bytes: int) -> MemoryNeed | None:
    """What a model will need; None where its header does not say how it is built.

    Layers that look back only a window are counted as if they looked back all the way, as the engine holds them.
    """
    number, kv = _numbers(metadata), kv_bytes_per_token(metadata)
    if not kv:
        return None
    width, heads = number("embedding_length"), number("attention.head_count")
    tokens = min(context_tokens, number("context_length", context_tokens))
    begun = min(MOST_SEQUENCES * FIRST_TOKENS, machine_bytes // _SHARE_OF_MACHINE // kv)
    vocabulary = number("vocab_size", 150_000)
    computing = _ENGINE + 4 * _BATCH * (_FLOATS_A_TOKEN * width + heads * tokens) + 4 * 8 * vocabulary
    return MemoryNeed(file_bytes, kv * max(tokens, begun), computing)


def kv_bytes_per_token(metadata: Metadata) -> int:
    """What a token of context takes in keys and values, in all layers; 0 where the header does not say."""
    number = _numbers(metadata)
    layers, width, heads = number("block_count"), number("embedding_length"), number("attention.head_count")
    if not (layers and width and heads):
        return 0
    head, kept = width // heads, number("attention.head_count_kv", heads)
    return layers * kept * (number("attention.key_length", head) + number("attention.value_length", head)) * _KV_BYTES


def _numbers(metadata: Metadata) -> Callable[..., int]:
    """Reads fields of the header that the architecture has, by their names without it; 0, or `otherwise`, for none."""
    architecture = metadata.get("general.architecture", "")

    def number(key: str, otherwise: int = 0) -> int:
        value = metadata.get(f"{architecture}.{key}", otherwise)
        return int(value) if isinstance(value, int | float) else otherwise

    return number


class Fit(StrEnum):
    """Whether a model fits, in words."""

    FITS = "fits"
    TIGHT = "tight"
    NOT = "does not fit"


def layers_on_gpu(need: MemoryNeed, layers: int, gpu_bytes: int) -> int:
    """How many of the layers fit onto graphics cards with so much memory free, with their part of the context."""
    each = (need.weights + need.context) / (layers + 1)  # what stands before and after the layers counts as one
    return max(0, min(layers, int((gpu_bytes - need.computing) / each)))


def fit_of(needed: float, free: int) -> Fit:
    """Both in bytes."""
    if needed > free:
        return Fit.NOT
    return Fit.TIGHT if needed > free * _TIGHT else Fit.FITS


def gigabytes(size: float) -> str:
    """Bytes for people: '386 MB', '2.5 GB'."""
    return f"{size / 1e9:.1f} GB" if size >= 999.5e6 else f"{size / 1e6:.0f} MB"
