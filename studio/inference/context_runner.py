"""Decodes the lanes of one context, a step at a time, in a thread of its own.

Contexts run side by side where there is a core for each: threads of one small decode often wait for each other,
while two decodes with one thread each do not wait at all (docs/performance.md). Whether the lanes within a context
are decoded together or one after another is measured as it goes.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from studio.domain.generation import FIRST_SEQUENCES, FIRST_TOKENS, MOST_SEQUENCES, FinishReason
from studio.errors import EngineError, ModelError, StudioError
from studio.inference.lane_run import AdapterSet, Emit, LaneRun
from studio.inference.llama_native import NativeContext, NativeModel
from studio.inference.protocol import Beat
from studio.inference.sequence_cache import SequenceCache

if TYPE_CHECKING:
    from studio.inference.scheduler import Scheduler, Turn

_LONGEST_TURN_S = 0.05


class DecodePace:
    """Whether n lanes are decoded faster in one batch or one by one, by the best times seen of a batch and of one lane.

    Small models on some CPUs: one by one up to about six lanes. Large ones, other CPUs, or on a GPU: in one batch.
    """

    _TRIALS = 3

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], tuple[int, float]] = {}

    def groups(self, threads: int, lanes: list[LaneRun]) -> list[list[LaneRun]]:
        """The lanes of one step as the batches to decode in turn.

        Until it is known how fast one lane is, one of them steps alone: cheap, and enough to judge all sizes by.
        """
        size = len(lanes)
        alone, batch = (self._seen.get((threads, number), (0, 0.0)) for number in (1, size))
        if size > 1 and alone[0] < self._TRIALS:
            return [lanes[:1], lanes[1:]]
        if batch[0] < self._TRIALS or batch[1] <= size * alone[1]:
            return [lanes]
        return [[lane] for lane in lanes]

    def note(self, threads: int, size: int, seconds: float) -> None:
        times, best = self._seen.get((threads, size), (0, seconds))
        self._seen[threads, size] = (times + 1, min(best, seconds))


class ContextRunner(threading.Thread):
    """`lanes`, `wanted` and `closing` are shared under the scheduler's condition; all else is this thread's own."""

    def __init__(
        self,
        scheduler: Scheduler,
        model: NativeModel,
        *,
        wanted: AdapterSet,
        context_tokens: int,
        room_tokens: int,
        threads: int,
        prefill_tokens: int,
        emit: Emit,
    ) -> None:
        super().__init__(name="context", daemon=True)
        self.lanes: list[LaneRun] = []
        self.wanted = wanted
        self.closing = False
        self.last_used = time.monotonic()
        self._scheduler = scheduler
        self._model = model
        self._attached: AdapterSet | None = None
        self._context: NativeContext | None = None
        self._context_tokens = context_tokens
        self._room_tokens = room_tokens
        self._threads = threads
        self._prefill_tokens = prefill_tokens
        self._emit = emit
        self._cache = SequenceCache(0)
        self._pace = DecodePace()
        self._most_sequences = MOST_SEQUENCES  # fewer once there was no memory for more; contexts never shrink

    def run(self) -> None:
        while (turn := self._scheduler.next_turn(self)) is not None:
            try:
                self._scheduler.take_turn(self, turn)
            except StudioError as error:
                for lane in turn.lanes:
                    self._close(lane, error)
        if self._context is not None:
            self._context.free()

    def take_turn(self, turn: Turn) -> None:
        """One step; where all it does is to decode, more of the same, for to ask for a turn costs as much as a token's
        text: after each step all of this code has to be fetched into the processor's caches again."""
        until = time.monotonic() + _LONGEST_TURN_S
        context = self._ready_context(turn.lanes)
        context.use_threads(turn.threads)
        only_decodes = self._step(context, turn)
        while only_decodes and self._scheduler.changes == turn.changes and time.monotonic() < until:
            self._decode(context, turn.lanes, turn.threads)

    def _step(self, context: NativeContext, turn: Turn) -> bool:
        """End what is cancelled, then compute a part of a prompt or a token of each lane; True if just the latter."""
        lanes = turn.lanes
        for lane in [lane for lane in lanes if lane.cancelled]:
            lanes.remove(lane)
            self._close(lane, FinishReason.CANCELLED)
        prefilling = next((lane for lane in lanes if lane.sequence is not None and lane.is_prefilling), None)
        if prefilling is None:
            # One at a time, so that the next finds the prompt of this one in memory; where there is no room, in order.
            behind = next((lane for lane in lanes if lane.sequence is None), None)
            prefilling = behind if behind is not None and self._admit(context, behind) else None
        if prefilling is not None:
            self._prefill(context, prefilling)
            return False
        admitted = [lane for lane in lanes if lane.sequence is not None]
        if admitted:
            self._decode(context, admitted, turn.threads)
        return bool(admitted) and len(admitted) == len(lanes)

    def _ready_context(self, lanes: list[LaneRun]) -> NativeContext:
        adapters, tokens = lanes[0].adapters, max(lane.limit for lane in lanes)
        sequences = self._sequences_for(lanes)
        if self._context is None or self._context.tokens < tokens or self._context.sequences < sequences:
            self._context = self._larger_context(tokens, sequences, adapters)
            self._attached = adapters
        elif self._attached != adapters:
            # Not where they are equal: that may have been loaded anew, and what is attached has to be held.
            self._context.attach(adapters.loaded, adapters.scales)
            self._cache = SequenceCache(self._context.sequences)
            self._attached = adapters
        return self._context

    def _sequences_for(self, lanes: list[LaneRun]) -> int:
        """One for each lane, twice as many where the next would displace what the user may go on with."""
        sequences = self._context.sequences if self._context is not None else FIRST_SEQUENCES
        while sequences < len(lanes):
            sequences *= 2
        behind = next((lane for lane in lanes if lane.sequence is None), None)
        if behind is not None and self._context is not None and self._attached == behind.adapters:
            reuse = self._model.can_reuse_prefixes
            if self._cache.displaces(behind.reusable, interactive=behind.interactive, reuse=reuse):
                sequences = max(sequences, 2 * self._context.sequences)
        return min(sequences, self._most_sequences)

    def _larger_context(self, tokens: int, sequences: int, adapters: AdapterSet) -> NativeContext:
        """In place of the one there is, whose memory is carried over, the latest first where not all of it has room.

        Contexts begin small and double, for llama.cpp claims the memory of all their sequences at once. Lanes lose
        their sequences and find them again. Raises ModelError where there is no memory for it.
        """
        for lane in list(self.lanes):
            self.suspend(lane)
        saved = []
        size = FIRST_TOKENS
        if self._context is not None:
            if self._attached == adapters:
                saved = [(held, self._context.save(held.id)) for held in self._cache.kept()]
            size = self._context.tokens
            self._context.free()
            self._context = None
        while size < tokens:
            size *= 2
        context = self._new_context(min(size, self._context_tokens), sequences)
        context.attach(adapters.loaded, adapters.scales)
        self._cache = SequenceCache(context.sequences)
        for held, memory in reversed(saved[: context.sequences]):
            copy = self._cache.keep_copy(held.tokens, interactive=held.interactive)
            if not context.restore(copy.id, memory):
                copy.tokens = []
        return context

    def _new_context(self, tokens: int, sequences: int) -> NativeContext:
        """With fewer sequences than are wanted where there is no memory for so many."""
        room = self._room_tokens // tokens
        self._most_sequences = max(1, min(self._most_sequences, room))
        while True:
            sequences = min(sequences, self._most_sequences)
            try:
                return NativeContext(
                    self._model,
                    tokens=tokens,
                    sequences=sequences,
                    threads=self._threads,
                    batch_tokens=self._prefill_tokens,
                )
            except ModelError:
                if sequences == 1:
                    raise
                self._most_sequences = sequences // 2

    def suspend(self, lane: LaneRun) -> None:
        """Take its place in memory; what was computed stays for reuse while there is room."""
        if lane.sequence is not None:
            lane.sequence.interactive = lane.kept
            self._cache.keep(lane.sequence)
            lane.sequence = None

    def _admit(self, context: NativeContext, lane: LaneRun) -> bool:
        """Give the lane a sequence holding what is already computed of its tokens, if there is one to be had."""
        reuse = self._model.can_reuse_prefixes
        place = self._cache.place(lane.reusable, interactive=lane.interactive, reuse=reuse)
        if place is None and lane.interactive:
            idle = next((other for other in self.lanes if other.sequence is not None and not other.interactive), None)
            if idle is not None:
                self.suspend(idle)
                place = self._cache.place(lane.reusable, interactive=True, reuse=reuse)
        if place is None:
            return False
        lane.sequence, source, shared = place
        if source is lane.sequence:
            context.cut(source.id, shared)
        else:
            context.remove(lane.sequence.id)
            if source is not None:
                context.copy_prefix(source.id, lane.sequence.id, shared)
        if lane.reused_tokens is None:
            lane.reused_tokens = shared
        return True

    def _prefill(self, context: NativeContext, lane: LaneRun) -> None:
        start = lane.computed
        chunk = lane.next_tokens(self._prefill_tokens)
        ends = start + len(chunk) == len(lane.tokens)
        self._emit(Beat())
        if not self._compute(context, [(lane, chunk)]):
            return
        if lane.is_forced:
            if lane.note_forced(context, start):
                self._close(lane, FinishReason.STOP)
        elif ends:
            self._take(lane, lane.choose_token(context, -1))

    def _decode(self, context: NativeContext, lanes: list[LaneRun], threads: int) -> None:
        in_memory = sorted(lanes, key=lambda lane: lane.sequence.id if lane.sequence else 0)  # neighbours together
        for group in self._pace.groups(threads, in_memory):
            started = time.perf_counter()
            if self._compute(context, [(lane, lane.tokens[-1:]) for lane in group]):
                for row, lane in enumerate(group):
                    self._take(lane, lane.choose_token(context, row))
            self._pace.note(threads, len(group), time.perf_counter() - started)

    def _compute(self, context: NativeContext, work: list[tuple[LaneRun, list[int]]]) -> bool:
        """Run the tokens through the model; the last of each lane yields logits. False: the lanes have failed."""
        rows = []
        for lane, tokens in work:
            assert lane.sequence is not None
            first, last = lane.computed, lane.computed + len(tokens) - 1
            rows += [
                (token, position, lane.sequence.id, lane.wants_logits(position, last))
                for position, token in enumerate(tokens, first)
            ]
        if (code := context.decode(rows)) != 0:
            error = EngineError(f"The model could not compute this answer (llama.cpp code {code}).", "Ask again.")
            for lane, _ in work:
                self._close(lane, error)
            return False
        for lane, tokens in work:
            assert lane.sequence is not None
            lane.sequence.tokens += tokens
        return True

    def _take(self, lane: LaneRun, token: int) -> None:
        reason = lane.take(token, self._model, self._emit)
        if reason is not None:
            self._close(lane, reason)

    def _close(self, lane: LaneRun, outcome: FinishReason | StudioError) -> None:
        self.suspend(lane)
        self.last_used = time.monotonic()
        # First off the books, then the news: whoever hears it may ask again at once.
        self._scheduler.forget(self, lane)
        if isinstance(outcome, StudioError):
            lane.fail(outcome, self._emit)
        else:
            lane.end(outcome, self._emit)
