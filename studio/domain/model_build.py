"""How a model is built, in the numbers of its GGUF header, and what a token of context takes in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Metadata = Mapping[str, str | int | float | bool]
"""The header's fields that are no arrays."""

_KV_BYTES = 2
"""llama.cpp keeps keys and values as 16-bit floats."""


def numbers(metadata: Metadata) -> Callable[..., int]:
    """Reads fields of the header that the architecture has, by their names without it; 0, or `otherwise`, for none."""
    architecture = metadata.get("general.architecture", "")

    def number(key: str, otherwise: int = 0) -> int:
        value = metadata.get(f"{architecture}.{key}", otherwise)
        return int(value) if isinstance(value, int | float) else otherwise

    return number


def kv_bytes_per_token(metadata: Metadata) -> int:
    """What a token of context takes in keys and values, in all layers; 0 where the header does not say."""
    number = numbers(metadata)
    layers, width, heads = number("block_count"), number("embedding_length"), number("attention.head_count")
    if not (layers and width and heads):
        return 0
    head, kept = width // heads, number("attention.head_count_kv", heads)
    return layers * kept * (number("attention.key_length", head) + number("attention.value_length", head)) * _KV_BYTES
