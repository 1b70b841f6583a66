"""What other programs ask of the studio."""

from __future__ import annotations

from dataclasses import dataclass

from studio.domain.generation import ChatMessage, Sampling


@dataclass(frozen=True, slots=True)
class ClientQuestion:
    """One question of a client, with the history as the client tells it.

    `system` replaces the studio's own system message, None leaves it.
    """

    arm: str
    prompt: str
    sampling: Sampling
    history: tuple[ChatMessage, ...] = ()
    system: str | None = None
