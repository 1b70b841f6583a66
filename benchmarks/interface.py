"""How quick the interface feels: key to glyph while five panes stream, and start to first paint.

Both are taken from outside, through a pseudo terminal, as a user meets them: the time from writing a key to the bytes
of its glyph coming back, and from starting a process to its first screen.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll

from studio.domain.generation import ModelFacts
from studio.services.studio import Studio
from studio.settings import Settings
from studio.storage import DuckDbLog
from studio.tui.app import StudioApp
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.streaming import StreamedMarkdown
from studio.tui.widgets.text_input import Composer
from studio.workspace import Workspace

COLUMNS, ROWS = 200, 50
PANES = 5
TOKENS_PER_S = 150
CHARACTERS_PER_TOKEN = 4
KEYS = 200
KEY_GAP_S = 0.09
FIRST_PAINT = b"Ask something"

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
                with suppress(OSError):
                    seen = seen[-len(wanted) :] + os.read(self.master, 65536)
                if wanted in seen:
                    return time.perf_counter()
        raise TimeoutError(f"{wanted!r} did not appear within {timeout} s")

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
    with terminal([sys.executable, "-m", "benchmarks.interface", str(panes)]) as opened:
        opened.wait_for(FIRST_PAINT, 30)
        opened.drain(2.0)
        # Glyphs that the streams do not contain, so that one seen is the one typed.
        for glyph in itertools.islice(map(chr, itertools.count(0x4E00)), KEYS):
            pressed = opened.type(glyph)
            latencies.append(opened.wait_for(glyph.encode(), 10) - pressed)
            opened.drain(KEY_GAP_S)
    return latencies


def first_paint(runs: int = 7) -> tuple[float, float]:
    """Median seconds from starting `studio` in a new workspace to its first screen, and of importing textual alone."""
    app: list[float] = []
    bare: list[float] = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "studio", "--workspace", folder]
            with terminal(command) as opened:
                app.append(opened.wait_for(FIRST_PAINT, 30) - opened.started)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
        bare.append(time.perf_counter() - began)
    return statistics.median(app), statistics.median(bare)


def main() -> dict[str, float]:
    """Key-to-glyph latency in milliseconds with no and with five panes streaming; first paint in seconds."""
    figures: dict[str, float] = {}
    for panes in (0, PANES):
        latencies = sorted(1000 * latency for latency in key_to_glyph(panes))
        figures[f"interface.key_to_glyph.{panes}_panes.p50_ms"] = statistics.median(latencies)
        figures[f"interface.key_to_glyph.{panes}_panes.p95_ms"] = latencies[int(0.95 * len(latencies))]
        figures[f"interface.key_to_glyph.{panes}_panes.max_ms"] = latencies[-1]
    figures["interface.first_paint_s"], figures["interface.import_textual_s"] = first_paint()
    return figures


class _Nothing:
    """Engine and embedder of a studio that is only looked at."""

    facts = ModelFacts(Path("none"), "0" * 64, "bench", "llama", 1, 1, 1, 1, 1, "", "nowhere")
    process_id = None
    name = "none"

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None


def _studio(folder: Path) -> Studio:
    workspace = Workspace(folder).ensure()
    nothing: Any = _Nothing()
    log = DuckDbLog(workspace.log_file, workspace.sessions / "backups")
    return Studio(Settings(), workspace, log, nothing, nothing, Path("none"))


class Panes(StudioScreen):
    """Columns that stream Markdown for ever, above a composer."""

    MODE = "chat"
    AUTO_FOCUS = "Composer"
    DEFAULT_CSS = """
    Panes #panes { height: 1fr; }
    Panes VerticalScroll { width: 1fr; border-right: solid $panel; padding: 0 1; }
    Panes Composer { height: 3; border: none; }
    """

    def __init__(self, studio: Studio, panes: int) -> None:
        super().__init__(studio)
        self.panes = panes

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            for _ in range(self.panes):
                yield VerticalScroll(can_focus=False)
        yield Composer(placeholder=FIRST_PAINT.decode())

    def on_mount(self) -> None:
        for number, column in enumerate(self.query(VerticalScroll)):
            column.anchor()
            self.start(self._stream(column, ANSWER * 3 + ANSWER[: 100 * number]))

    async def _stream(self, column: VerticalScroll, whole: str) -> None:
        tokens = [whole[at : at + CHARACTERS_PER_TOKEN] for at in range(0, len(whole), CHARACTERS_PER_TOKEN)]
        while True:
            pane = StreamedMarkdown(plain_until_finished=True)
            await column.remove_children()
            await column.mount(pane)
            self.studio_app.flusher.add(pane)
            begun = time.perf_counter()
            for number, token in enumerate(tokens):
                pane.write(token)
                await asyncio.sleep(max(0.0, begun + number / TOKENS_PER_S - time.perf_counter()))
            self.studio_app.flusher.remove(pane)
            await pane.finish(whole)


class MeasuredApp(StudioApp):
    """The app with the panes in the place of Chat."""

    panes = 0

    def _builder_of(self, mode: str) -> Callable[[], StudioScreen]:  # noqa: ARG002 - the panes, in every mode
        return lambda: Panes(self.studio, self.panes)


def child(panes: int) -> None:
    """The process under measurement."""
    with tempfile.TemporaryDirectory() as folder:
        app = MeasuredApp(_studio(Path(folder)))
        app.panes = panes
        app.run()


if __name__ == "__main__":
    child(int(sys.argv[1]))
