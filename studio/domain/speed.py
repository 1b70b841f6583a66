"""How fast a model is decoded on a machine, reckoned from what one token reads and what the machine was measured at.

Decoding waits for memory: every weight is read once a token. How fast that goes depends on the kind of the numbers,
which have to be unpacked, and a little on how many rows they stand in and through how many layers a token goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

USUAL_CONTEXT = 512
"""Tokens of context that an expected speed is told for: a question or two with lessons before them."""
_NEGLIGIBLE = 0.05
"""Kinds of numbers that make up no more than this part of a model need not have been measured."""


@dataclass(frozen=True, slots=True)
class Work:
    """What decoding one token reads: bytes of weights by ggml's number of their kind, the rows they stand in, the
    layers, and bytes of keys and values for each token of context."""

    weights: Mapping[int, int]
    rows: int
    layers: int
    kv_bytes: int


@dataclass(frozen=True, slots=True)
class MachineSpeed:
    """What was measured. `bytes_s` by ggml's number of the kind; `busy`: other programs left fewer cores than answers
    are decoded on, so that it holds for that moment only. `gpu_bytes` are free on graphics cards."""

    threads: int
    layer_s: float
    row_s: float
    kv_bytes_s: float
    bytes_s: Mapping[int, float]
    busy: bool = False
    gpu_bytes: int = 0


def token_seconds(work: Work, speed: MachineSpeed, context_tokens: int = USUAL_CONTEXT) -> float | None:
    """Seconds for each token; None where a kind that matters was not measured."""
    every = sum(work.weights.values())
    unknown = sum(size for kind, size in work.weights.items() if kind not in speed.bytes_s)
    if not every or unknown > _NEGLIGIBLE * every:
        return None
    slowest = min(speed.bytes_s.values())
    reading = sum(size / speed.bytes_s.get(kind, slowest) for kind, size in work.weights.items())
    beside = work.rows * speed.row_s + work.layers * speed.layer_s
    return reading + beside + context_tokens * work.kv_bytes / speed.kv_bytes_s
