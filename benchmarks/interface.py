"""How quick the interface feels: key to glyph while five panes stream.

Taken from outside, through a pseudo terminal, as a user meets it: from writing a key to the bytes of its glyph.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import pty
import random
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from textual.worker import Worker

import studio.tui
from studio.domain.generation import Completion, FinishReason, Lane, LaneDelta, LaneEvent, LaneFinished, ModelFacts
from studio.services.kept_completions import KeptCompletions
from studio.services.studio import Studio
from studio.settings import SamplingSettings, Settings
from studio.storage import DuckDbLog
from studio.tui.app import StudioApp
from studio.tui.screens.compare import CompareScreen
from studio.tui.screens.studio_screen import StudioScreen
from studio.workspace import Workspace

COLUMNS, ROWS = 200, 50
PANES = 5
ANSWER_TOKENS = 256
TOKENS_PER_S = 40
CHARACTERS_PER_TOKEN = 4
ANSWER_CHARACTERS = ANSWER_TOKENS * CHARACTERS_PER_TOKEN
DELTA_PERIOD_S = 0.05
"""The engine tells of text at most every 40 ms, which at this speed is every second token."""
DELTA_CHARACTERS = round(TOKENS_PER_S * CHARACTERS_PER_TOKEN * DELTA_PERIOD_S)
PAUSE_S = 0.5
"""Between the end of one comparison and the next."""
KEYS = 200
KEY_GAPS_S = (0.03, 0.25)
"""A fast typist's and a slow one's; between them at random, so that keys fall on all moments of the drawing."""
FIRST_PAINT = b"Ask something"
QUESTION = "What does the contract say?"

ANSWER = """\
## What the contract says

The notice period is **45 days**, counted from the day the letter *arrives*, as [the handbook](x) says in `section 4`.

- First, write the letter and name the contract by its number.
- Then send it by registered mail; keep the receipt:
  - the date counts, not the postmark,
  - a weekend moves nothing.
- Last, note the day in the calendar.

```python
def last_day(arrival: date, period: int = 45) -> date:
    # The day of arrival itself is not counted.
    return arrival + timedelta(days=period)
```

1. Ask for a confirmation in writing.
2. If none comes within two weeks, ask again.

> A notice without a signature is void.

"""


class Terminal:
    """A process behind a pseudo terminal of COLUMNS by ROWS."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.master = master
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True, close_fds=True
        )
        os.close(slave)

    def wait_for(self, wanted: bytes, timeout: float) -> float:
        """Read until these bytes have come; returns the moment. Raises TimeoutError."""
        seen = b""
        deadline = time.perf_counter() + timeout
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                seen = seen[-len(wanted) :] + self.read()
                if wanted in seen:
                    return time.perf_counter()
        raise TimeoutError(f"{wanted!r} did not appear within {timeout} s")

    def read(self) -> bytes:
        """What has come; nothing where the process has ended."""
        with suppress(OSError):
            return os.read(self.master, 65536)
        return b""

    def drain(self, seconds: float) -> None:
        """Read whatever comes for a while."""
        with suppress(TimeoutError):
            self.wait_for(b"\x00never\x00", seconds)

    def type(self, text: str) -> float:
        moment = time.perf_counter()
        os.write(self.master, text.encode())
        return moment

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            deadline = time.perf_counter() + 10
            while self.process.poll() is None and time.perf_counter() < deadline:
                self.drain(0.05)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@contextmanager
def terminal(command: list[str], **variables: str) -> Iterator[Terminal]:
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"} | variables
    opened = Terminal(command, environment)
    try:
        yield opened
    finally:
        opened.end()


def key_to_glyph(panes: int) -> list[float]:
    """Seconds from each of KEYS key presses to its glyph, while this many panes stream."""
    latencies: list[float] = []
    gaps = random.Random(0)
    with terminal([sys.executable, "-m", "benchmarks.interface", str(panes)]) as opened:
        opened.wait_for(b"writing" if panes else b"Ask all arms", 30)
        opened.drain(2.0)
        # Glyphs that the streams do not contain, so that one seen is the one typed.
        for glyph in itertools.islice(map(chr, itertools.count(0x4E00)), KEYS):
            pressed = opened.type(glyph)
            latencies.append(opened.wait_for(glyph.encode(), 10) - pressed)
            opened.drain(gaps.uniform(*KEY_GAPS_S))
    return latencies


