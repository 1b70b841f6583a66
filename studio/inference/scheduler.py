"""Decides which lanes step next: contexts by adapter set, interactive before idle, free cores divided.

At most three contexts exist. A lane goes to the one with its adapter set; else to an idle one of the same
adapter at another scale (a dial being turned); else to a new one; else to the idle one used longest ago,
which lets go of its memory. If all are at work it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from studio.errors import EngineError
from studio.inference.context_runner import ContextRunner
from studio.inference.free_cores import FreeCores
from studio.inference.lane_run import Emit, LaneRun
from studio.inference.llama_native import NativeModel

_MAX_CONTEXTS = 3
_CPU_PREFILL_TOKENS = 128  # as fast per token as larger chunks, and bounds how long a cancellation waits
_GPU_PREFILL_TOKENS = 512


class Scheduler:
    """Owns the runners of one loaded model. `submit`, `cancel` and `close` may be called from any other thread."""

    def __init__(self, model: NativeModel, *, context_tokens: int, threads: int, emit: Emit) -> None:
        self._model = model
        self._context_tokens = context_tokens
        self._threads = threads
        self._emit = emit
        self._free_cores = FreeCores()
        self._changed = threading.Condition()
        self._runners: list[ContextRunner] = []
        self._waiting: list[LaneRun] = []
        # A GPU is one queue: contexts take turns on it.
        self._gate: AbstractContextManager[object] = threading.Lock() if model.offloads else nullcontext()

    def submit(self, lanes: Iterable[LaneRun]) -> None:
        with self._changed:
            self._waiting.extend(lanes)
            self._place_waiting()
            self._changed.notify_all()

    def cancel(self, request: int) -> None:
        """The lanes of the request end as cancelled after the step they are in."""
        with self._changed:
            for runner in self._runners:
                for lane in runner.lanes:
                    lane.cancelled = lane.cancelled or lane.request == request
            for lane in self._waiting:
                lane.cancelled = lane.cancelled or lane.request == request
            self._changed.notify_all()

    def close(self) -> None:
        """Stop after the running steps, free all contexts; open lanes fail."""
        with self._changed:
            for runner in self._runners:
                runner.closing = True
            self._changed.notify_all()
        for runner in self._runners:
            runner.join()
        for lane in self._still_open():
            lane.fail(EngineError("Another model was loaded in mid-answer.", "Ask again."), self._emit)

    def next_turn(self, runner: ContextRunner) -> tuple[list[LaneRun], int] | None:
        """For a runner: wait for work; returns lanes of one adapter set and the threads to use, or None to stop."""
        with self._changed:
            while not runner.closing:
                self._make_way(runner)
                lanes = self._eligible(runner)
                if lanes:
                    busy = sum(1 for other in self._runners if self._eligible(other))
                    return lanes, max(1, min(self._threads, self._free_cores.count()) // max(1, busy))
                self._changed.wait()
            return None

    def forget(self, runner: ContextRunner, lane: LaneRun) -> None:
        """For a runner: this lane is over."""
        with self._changed:
            if lane in runner.lanes:
                runner.lanes.remove(lane)
            self._place_waiting()
            self._changed.notify_all()

    def _eligible(self, runner: ContextRunner) -> list[LaneRun]:
        """A cancelled lane is eligible too: its runner has to end it."""
        interactive_only = self._any_interactive()
        return [lane for lane in runner.lanes if lane.interactive or lane.cancelled or not interactive_only]

    def _any_interactive(self) -> bool:
        return any(lane.interactive for lane in self._still_open())

    def _still_open(self) -> list[LaneRun]:
        return [*self._waiting, *(lane for runner in self._runners for lane in runner.lanes)]

    def _make_way(self, runner: ContextRunner) -> None:
        """Lanes of another adapter set than the one now wanted go back to waiting."""
        displaced = [lane for lane in runner.lanes if lane.adapters != runner.wanted]
        for lane in displaced:
            runner.suspend(lane)
            runner.lanes.remove(lane)
        if displaced:
            self._waiting[:0] = displaced
            self._place_waiting()

    def _place_waiting(self) -> None:
        """Interactive lanes choose first."""
        for lane in sorted(self._waiting, key=lambda lane: not lane.interactive):
            runner = self._runner_for(lane)
            if runner is not None:
                runner.lanes.append(lane)
                self._waiting.remove(lane)

    def _runner_for(self, lane: LaneRun) -> ContextRunner | None:
        for runner in self._runners:
            if runner.wanted == lane.adapters:
                return runner
        idle = sorted((runner for runner in self._runners if not runner.lanes), key=lambda runner: runner.last_used)
        same_file = [runner for runner in idle if lane.adapters.same_file(runner.wanted)]
        if not same_file and len(self._runners) < _MAX_CONTEXTS:
            return self._new_runner(lane)
        choice = next(iter(same_file or idle), None)
        if choice is None and lane.interactive:
            only_idle_lanes = (runner for runner in self._runners if not any(run.interactive for run in runner.lanes))
            choice = next(only_idle_lanes, None)
        if choice is not None:
            choice.wanted = lane.adapters
        return choice

    def _new_runner(self, lane: LaneRun) -> ContextRunner:
        runner = ContextRunner(
            self,
            self._model,
            wanted=lane.adapters,
            context_tokens=self._context_tokens,
            threads=self._threads,
            prefill_tokens=_GPU_PREFILL_TOKENS if self._model.offloads else _CPU_PREFILL_TOKENS,
            gate=self._gate,
            emit=self._emit,
        )
        self._runners.append(runner)
        runner.start()
        return runner
