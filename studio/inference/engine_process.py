"""The engine's child process: reads commands, decodes, writes events. `python -m studio.inference.engine_process LOG`.

The protocol runs over private copies of file descriptors 0 and 1; 1 and 2 themselves go to the log, for
native code prints where it likes and the app draws on the terminal. The main thread only reads, so a
cancellation is heard while contexts decode in their own threads. The process ends with its parent: by
signal on Linux, and on the end of its input everywhere.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from studio.diagnostics import frames_of
from studio.errors import EngineError, StudioError
from studio.inference.lane_run import LaneRun
from studio.inference.llama_native import silence_log
from studio.inference.loaded_model import LoadedModel
from studio.inference.protocol import (
    Beat,
    Cancel,
    Command,
    CountTokens,
    Event,
    Generate,
    LaneBroke,
    LoadModel,
    Refused,
    TokensCounted,
    decode_command,
    encode,
)

_PR_SET_PDEATHSIG = 1
_BEAT_SECONDS = 1.0
_CRASHED = 70


class EventWriter:
    """Writes whole lines from any thread. Where nobody reads any more, the process has no purpose and ends."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        line = memoryview(encode(event))
        with self._lock:
            self._last = time.monotonic()
            try:
                while line:
                    line = line[self._file.write(line) :]
            except OSError:
                os._exit(0)

    def beat(self) -> None:
        if time.monotonic() - self._last > _BEAT_SECONDS:
            self(Beat())


class EngineProcess:
    def __init__(self, emit: EventWriter, hashes: Path) -> None:
        self._emit = emit
        self._hashes = hashes
        self._model: LoadedModel | None = None

    def handle(self, command: Command) -> None:
        match command:
            case LoadModel() | CountTokens():
                try:
                    self._load(command) if isinstance(command, LoadModel) else self._count(command)
                except StudioError as error:
                    self._emit(Refused(command.request, type(error).__name__, error.message, error.hint))
            case Generate():
                self._generate(command)
            case Cancel():
                if self._model is not None:
                    self._model.cancel(command.request)

    def _load(self, command: LoadModel) -> None:
        if self._model is not None:
            self._model.close()
            self._model = None
        self._model = LoadedModel(command, self._hashes, self._emit, self._emit.beat)
        self._emit(self._model.facts)

    def _loaded(self) -> LoadedModel:
        if self._model is None:
            raise EngineError("No model is loaded.", "Choose one with `studio models use`.")
        return self._model

    def _count(self, command: CountTokens) -> None:
        model = self._loaded()
        counts = tuple(len(model.prompt_tokens(prompt)) for prompt in command.prompts)
        self._emit(TokensCounted(command.request, counts))

    def _generate(self, command: Generate) -> None:
        started = time.monotonic()
        lanes: list[LaneRun] = []
        for spec in command.lanes:
            try:
                lanes.append(self._loaded().lane(command, spec, started))
            except StudioError as error:
                self._emit(LaneBroke(command.request, spec.key, error.message, error.hint))
        if lanes:
            self._loaded().submit(lanes)


def main() -> None:
    log = Path(sys.argv[1])
    die_with_parent()
    commands, events = _private_pipes(log)
    sys.excepthook, threading.excepthook = _write_down, _crash
    kept = silence_log()
    engine = EngineProcess(EventWriter(events), hashes=log.with_name("model_hashes.json"))
    with os.fdopen(commands, "rb") as lines:
        for line in lines:
            engine.handle(decode_command(line))
    del kept
    os._exit(0)  # contexts may be in mid-step; the kernel cleans up faster than we could


def _private_pipes(log: Path) -> tuple[int, int]:
    """Move the protocol off descriptors 0 and 1; point 0 at nothing, 1 and 2 at the log."""
    commands, events = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for descriptor in (nothing, output):
        os.close(descriptor)
    return commands, events


def die_with_parent() -> None:
    """The terminal's ctrl+c is the app's to handle; its death is ours too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _crash(arguments: threading.ExceptHookArgs) -> NoReturn:
    """A thread that broke leaves lanes hanging: better to die, and be restarted, than to go on silently."""
    if arguments.exc_value is not None:
        _write_down(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    os._exit(_CRASHED)


def _write_down(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    """Into the log, which holds none of the user's words."""
    sys.stderr.write(frames_of(error) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
