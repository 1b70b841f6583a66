"""When two prompts are the same question."""

from __future__ import annotations


def folded(prompt: str) -> str:
    """What two prompts share that are the same question: case and white space do not count."""
    return " ".join(prompt.casefold().split())
