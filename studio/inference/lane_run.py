"""One completion on its way: what is computed, what is still to compute, and the text so far."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from studio.domain.generation import FinishReason, Priority, Sampling
from studio.errors import StudioError
from studio.inference.llama_native import MOST_LOGITS, NativeAdapter, NativeContext, NativeModel, NativeSampler
from studio.inference.protocol import Event, LaneBroke, LaneEnded, TextArrived
from studio.inference.sequence_cache import HeldSequence
from studio.inference.text_stream import TextStream
from studio.prompting.thinking import Said, ThinkingApart

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

    One scale and one loaded adapter for each file; they stay loaded for as long as somebody has this.
    """

    files: tuple[AdapterFile, ...] = ()
    scales: tuple[float, ...] = ()
    loaded: tuple[NativeAdapter, ...] = field(default=(), compare=False, repr=False)


class Prompt(NamedTuple):
    """What a lane begins with; `forced` is its completion, where nothing is to be chosen; `closing` the tag that ends
    the thinking which it opens, if it does."""

    tokens: Sequence[int]
    forced: Sequence[int] = ()
    closing: str = ""

    def __len__(self) -> int:
        return len(self.tokens) + len(self.forced)


class LaneRun:
    """`tokens` are prompt and completion; those past what the sequence holds are still to be computed.

    `limit` bounds their number: max_tokens, with what may be thought before, or the context where that is nearer. A
    `forced` completion is there from the beginning: nothing is chosen, and all but its last token are computed for the
    logits before each.
    `kept`: what it leaves in memory gives way only to what the user asks.
    """

    def __init__(
        self,
        request: int,
        key: str,
        prompt: Prompt,
        *,
        priority: Priority,
        adapters: AdapterSet,
        sampling: Sampling,
        context_tokens: int,
        started: float,
    ) -> None:
        self.request = request
        self.key = key
        self.interactive = priority is Priority.INTERACTIVE
        self.kept = priority is not Priority.IDLE
        self.adapters = adapters
        self.tokens = [*prompt.tokens, *prompt.forced]
        most = len(prompt.forced) or sampling.thinking_tokens + sampling.max_tokens
        self.limit = min(len(prompt.tokens) + most, context_tokens)
        self.sequence: HeldSequence | None = None
        self.reused_tokens: int | None = None
        self.cancelled = False
        self.prompt_tokens = len(prompt.tokens)
        self.is_forced = bool(prompt.forced)
        self._sampling = sampling
        self._sampler: NativeSampler | None = None
        self._stream = TextStream(sampling.stop)
        self._apart = ThinkingApart(prompt.closing)
        self._started = started
        self._first_token_s = 0.0
        self._log_probabilities: dict[int, float] = {}  # by position, for what is computed twice counts once
        self._answered_from = len(prompt.tokens)
        self._unsent: list[Said] = []
        self._sent_at = 0.0

    @property
    def computed(self) -> int:
        return len(self.sequence.tokens) if self.sequence else 0

    @property
    def is_prefilling(self) -> bool:
        return len(self.tokens) - self.computed > 1 or len(self.tokens) == self.prompt_tokens

    @property
    def reusable(self) -> list[int]:
        """The tokens of which any but the last two may come from memory; where logits are wanted they are computed."""
        return self.tokens[: self.prompt_tokens + 1] if self.is_forced else self.tokens

    def next_tokens(self, most: int) -> list[int]:
        """What is to be computed next of the prompt, or of what is forced."""
        start = self.computed
        if not self.is_forced:
            return self.tokens[start : start + most]
        before = self.prompt_tokens - 1
        end = min(start + most, before) if start < before else min(start + MOST_LOGITS, len(self.tokens) - 1)
        return self.tokens[start:end]

    def wants_logits(self, position: int, last: int) -> bool:
        """Of the token at `position`, where `last` is the last one computed with it."""
        return position == last or (self.is_forced and position >= self.prompt_tokens - 1)

    def choose_token(self, context: NativeContext, row: int) -> int:
        token, self._log_probabilities[len(self.tokens)] = self._choose(context, row)
        return token

    def note_forced(self, context: NativeContext, start: int) -> bool:
        """Read how likely the tokens after those just computed from `start` on were; True once all are known."""
        for position in range(max(start, self.prompt_tokens - 1), self.computed):
            token = self.tokens[position + 1]
            self._log_probabilities[position + 1] = context.log_probability(position - start, token)
        return self.computed == len(self.tokens) - 1

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
        self._send(self._apart.push(self._stream.push(model.piece(token))), emit)
        if self._stream.stopped:
            return FinishReason.STOP
        return FinishReason.LENGTH if len(self.tokens) >= self._end_by() else None

    def _end_by(self) -> int:
        """How many tokens there may be: what was not thought is no room for a longer answer."""
        if self._apart.is_thinking or (self._apart.thinking and not self._apart.text):
            self._answered_from = len(self.tokens)
            return self.limit
        return min(self.limit, self._answered_from + self._sampling.max_tokens)

    def end(self, reason: FinishReason, emit: Emit) -> None:
        self._send([*self._apart.push(self._stream.finish()), *self._apart.finish()], emit, at_once=True)
        emit(
            LaneEnded(
                self.request,
                self.key,
                text=self._apart.text,
                thinking=self._apart.thinking,
                finish_reason=reason.value,
                prompt_tokens=self.prompt_tokens,
                reused_tokens=self.reused_tokens or 0,
                completion_tokens=len(self.tokens) - self.prompt_tokens,
                first_token_s=self._first_token_s,
                latency_s=time.monotonic() - self._started,
                mean_log_probability=fmean(known) if (known := self._log_probabilities.values()) else None,
            )
        )
        self._free()

    def fail(self, error: StudioError, emit: Emit) -> None:
        self._send([], emit, at_once=True)
        emit(LaneBroke(self.request, self.key, error.message, error.hint))
        self._free()

    def _send(self, said: list[Said], emit: Emit, *, at_once: bool = False) -> None:
        self._unsent += said
        now = time.monotonic()
        if self._unsent and (at_once or now - self._sent_at >= SEND_EVERY_S):
            for is_thinking, pieces in groupby(self._unsent, key=lambda piece: piece.is_thinking):
                emit(TextArrived(self.request, self.key, "".join(piece.text for piece in pieces), is_thinking))
            self._unsent, self._sent_at = [], now

    def _free(self) -> None:
        if self._sampler is not None:
            self._sampler.free()
            self._sampler = None
