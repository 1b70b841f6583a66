"""How work that takes long tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it is, and of how much; 0 where that is not known. What it raises ends the
work, as a failure in it would."""


def unheard(_what: str, _done: int, _total: int) -> None:
    """For work that nobody watches."""
