"""Decides which lanes step next: contexts by adapter set, interactive before idle; and on which threads.

At most four contexts exist. A lane goes to the one with its adapter set; else to an idle one of the same
adapter at another scale (a dial being turned); else to a new one; else to the idle one used longest ago,
which lets go of its memory. If all are at work it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from studio.errors import EngineError
from studio.inference.context_runner import ContextRunner
from studio.inference.free_cores import FreeCores
from studio.inference.lane_run import Emit, LaneRun
from studio.inference.llama_native import NativeModel

_MAX_CONTEXTS = 4
_CPU_PREFILL_TOKENS = 128  # as fast per token as larger chunks, and bounds how long a cancellation waits
_GPU_PREFILL_TOKENS = 512


class Turn(NamedTuple):
    """Lanes of one adapter set to step with so many threads, for as long as `Scheduler.changes` is still the same.

    The threads are to be asked for again now and then: other programs come and go.
    """

    lanes: list[LaneRun]
    threads: int
    changes: int


class Scheduler:
    """Owns the runners of one loaded model. `submit`, `cancel` and `close` may be called from any other thread.

    `context_tokens` are a sequence's at most; `room_tokens`, those of all sequences of a context together.
    """

    def __init__(self, model: NativeModel, *, context_tokens: int, room_tokens: int, threads: int, emit: Emit) -> None:
        self._model = model
        self._context_tokens = context_tokens
        self._room_tokens = room_tokens
        self._threads = threads
        self._emit = emit
        self._free_cores = FreeCores()
        self._changed = threading.Condition()
        self.changes = 0  # of which lanes there are and whether they go on; read without the condition
        self._runners: list[ContextRunner] = []
        self._waiting: list[LaneRun] = []
        # Whatever uses more than one core is computed in this one thread. OpenMP keeps a team of threads for every
        # thread that computes, and once there are more of them in all than cores, none of them spins at barriers any
        # more, but sleeps: decoding was three times slower for good (docs/performance.md).
        self._wide = ThreadPoolExecutor(1, thread_name_prefix="wide")

    def submit(self, lanes: Iterable[LaneRun]) -> None:
        with self._changed:
            self._waiting.extend(lanes)
            self._place_waiting()
            self._tell_runners()

    def cancel(self, request: int) -> None:
        """The lanes of the request end as cancelled after the step they are in."""
        with self._changed:
            for runner in self._runners:
                for lane in runner.lanes:
                    lane.cancelled = lane.cancelled or lane.request == request
            for lane in self._waiting:
                lane.cancelled = lane.cancelled or lane.request == request
            self._tell_runners()

    def close(self) -> None:
        """Stop after the running steps, free all contexts; open lanes fail."""
        with self._changed:
            for runner in self._runners:
                runner.closing = True
            self._tell_runners()
        for runner in self._runners:
            runner.join()
        self._wide.shutdown()
        for lane in self._still_open():
            lane.fail(EngineError("Another model was loaded in mid-answer.", "Ask again."), self._emit)

    def next_turn(self, runner: ContextRunner) -> Turn | None:
        """For a runner: wait for work; None to stop."""
        with self._changed:
            while not runner.closing:
                self._make_way(runner)
                lanes = self._eligible(runner)
                if lanes:
                    return Turn(lanes, self._threads_for_each(), self.changes)
                self._changed.wait()
            return None

    def take_turn(self, runner: ContextRunner, turn: Turn) -> None:
        """For a runner: compute a turn. One core each, runners work side by side; else, and on a GPU, one by one."""
        if turn.threads == 1 and not self._model.offloads:
            runner.take_turn(turn)
        else:
            self._wide.submit(runner.take_turn, turn).result()

    def _threads_for_each(self) -> int:
        """One where there is just a core for every context at work: these do not wait for each other at all. Else all
        that are free."""
        free = max(1, min(self._threads, self._free_cores.count()))
        busy = sum(1 for runner in self._runners if self._eligible(runner))
        return free if busy < free or busy == 1 else 1

    def forget(self, runner: ContextRunner, lane: LaneRun) -> None:
        """For a runner: this lane is over."""
        with self._changed:
            if lane in runner.lanes:
                runner.lanes.remove(lane)
            self._place_waiting()
            self._tell_runners()

    def _tell_runners(self) -> None:
        self.changes += 1
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
            self.changes += 1

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
        same_files = [runner for runner in idle if runner.wanted.files == lane.adapters.files]
        if not same_files and len(self._runners) < _MAX_CONTEXTS:
            return self._new_runner(lane)
        choice = next(iter(same_files or idle), None)
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
            room_tokens=self._room_tokens,
            threads=self._threads,
            prefill_tokens=_GPU_PREFILL_TOKENS if self._model.offloads else _CPU_PREFILL_TOKENS,
            emit=self._emit,
        )
        self._runners.append(runner)
        runner.start()
        return runner
