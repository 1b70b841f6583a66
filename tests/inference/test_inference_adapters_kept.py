"""How many adapters stay loaded. A night brings one more, and the app may be open for weeks."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path

from inference_adapters import write_adapter

from studio.domain.generation import Priority
from studio.inference.llama_native import NativeAdapter
from studio.inference.loaded_model import LoadedModel
from studio.inference.protocol import AdapterSpec, Event, Generate, LaneEnded, LaneSpec, LoadModel, SamplingSpec

SAMPLING = SamplingSpec(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, seed=None, max_tokens=3, stop=())


def answer(model: LoadedModel, said: list[Event], adapter: Path) -> tuple[str, weakref.ref[NativeAdapter]]:
    lane = LaneSpec("a", (("user", "Name three colours."),), SAMPLING, (AdapterSpec(str(adapter), 1.0),))
    run = model.lane(Generate(1, Priority.INTERACTIVE, (lane,)), lane, time.monotonic())
    before = len(said)
    model.submit([run])
    deadline = time.monotonic() + 60
    while not (ended := [event for event in said[before:] if isinstance(event, LaneEnded)]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return ended[0].text, weakref.ref(run.adapters.loaded[0])


def test_an_adapter_not_used_for_long_is_let_go_of_and_answers_as_before_when_it_is_wanted(
    model_path: Path, tmp_path: Path
) -> None:
    said: list[Event] = []
    model = LoadedModel(LoadModel(1, str(model_path), 512, 1, 0), tmp_path, said.append, lambda: None)
    try:
        paths = [write_adapter(tmp_path / f"{number}.gguf", seed=number) for number in range(13)]
        first, *others = [answer(model, said, path) for path in paths]
        gc.collect()
        # Eight that are kept; those that are still attached were used last.
        assert sum(loaded() is not None for _, loaded in (first, *others)) == 8
        assert answer(model, said, paths[0])[0] == first[0]
    finally:
        model.close()
