"""On which threads contexts are computed, over a stand-in for llama.cpp."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from studio.domain.generation import Priority, Sampling
from studio.inference import context_runner
from studio.inference.free_cores import FreeCores
from studio.inference.lane_run import AdapterFile, AdapterSet, LaneRun, Prompt
from studio.inference.llama_native import NativeModel
from studio.inference.protocol import Event, LaneEnded
from studio.inference.scheduler import Scheduler

BASE, ADAPTER = AdapterSet(), AdapterSet((AdapterFile(Path("adapter.gguf"), 0, 0),), (1.0,))
PROMPT = [1, 2, 3]


class StandInModel:
    offloads = False
    can_reuse_prefixes = True

    def ends_answer(self, token: int) -> bool:
        return False

    def piece(self, token: int) -> bytes:
        return b"word "


class Steps:
    """What was computed: with how many threads, and by which thread of the engine."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.sequences: list[int] = []
        """Of each context that was made."""

    def context(self, model: object, *, sequences: int, **_: object) -> StandInContext:
        self.sequences.append(sequences)
        return StandInContext(self, sequences)

    @property
    def widths(self) -> set[int]:
        return {threads for threads, _ in self.seen}

    @property
    def threads(self) -> set[int]:
        return {thread for _, thread in self.seen}


class StandInContext:
    tokens = 512

    def __init__(self, steps: Steps, sequences: int) -> None:
        self.sequences = sequences
        self._steps = steps
        self._threads = 0

    def use_threads(self, threads: int) -> None:
        self._threads = threads

    def decode(self, rows: Sequence[object]) -> int:
        time.sleep(0.002)
        self._steps.seen.append((self._threads, threading.get_ident()))
        return 0

    def greedy_token(self, row: int) -> tuple[int, float]:
        return 7, 0.0

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps()
    monkeypatch.setattr(context_runner, "NativeContext", steps.context)
    return steps


class Engine:
    def __init__(self, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(FreeCores, "count", lambda _: cores)
        self._ended = threading.Semaphore(0)
        model = cast("NativeModel", StandInModel())
        self.scheduler = Scheduler(model, context_tokens=512, room_tokens=1 << 20, threads=cores, emit=self._hear)

    def answer(self, *adapters: AdapterSet, tokens: int = 8) -> None:
        """One lane for each of the adapter sets, all at once, to their ends."""
        self.scheduler.submit([_lane(one, tokens) for one in adapters])
        for _ in adapters:
            assert self._ended.acquire(timeout=10)

    def _hear(self, event: Event) -> None:
        if isinstance(event, LaneEnded):
            self._ended.release()


def _lane(adapters: AdapterSet, tokens: int) -> LaneRun:
    return LaneRun(
        1,
        str(adapters.files),
        Prompt(PROMPT),
        priority=Priority.INTERACTIVE,
        adapters=adapters,
        sampling=Sampling(max_tokens=tokens),
        context_tokens=512,
        started=time.monotonic(),
    )


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made: list[Engine] = []

    def make(cores: int) -> Engine:
        made.append(Engine(cores, monkeypatch))
        return made[-1]

    yield make
    for engine in made:
        engine.scheduler.close()


def test_all_that_uses_several_cores_is_computed_by_one_thread(steps: Steps, engines: Any) -> None:
    engine = engines(2)
    engine.answer(BASE)
    engine.answer(ADAPTER)
    engine.answer(BASE)
    assert steps.widths == {2}
    assert len(steps.threads) == 1, "a second one would have a team of its own, and both would sleep at barriers"


def test_contexts_with_a_core_each_are_computed_side_by_side(steps: Steps, engines: Any) -> None:
    engines(2).answer(BASE, ADAPTER, tokens=40)
    both = steps.seen[2:40]
    assert {width for width, _ in both} == {1}
    assert len({thread for _, thread in both}) == 2


def test_contexts_take_turns_where_there_are_more_cores_than_contexts(steps: Steps, engines: Any) -> None:
    engines(8).answer(BASE, ADAPTER, tokens=40)
    assert steps.widths == {8}
    assert len(steps.threads) == 1


def test_a_context_begins_with_memory_for_two_and_doubles_with_what_is_asked_at_once(
    steps: Steps, engines: Any
) -> None:
    engine = engines(2)
    for lanes in (1, 2, 3, 1, 20):
        engine.answer(*lanes * [BASE], tokens=2)
    assert steps.sequences == [2, 4, 8], "eight are the most, and none is made anew for less"
