"""The real app in a terminal, asked, corrected and compared for a while, with nights beside it; and its weight."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import psutil
import pyte

from studio.domain.arms import STANDARD_ARMS
from studio.storage import DuckDbLog
from studio.workspace import Workspace

STUDIO = (sys.executable, "-m", "studio")
ROUND_MINUTES = 10
"""The minutes of a person's use that a round stands for."""
ROOMS = 12
"""So many questions, which are then corrected anew: what is known stops growing, and with it the prompt of the context
arm, for which the engine would make ever larger contexts."""
NIGHT_EVERY = 8
NIGHT_MINUTES = "0.05"
PATIENCE_S = 1800.0
"""The longest that one answer, or one round of all arms, may take: beside other work that is many minutes."""
SETTLED_S, QUIET_S, AGAIN_S = 5.0, 0.3, 60.0
"""It has drawn what there was once it has drawn nothing for so short a time, shorter than its cursor's blinking.
What nothing came of after so long is typed again, as a person would: beside other work a key may come too early."""
MOST_SEEN_BYTES = 1_000_000
ROLES = {"engine": "studio.inference.engine_process", "embedder": "studio.lessons.embedder_process"}
ENTER, ESCAPE, CTRL_Q, CTRL_S, CTRL_N, SELECT_ALL = "\r", "\x1b[27u", "\x11", "\x13", "\x0e", "\x1b[18~"
F2, F4, F5, F6 = "\x1bOQ", "\x1bOS", "\x1b[15~", "\x1b[17~"
F8, F9, F10, F12 = "\x1b[19~", "\x1b[20~", "\x1b[21~", "\x1b[24~"
SCREENS = (F4, F5, F6, F8, F9, F10, F12, F2)
"""Lessons, Nights, Curves, Export, Review, Settings, Models, and back to Chat."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes and descriptors by process, and the log, after so many rounds. The bytes are those of RSS, which does not
    change with whoever else has the same files open, as PSS does."""

    rounds: int
    at_s: float
    memory: dict[str, int]
    descriptors: dict[str, int]
    log_bytes: int
    turns: int
    answers: int
    corrections: int
    nights: int


@dataclass
class Soak:
    """What was seen. `stuck` says what never came, and what was on its way then."""

    samples: list[Sample] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    def drift(self, of: Callable[[Sample], float]) -> float:
        """The last third's median over that of the third before, minus one: warm-up is left out."""
        third = len(self.samples) // 3
        before, last = self.samples[third : 2 * third], self.samples[2 * third :]
        return statistics.median(map(of, last)) / statistics.median(map(of, before)) - 1


def soak(folder: Path, rounds: int, told: Callable[[Sample], None]) -> Soak:
    """`told` is called after each round."""
    environment = os.environ | {"TERM": "xterm-256color", "STUDIO_WORKSPACE": str(folder), "LANG": "C.UTF-8"}
    app = pexpect.spawn(STUDIO[0], list(STUDIO[1:]), env=environment, dimensions=(50, 160), timeout=None)
    found = Soak()
    try:
        driven = _Driven(app, folder)
        _rounds(driven, rounds, found, told)
        driven.quit()
    except TimeoutError as error:
        found.stuck.append(str(error))
    finally:
        if app.isalive():
            app.kill(signal.SIGKILL)  # pexpect's own way gives up on one that is slow to end
            app.wait()
        app.close()
    return found


