"""The ports: what the rooms promise each other. Concrete classes are chosen in studio.bootstrap only.

Engine and embedder are asynchronous, because they are other processes. The log's are in studio.domain.stores.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from studio.domain.generation import (
    AdapterUse,
    ChatMessage,
    EngineOptions,
    Lane,
    LaneEvent,
    ModelFacts,
    Priority,
    Sampling,
)

if TYPE_CHECKING:  # what the app need not hold for its first paint
    from studio.domain.clients import ClientQuestion
    from studio.domain.log import Answer


class Engine(Protocol):
    """A model that answers, on this machine or on a server. Raises ModelError, AdapterError, EngineError."""

    @property
    def facts(self) -> ModelFacts | None:
        """The loaded model, or None before `load` is done."""
        ...

    @property
    def process_id(self) -> int | None:
        """The engine's process, so that a night can make it stand still; None while there is none."""
        ...

    async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
        """Load a model, replacing the one before; an engine whose model a server holds passes `model` over.

        Raises ModelError with the reason in words, EngineError where there is nobody to load it.
        """
        ...

    def refusal(self, uses: Sequence[AdapterUse]) -> str:
        """Why these adapters cannot be attached together, as a sentence; empty where they can. Known after `load`."""
        ...

    def generate(
        self, lanes: Sequence[Lane], *, priority: Priority = Priority.INTERACTIVE
    ) -> AsyncGenerator[LaneEvent]:
        """Decode all lanes together. Each lane ends in exactly one LaneFinished or LaneFailed.

        Closing the iterator cancels within one decoding step.
        """
        ...

    async def count_prompt_tokens(self, prompts: Sequence[Sequence[ChatMessage]]) -> list[int]:
        """How many tokens each chat takes once rendered with the model's template, answer header included."""
        ...

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Turns texts into unit vectors. Raises EmbedderError."""

    @property
    def name(self) -> str:
        """Names the model, so that vectors of different models are never compared."""
        ...

    async def start(self) -> None:
        """Begin loading; returns once it is ready. `embed` may be called without it and then waits."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]: ...

    async def close(self) -> None: ...


class Assistant(Protocol):
    """What answers other programs: the arms, as the models of an API."""

    @property
    def sampling(self) -> Sampling:
        """What holds where a client asks for nothing else."""
        ...

    async def arms(self) -> tuple[str, ...]:
        """The arms that can answer, the default first. Raises ModelError."""
        ...

    def answer(self, question: ClientQuestion) -> AsyncGenerator[str | Answer]:
        """Pieces of the answer's text, an empty one as soon as it is being answered; last the answer as logged.

        Closing the iterator cancels. Raises StudioError.
        """
        ...
