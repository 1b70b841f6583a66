"""Whether a model fits into the machine's memory, from what its header says and before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_KV_BYTES = 2
"""llama.cpp keeps keys and values as 16-bit floats."""
_BEGUN_TOKENS = 8 * 1024
_SHARE_OF_MACHINE = 16
"""The engine begins with eight sequences of 1,024 tokens, as far as they take no more than this part of the memory."""
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
    architecture = metadata.get("general.architecture", "")

    def number(key: str, otherwise: int = 0) -> int:
        value = metadata.get(f"{architecture}.{key}", otherwise)
        return int(value) if isinstance(value, int | float) else otherwise

    layers, width = number("block_count"), number("embedding_length")
    heads = number("attention.head_count")
    if not (layers and width and heads):
        return None
    head = width // heads
    kept = number("attention.head_count_kv", heads)
    per_token = (number("attention.key_length", head) + number("attention.value_length", head)) * kept
    tokens = min(context_tokens, number("context_length", context_tokens))
    kv = layers * per_token * _KV_BYTES
    begun = min(_BEGUN_TOKENS, machine_bytes // _SHARE_OF_MACHINE // max(1, kv))
    vocabulary = number("vocab_size", 150_000)
    computing = _ENGINE + 4 * _BATCH * (_FLOATS_A_TOKEN * width + heads * tokens) + 4 * 8 * vocabulary
    return MemoryNeed(file_bytes, kv * max(tokens, begun), computing)


class Fit(StrEnum):
    """Whether a model fits, in words."""

    FITS = "fits"
    TIGHT = "tight"
    NOT = "does not fit"


def fit_of(needed: float, free: int) -> Fit:
    """Both in bytes."""
    if needed > free:
        return Fit.NOT
    return Fit.TIGHT if needed > free * _TIGHT else Fit.FITS


def gigabytes(size: float) -> str:
    """Bytes for people: '386 MB', '2.5 GB'."""
    return f"{size / 1e9:.1f} GB" if size >= 999.5e6 else f"{size / 1e6:.0f} MB"