def main() -> dict[str, float]:
    """Key-to-glyph latency in milliseconds with no and with five panes streaming."""
    figures: dict[str, float] = {}
    for panes in (0, PANES):
        latencies = sorted(1000 * latency for latency in key_to_glyph(panes))
        figures[f"interface.key_to_glyph.{panes}_panes.p50_ms"] = statistics.median(latencies)
        figures[f"interface.key_to_glyph.{panes}_panes.p95_ms"] = latencies[int(0.95 * len(latencies))]
        figures[f"interface.key_to_glyph.{panes}_panes.max_ms"] = latencies[-1]
    return figures


STYLES = Path(studio.tui.__file__).with_name("styles")


class _FakeEngine:
    """Streams ANSWER to every lane at the speed of a real engine, each lane a little apart from the others."""

    facts = ModelFacts(Path("none"), "0" * 64, "bench", "llama", 1, 1, 4096, 4096, 1, "", "nowhere")
    process_id = None

    async def generate(self, lanes: Sequence[Lane], **_: object) -> AsyncGenerator[LaneEvent]:
        texts = {lane.key: (ANSWER * 3)[100 * number :][:ANSWER_CHARACTERS] for number, lane in enumerate(lanes)}
        begun = time.perf_counter()
        for end in range(DELTA_CHARACTERS, ANSWER_CHARACTERS + DELTA_CHARACTERS, DELTA_CHARACTERS):
            await asyncio.sleep(max(0.0, begun + DELTA_PERIOD_S * end / DELTA_CHARACTERS - time.perf_counter()))
            for key, text in texts.items():
                yield LaneDelta(key, text[end - DELTA_CHARACTERS : end])
        for key, text in texts.items():
            yield LaneFinished(key, Completion(text, FinishReason.STOP, 40, 0, ANSWER_TOKENS, 0.1, 6.4))

    async def count_prompt_tokens(self, prompts: Sequence[object]) -> list[int]:
        return [10 for _ in prompts]

    def refusal(self, _: Sequence[object]) -> str:
        return ""

    async def close(self) -> None:
        return None


class _NoEmbedder:
    name = "none"

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None


def fake_studio(folder: Path) -> Studio:
    """A studio on this folder's log whose engine streams ANSWER, and whose embedder finds nothing."""
    workspace = Workspace(folder).ensure()
    engine: Any = _FakeEngine()
    embedder: Any = _NoEmbedder()
    # At a temperature every arm is decoded apart, so that all five stream.
    settings = Settings(sampling=SamplingSettings(temperature=0.5))
    return Studio(
        settings,
        workspace,
        DuckDbLog.of(workspace),
        engine,
        embedder,
        Path("none"),
        KeptCompletions(workspace.kept_answers),
    )


class AskingForEver(CompareScreen):
    """The comparison as it is, whose arms are asked again whenever they have all answered."""

    # Textual looks for it beside the module of the class.
    CSS_PATH = str(STYLES / "compare.tcss")

    def on_mount(self) -> None:
        self.call_after_refresh(self.compare, QUESTION, ())
        self.set_timer(PAUSE_S, self.action_compose)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker.group == "asking" and event.worker.is_finished and self.comparison is not None:
            self.set_timer(PAUSE_S, lambda: self._ask(self.panes))


class MeasuredApp(StudioApp):
    """The app, opened on the comparison."""

    asks = False

    def _builder_of(self, mode: str) -> Callable[[], StudioScreen]:  # noqa: ARG002 - the comparison, in every mode
        return lambda: (AskingForEver if self.asks else CompareScreen)(self.studio)


def child(*, asks: bool) -> None:
    """The process under measurement."""
    with tempfile.TemporaryDirectory() as folder:
        app = MeasuredApp(fake_studio(Path(folder)))
        app.asks = asks
        app.run()


if __name__ == "__main__":
    child(asks=sys.argv[1] != "0")
