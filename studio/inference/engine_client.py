"""The Engine port over the engine process: starts it, restarts it when it dies, streams its answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from itertools import count
from pathlib import Path

from studio import errors
from studio.domain.generation import (
    AdapterUse,
    ChatMessage,
    Completion,
    EngineOptions,
    FinishReason,
    Lane,
    LaneDelta,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    ModelFacts,
    Priority,
)
from studio.errors import EngineError, StudioError
from studio.inference.child_link import ChildDiedError, ChildLink
from studio.inference.interactive_lock import InteractiveLock
from studio.inference.protocol import (
    AdapterSpec,
    Cancel,
    CountTokens,
    Event,
    Generate,
    LaneBroke,
    LaneEnded,
    LaneSpec,
    LoadModel,
    ModelLoaded,
    Refused,
    SamplingSpec,
    TextArrived,
    TokensCounted,
)

_BACKOFF_SECONDS = 0.25
_LONGEST_BACKOFF_SECONDS = 5.0
_SILENCE_SECONDS = 180.0
_RESTART_HINT = "Ask again: the engine restarts by itself."


class LlamaEngine:
    """`diagnostics` takes the engine's log; `interactive_lock` is held while the user is being answered.

    `restarts` counts how often a dead engine was started anew.
    """

    def __init__(
        self, diagnostics: Path, interactive_lock: Path | None = None, *, silence_s: float = _SILENCE_SECONDS
    ) -> None:
        self.restarts = 0
        self._log = diagnostics / "engine.log"
        self._lock = InteractiveLock(interactive_lock)
        self._silence_s = silence_s
        self._requests = count(1)
        self._link: ChildLink | None = None
        self._starting = asyncio.Lock()
        self._wanted: tuple[Path, EngineOptions] | None = None
        self._facts: ModelFacts | None = None
        self._deaths_in_a_row = 0

    @property
    def facts(self) -> ModelFacts | None:
        return self._facts

    @property
    def process_id(self) -> int | None:
        """Of the running engine process; for diagnostics."""
        return self._link.pid if self._link is not None and self._link.is_alive else None

    async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
        async with self._starting:
            self._facts = self._wanted = None
            link = await self._living_link()
            self._facts = await self._load_into(link, model, options)
            self._wanted = (model, options)
            return self._facts

    async def generate(
        self, lanes: Sequence[Lane], *, priority: Priority = Priority.INTERACTIVE
    ) -> AsyncGenerator[LaneEvent]:
        interactive = priority is Priority.INTERACTIVE
        if not lanes:
            return
        if interactive:
            await self._lock.acquire()
        try:
            link = await self._ready_link()
            request = next(self._requests)
            specs = tuple(_lane_spec(lane) for lane in lanes)
            inbox = link.open(request)
            texts = {lane.key: "" for lane in lanes}
            try:
                link.send(Generate(request, priority, specs))
                while texts:
                    for event in self._lane_events(await inbox.get(), texts):
                        yield event
            finally:
                link.forget(request)
                if texts:
                    link.send(Cancel(request))
        finally:
            if interactive:
                self._lock.release()

    async def count_prompt_tokens(self, prompts: Sequence[Sequence[ChatMessage]]) -> list[int]:
        link = await self._ready_link()
        event = await _ask(link, CountTokens(next(self._requests), tuple(_pairs(prompt) for prompt in prompts)))
        assert isinstance(event, TokensCounted)
        return list(event.counts)

    def refusal(self, uses: Sequence[AdapterUse]) -> str:  # noqa: ARG002 - whatever fits the model is attached
        return ""

    async def close(self) -> None:
        async with self._starting:
            self._facts = self._wanted = None
            if self._link is not None:
                await self._link.close()
                self._link = None

    def _lane_events(self, event: Event | ChildDiedError, open_texts: dict[str, str]) -> list[LaneEvent]:
        """What an arrival means for the lanes; those that ended leave `open_texts`."""
        match event:
            case TextArrived(key=key, text=text, is_thinking=is_thinking):
                open_texts[key] += "" if is_thinking else text
                return [LaneDelta(key, text, is_thinking)]
            case LaneEnded():
                del open_texts[event.key]
                self._deaths_in_a_row = 0
                return [LaneFinished(event.key, _completion(event))]
            case LaneBroke(key=key, message=message, hint=hint):
                return [LaneFailed(key, message, hint, open_texts.pop(key))]
            case ChildDiedError():
                message = f"The engine {event} in mid-answer."
                failed: list[LaneEvent] = [
                    LaneFailed(key, message, _RESTART_HINT, text) for key, text in open_texts.items()
                ]
                open_texts.clear()
                return failed
            case _:
                raise AssertionError(f"no answer to lanes: {event}")

    async def _ready_link(self) -> ChildLink:
        """A living process with the model loaded. Raises EngineError or ModelError."""
        async with self._starting:
            if self._wanted is None:
                raise EngineError("No model is loaded.", "Choose one with `studio models use`.")
            link = self._link
            if link is None or not link.is_alive:
                link = await self._living_link()
                self._facts = await self._load_into(link, *self._wanted)
            return link

    async def _living_link(self) -> ChildLink:
        """Start the process if none runs; after deaths in a row, wait longer each time."""
        if self._link is not None:
            if self._link.is_alive:
                return self._link
            await self._link.close()
            self._link = None
            self.restarts += 1
            await asyncio.sleep(min(_BACKOFF_SECONDS * (2**self._deaths_in_a_row - 1), _LONGEST_BACKOFF_SECONDS))
            self._deaths_in_a_row += 1
        try:
            self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._link = await ChildLink.spawn(self._log, self._silence_s)
        except OSError as error:
            raise EngineError(
                f"The engine cannot be started ({error.strerror}).", "Free some memory and disk space."
            ) from error
        return self._link

    async def _load_into(self, link: ChildLink, model: Path, options: EngineOptions) -> ModelFacts:
        command = LoadModel(
            next(self._requests),
            _absolute(model),
            options.context_tokens,
            options.threads,
            options.gpu_layers,
        )
        event = await _ask(link, command)
        assert isinstance(event, ModelLoaded)
        return ModelFacts(
            path=model,
            sha256=event.sha256,
            name=event.name,
            architecture=event.architecture,
            parameters=event.parameters,
            file_bytes=event.file_bytes,
            trained_context_tokens=event.trained_context_tokens,
            context_tokens=event.context_tokens,
            layers=event.layers,
            chat_template=event.chat_template,
            device=event.device,
        )


async def _ask(link: ChildLink, command: LoadModel | CountTokens) -> Event:
    """Send a command that has one answer. Raises the StudioError the engine refuses it with."""
    inbox = link.open(command.request)
    try:
        link.send(command)
        event = await inbox.get()
    finally:
        link.forget(command.request)
    if isinstance(event, ChildDiedError):
        doing = "loading the model" if isinstance(command, LoadModel) else "counting tokens"
        raise EngineError(f"The engine {event} while {doing}.", "Its log in the diagnostics folder may say why.")
    if isinstance(event, Refused):
        raise _refusal(event)
    return event


def _refusal(event: Refused) -> StudioError:
    kind = getattr(errors, event.error, EngineError)
    assert issubclass(kind, StudioError)
    return kind(event.message, event.hint)


def _absolute(path: Path) -> str:
    return os.fspath(path.absolute())


def _pairs(messages: Sequence[ChatMessage]) -> tuple[tuple[str, str], ...]:
    return tuple((message.role.value, message.content) for message in messages)


def _lane_spec(lane: Lane) -> LaneSpec:
    sampling = lane.sampling
    return LaneSpec(
        key=lane.key,
        messages=_pairs(lane.messages),
        sampling=SamplingSpec(
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            min_p=sampling.min_p,
            seed=sampling.seed,
            max_tokens=sampling.max_tokens,
            stop=sampling.stop,
            thinking_tokens=sampling.thinking_tokens,
        ),
        adapters=tuple(AdapterSpec(_absolute(use.path), use.scale) for use in lane.adapters),
        forced=lane.forced,
    )


def _completion(event: LaneEnded) -> Completion:
    return Completion(
        text=event.text,
        finish_reason=FinishReason(event.finish_reason),
        prompt_tokens=event.prompt_tokens,
        reused_tokens=event.reused_tokens,
        completion_tokens=event.completion_tokens,
        first_token_s=event.first_token_s,
        latency_s=event.latency_s,
        mean_log_probability=event.mean_log_probability,
        thinking=event.thinking,
    )