class _Driven:
    """The app behind its terminal; what it has done is read from the log, as another process would."""

    def __init__(self, app: pexpect.spawn, folder: Path) -> None:
        self._app = app
        self._seen = bytearray()
        self._workspace = Workspace(folder)
        self._log = DuckDbLog.of(self._workspace)

    def ready(self) -> None:
        """Until the model is loaded: what is typed before the app has its terminal is lost. Raises TimeoutError."""
        try:
            self._app.expect_exact(b"ready", timeout=PATIENCE_S)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise TimeoutError("the app's start never came") from error
        self.settle()

    def type(self, *keys: str) -> None:
        for key in keys:
            self._app.send(key)
            self.settle()

    def quit(self) -> None:
        """Raises TimeoutError where it does not end."""
        self._app.send(CTRL_Q)
        deadline = time.monotonic() + PATIENCE_S
        while self._app.isalive():
            if time.monotonic() > deadline:
                raise TimeoutError("the app's end never came")
            with suppress(pexpect.TIMEOUT, pexpect.EOF):
                self._app.read_nonblocking(65536, timeout=0.1)

    def draw(self, seconds: float) -> None:
        """Take what it draws, else it would wait for its terminal."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._drew(0.05)

    def settle(self) -> None:
        """Take what it draws until that is all, or it goes on drawing for long."""
        deadline = time.monotonic() + SETTLED_S
        while time.monotonic() < deadline and self._drew(QUIET_S):
            pass

    def _drew(self, seconds: float) -> bool:
        """Whether it drew anything in that time."""
        try:
            self._seen += self._app.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            raise TimeoutError("the app has ended") from None
        del self._seen[:-MOST_SEEN_BYTES]
        return True

    def count(self, table: str) -> int:
        _, ((number,),) = self._log.query(f"SELECT count(*) FROM {table}")
        return int(str(number))

    def until(self, what: str, come: Callable[[], bool], *again: str) -> None:
        """Raises TimeoutError naming `what` never came, with what the screen shows. `again` is typed now and then."""
        began = typed = time.monotonic()
        while not come():
            if time.monotonic() - began > PATIENCE_S:
                raise TimeoutError(f"{what} never came; the screen:\n{self.screen()}")
            if again and time.monotonic() - typed > AGAIN_S:
                print(f"  waiting for {what}, typed again; the screen was:\n{self.screen()}", flush=True)
                self.type(*again)
                typed = time.monotonic()
            self.draw(0.2)
        self.draw(1.0)  # what the log holds may not be on the screen yet
        self.settle()

    def screen(self) -> str:
        """What it shows: drawn anew, because it is made a column wider."""
        rows, columns = self._app.getwinsize()
        self._seen = bytearray()
        self._app.setwinsize(rows, columns + 1)
        self.draw(SETTLED_S)
        screen = pyte.Screen(columns + 1, rows)
        # pyte takes the private-mode SGR variants for text; they draw nothing.
        pyte.ByteStream(screen).feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", bytes(self._seen)))
        return "\n".join(line.rstrip() for line in screen.display if line.strip())

    def sample(self, rounds: int, at_s: float) -> Sample:
        app = psutil.Process(self._app.pid)
        family = {"app": app}
        for child in app.children(recursive=True):
            family |= {role: child for role, module in ROLES.items() if module in child.cmdline()}
        turns, answers, corrections, nights = map(self.count, ("turn", "answer", "correction", "night"))
        return Sample(
            rounds,
            at_s,
            {role: process.memory_info().rss for role, process in family.items()},
            {role: process.num_fds() for role, process in family.items()},
            self._workspace.log_file.stat().st_size,
            turns,
            answers,
            corrections,
            nights,
        )

    def night(self) -> list[str]:
        """A night beside the app, whose adapter is put into use whatever the gate said; says what went wrong."""
        trained = self._beside("night", "--max-minutes", NIGHT_MINUTES)
        return trained or self._beside("adapters", "use", str(self.count("adapter")))

    def _beside(self, *arguments: str) -> list[str]:
        command = [*STUDIO, "--workspace", str(self._workspace.root), *arguments]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
            while running.poll() is None:
                self.draw(0.5)
            said = running.stderr.read() if running.stderr else ""
        return [] if running.returncode == 0 else [f"{arguments[0]} ended with {running.returncode}: {said[-300:]}"]


def _rounds(app: _Driven, rounds: int, found: Soak, told: Callable[[Sample], None]) -> None:
    app.ready()
    began = time.monotonic()
    for number in range(rounds):
        _round(app, number)
        if number % NIGHT_EVERY == NIGHT_EVERY - 1:
            found.stuck += app.night()
            app.settle()
        found.samples.append(app.sample(number + 1, time.monotonic() - began))
        told(found.samples[-1])


def _round(app: _Driven, number: int) -> None:
    """Ask in a new session, correct, ask in other words, compare, and look at the screens."""
    room, answers, corrections = number % ROOMS, app.count("answer"), app.count("correction")
    app.type(CTRL_N, f"What is the code of room {room}?", ENTER)
    app.until("an answer", lambda: app.count("answer") > answers)
    correct = (ESCAPE, "e", SELECT_ALL, f"The code of room {room} is {7 * number + 11}.", CTRL_S)
    app.type(*correct)
    app.until("a correction", lambda: app.count("correction") > corrections, *correct)
    app.type(ESCAPE, "i", f"Which code opens room {room}?", ENTER)
    app.until("an answer to other words", lambda: app.count("answer") > answers + 1)
    app.type(ESCAPE, "c")
    # What an arm that is late would say is taken for the next question's else, and that question is stopped.
    app.until("a comparison", lambda: app.count("answer") >= answers + 2 + len(STANDARD_ARMS))
    app.type(*SCREENS)
