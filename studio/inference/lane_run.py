"""One completion on its way: what is computed, what is still to compute, and the text so far."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from studio.domain.generation import FinishReason, Sampling
from studio.errors import StudioError
from studio.inference.llama_native import AdapterHandle, NativeContext, NativeModel, NativeSampler
from studio.inference.protocol import Event, LaneBroke, LaneEnded, TextArrived
from studio.inference.sequence_cache import HeldSequence
from studio.inference.text_stream import TextStream

Emit = Callable[[Event], None]
_SEED_BITS = 32

# Whoever reads the text runs on the same cores: telling it of every token cost a tenth of the speed, and no screen
# shows text more often than this.
SEND_EVERY_S = 0.04


class AdapterFile(NamedTuple):
    """Size and time of change stand for the content, so a file that was replaced is another adapter."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class AdapterSet:
    """What a context has attached. Contexts are interchangeable only if equal in this; KV is never shared across.

    One scale and one handle for each file.
    """

    files: tuple[AdapterFile, ...] = ()
    scales: tuple[float, ...] = ()
    handles: tuple[AdapterHandle, ...] = field(default=(), compare=False, repr=False)


class LaneRun:
    """`tokens` are prompt and completion; those past what the sequence holds are still to be computed.

    `limit` bounds their number: max_tokens, or the context where that is nearer.
    """

    def __init__(
        self,
        request: int,
        key: str,
        prompt: list[int],
        *,
        interactive: bool,
        adapters: AdapterSet,
        sampling: Sampling,
        context_tokens: int,
        started: float,
    ) -> None:
        self.request = request
        self.key = key
        self.interactive = interactive
        self.adapters = adapters
        self.tokens = list(prompt)
        self.limit = min(len(prompt) + sampling.max_tokens, context_tokens)
        self.sequence: HeldSequence | None = None
        self.reused_tokens: int | None = None
        self.cancelled = False
        self.prompt_tokens = len(prompt)
        self._sampling = sampling
        self._sampler: NativeSampler | None = None
        self._stream = TextStream(sampling.stop)
        self._started = started
        self._first_token_s = 0.0
        self._chosen = 0
        self._log_probability = 0.0
        self._unsent = ""
        self._sent_at = 0.0

    @property
    def computed(self) -> int:
        return len(self.sequence.tokens) if self.sequence else 0

    @property
    def is_prefilling(self) -> bool:
        return len(self.tokens) - self.computed > 1 or len(self.tokens) == self.prompt_tokens

    def choose_token(self, context: NativeContext, row: int) -> int:
        token, log_probability = self._choose(context, row)
        self._chosen += 1
        self._log_probability += log_probability
        return token

    def _choose(self, context: NativeContext, row: int) -> tuple[int, float]:
        if self._sampling.temperature <= 0.0:
            return context.greedy_token(row)
        if self._sampler is None:
            seed = self._sampling.seed
            chosen = secrets.randbits(_SEED_BITS) if seed is None else seed % (1 << _SEED_BITS)
            self._sampler = NativeSampler(self._sampling, chosen)
        return context.sampled_token(self._sampler, row)

    def take(self, token: int, model: NativeModel, emit: Emit) -> FinishReason | None:
        """Add a chosen token; send the text it completes. Returns why the answer is over, or None."""
        if len(self.tokens) == self.prompt_tokens:
            self._first_token_s = time.monotonic() - self._started
        if model.ends_answer(token):
            return FinishReason.STOP
        self.tokens.append(token)
        self._send(self._stream.push(model.piece(token)), emit)
        if self._stream.stopped:
            return FinishReason.STOP
        return FinishReason.LENGTH if len(self.tokens) >= self.limit else None

    def end(self, reason: FinishReason, emit: Emit) -> None:
        self._send(self._stream.finish(), emit, at_once=True)
        emit(
            LaneEnded(
                self.request,
                self.key,
                text=self._stream.text,
                finish_reason=reason.value,
                prompt_tokens=self.prompt_tokens,
                reused_tokens=self.reused_tokens or 0,
                completion_tokens=len(self.tokens) - self.prompt_tokens,
                first_token_s=self._first_token_s,
                latency_s=time.monotonic() - self._started,
                mean_log_probability=self._log_probability / self._chosen if self._chosen else None,
            )
        )
        self._free()

    def fail(self, error: StudioError, emit: Emit) -> None:
        self._send("", emit, at_once=True)
        emit(LaneBroke(self.request, self.key, error.message, error.hint))
        self._free()

    def _send(self, text: str, emit: Emit, *, at_once: bool = False) -> None:
        self._unsent += text
        now = time.monotonic()
        if self._unsent and (at_once or now - self._sent_at >= SEND_EVERY_S):
            emit(TextArrived(self.request, self.key, self._unsent))
            self._unsent, self._sent_at = "", now

    def _free(self) -> None:
        if self._sampler is not None:
            self._sampler.free()
            self._sampler = None
