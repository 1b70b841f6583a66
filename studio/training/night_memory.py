"""How much memory a night takes, reckoned from the model's header: to choose how its weights are held, and to tell.

Batch size and number of corrections change next to nothing: a step goes through its examples in passes of bounded size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.domain.model_build import Metadata, numbers

SHARE_OF_FREE = 0.9
"""Of the memory that is free, what a night may take with its weights unpacked; else they are left packed."""
_PROCESS = 400_000_000
"""Python with torch, transformers and peft, before any model."""
_LOADING = 100_000_000
"""The tokenizer, and what unpacking takes in passing."""
_KEPT = 100_000_000
"""What the layers below make of a usual night's examples, and what the frozen model says of those replayed."""
BLOCK_PLACES = {"cpu": 384, "cuda": 4096}
"""The most a pass has. On a CPU larger ones are no faster, for they hold more padding (docs/night.md)."""
_SUPERVISED = 0.5
"""How many of a pass's places the loss falls on."""
_LOGITS = 3
"""Logits, their copy for the loss, and their gradient."""
_SAID = ("block_count", "embedding_length", "attention.head_count", "feed_forward_length")
"""What a header must say of a model."""


@dataclass(frozen=True, slots=True)
class Build:
    """How a model is built. `queries` and `keys` are all heads' together."""

    file_bytes: int
    parameters: int
    layers: int
    width: int
    queries: int
    keys: int
    inner: int
    vocabulary: int

    @classmethod
    def read(cls, number: Callable[..., int], parameters: int, file_bytes: int, vocabulary: int) -> Build:
        """`number` gives a field of the header, by its name without the architecture, or what is to stand for it."""
        width, heads = number("embedding_length"), number("attention.head_count")
        head = number("attention.key_length", width // heads)
        return cls(
            file_bytes=file_bytes,
            parameters=parameters,
            layers=number("block_count"),
            width=width,
            queries=head * heads,
            keys=head * number("attention.head_count_kv", heads),
            inner=number("feed_forward_length"),
            vocabulary=vocabulary,
        )


def build_of(metadata: Metadata, parameters: int, file_bytes: int) -> Build | None:
    """None where the header does not say it."""
    number = numbers(metadata)
    if not (parameters and all(map(number, _SAID))):
        return None
    return Build.read(number, parameters, file_bytes, number("vocab_size", 150_000))


def night_memory(
    build: Build,
    *,
    rank: int,
    share_below: float,
    number_bytes: int,
    packed: bool,
    places: int = BLOCK_PLACES["cpu"],
) -> int:
    """Bytes at the peak, with numbers of `number_bytes` (4, or 2 in bfloat16) and passes of up to so many `places`;
    `packed`: weights as in the file."""
    below = round(share_below * build.layers)
    adapted = build.layers - below
    attention = 9 * build.width + 5 * build.queries + 3 * build.keys
    middle = 4 * build.inner
    a_place = adapted * attention + (1 if packed else adapted) * middle
    logits = _LOGITS * places * _SUPERVISED * build.vocabulary * 4
    sides = 4 * build.width + 2 * build.queries + 2 * build.keys + 3 * (build.width + build.inner)
    trained = adapted * rank * sides
    weights = build.file_bytes if packed else build.parameters * number_bytes
    in_layers = build.layers * (2 * build.width * (build.queries + build.keys) + 3 * build.width * build.inner)
    released = weights * in_layers / build.parameters * below / build.layers
    training = trained * (16 + 2 * number_bytes) + _KEPT + places * a_place * number_bytes + logits
    return round(_PROCESS + weights + max(_LOADING, training - released))
