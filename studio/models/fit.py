"""Whether a model fits into the machine's memory, from what its header says and before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from studio.domain.generation import CONTEXT_SHARE_OF_MEMORY, FIRST_TOKENS, MOST_SEQUENCES
from studio.domain.model_build import Metadata, kv_bytes_per_token, numbers

_BATCH = 128
_FLOATS_A_TOKEN = 24
"""Of the width of a layer: what computing one token of a batch holds at once, at most."""
_ENGINE = 60_000_000
"""Python, llama.cpp and what they hold without a model."""
_TIGHT = 0.85


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
    number, kv = numbers(metadata), kv_bytes_per_token(metadata)
    if not kv:
        return None
    width, heads = number("embedding_length"), number("attention.head_count")
    tokens = min(context_tokens, number("context_length", context_tokens))
    begun = min(MOST_SEQUENCES * FIRST_TOKENS, machine_bytes // CONTEXT_SHARE_OF_MEMORY // kv)
    vocabulary = number("vocab_size", 150_000)
    computing = _ENGINE + 4 * _BATCH * (_FLOATS_A_TOKEN * width + heads * tokens) + 4 * 8 * vocabulary
    return MemoryNeed(file_bytes, kv * max(tokens, begun), computing)


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
