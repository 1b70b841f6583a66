"""A number with its noun, as English has it."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """'1 correction', '1,200 corrections': for nouns that take an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
