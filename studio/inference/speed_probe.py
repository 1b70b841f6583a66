"""Measures how fast this machine decodes, in a process of its own: `python -m studio.inference.speed_probe`.

Arguments: a folder to work in, threads, the most layers on a graphics card, and ggml's numbers of the kinds wanted.
Files without content (bare_gguf.py) are decoded for a few tokens each by llama.cpp itself, with the kernels that
answers are decoded with: about half a second a kind. Prints one MachineSpeed as JSON; nothing where other programs took
the cores meanwhile, for two threads on one core are not half as fast but a hundredth.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from studio.domain.speed import MachineSpeed
from studio.errors import ModelError
from studio.inference.bare_gguf import BareShape, write_bare_model
from studio.inference.engine_process import die_with_parent
from studio.inference.free_cores import cores_left, read_cpu_times
from studio.inference.llama_native import NativeContext, NativeModel, graphics_memory, silence_log

_Q8_0 = 8
_WIDE_BYTES = 200_000_000
"""What is read for a token: more than caches hold, or their speed would be measured and not the memory's."""
_FAR = 512
_TOKENS = 7
_LONGEST_S = 15.0
"""On a machine that others keep busy what was measured by then has to do."""


class Probe:
    """Times models without content on so many threads."""

    def __init__(self, folder: Path, threads: int, gpu_layers: int) -> None:
        self._file = folder / "bare.gguf"
        self._threads, self._gpu_layers = threads, gpu_layers

    def seconds(self, shape: BareShape, *places: int) -> list[float]:
        """For a token at each of these places of the context, ascending."""
        write_bare_model(self._file, shape)
        model = NativeModel(self._file, self._gpu_layers, lambda: None)
        context = NativeContext(model, tokens=2 * _FAR, sequences=1, threads=self._threads, batch_tokens=_FAR)
        try:
            found, at = [], 0
            for place in places:
                if at < place:
                    _timed(context, at, place - at)
                at = place + 1
                _timed(context, place, 1)  # the first one at a place also fetches what the others find
                taken = [_timed(context, at + number, 1) for number in range(_TOKENS)]
                at += _TOKENS
                found.append(statistics.quantiles(taken)[0])  # the first quarter: others only ever slow it down
            return found
        finally:
            context.free()
            model.free()
            self._file.unlink()

    def measure(self, kinds: Sequence[int]) -> MachineSpeed:
        """Raises OSError, ModelError."""
        started = time.monotonic()
        thin = BareShape(_Q8_0, layers=32, width=64, inner=64, heads=1, kv_heads=1)
        near, far = self.seconds(thin, 1, _FAR)
        layer_s = near / thin.layers
        kv_bytes_s = thin.layers * 2 * thin.kv_width * 2 * _FAR / max(far - near, 1e-6)
        bytes_s = {}
        row_s = 0.0
        for kind in dict.fromkeys([_Q8_0, *kinds]):
            if time.monotonic() - started > _LONGEST_S:
                break
            wide = _filled(BareShape(kind, layers=1, width=2048, inner=5632, heads=16, kv_heads=4))
            (taken,) = self.seconds(wide, 1)
            if kind == _Q8_0:
                narrow = _filled(BareShape(kind, layers=1, width=256, inner=1024, heads=4, kv_heads=1))
                (slower,) = self.seconds(narrow, 1)
                row_s = _row_s(narrow, slower - narrow.layers * layer_s, wide, taken - wide.layers * layer_s)
            bytes_s[kind] = wide.bytes / (taken - wide.layers * layer_s - wide.rows * row_s)
        return MachineSpeed(self._threads, layer_s, row_s, kv_bytes_s, bytes_s)


def _filled(one: BareShape) -> BareShape:
    """With as many layers as make it large."""
    return replace(one, layers=max(2, round(_WIDE_BYTES / one.bytes)))


def _row_s(narrow: BareShape, narrow_s: float, wide: BareShape, wide_s: float) -> float:
    """What a row costs besides its bytes: both models take a byte and a row alike. Never less than nothing."""
    times = narrow.bytes / wide.bytes
    return max(0.0, (narrow_s - times * wide_s) / (narrow.rows - times * wide.rows))


def _timed(context: NativeContext, at: int, count: int) -> float:
    started = time.perf_counter()
    if context.decode([(1, at + number, 0, number == count - 1) for number in range(count)]) != 0:
        raise ModelError("llama.cpp cannot decode what speed is measured with.", "Update llama-cpp-python.")
    context.greedy_token(count - 1)
    return time.perf_counter() - started


def main() -> None:
    folder, threads, gpu_layers, *kinds = sys.argv[1:]
    die_with_parent()
    kept = silence_log()
    memory = graphics_memory()
    before, started = read_cpu_times(), time.monotonic()
    probe = Probe(Path(folder), int(threads), int(gpu_layers) if memory else 0)
    speed = probe.measure([int(kind) for kind in kinds])
    if cores_left(before, started) >= int(threads):
        sys.stdout.buffer.write(msgspec.json.encode(replace(speed, gpu_bytes=memory)))
        sys.stdout.flush()
    del kept
    os._exit(0)


if __name__ == "__main__":
    main()
