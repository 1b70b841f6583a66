"""The real app in a terminal, asked, corrected and compared for a while, with nights beside it; and its weight."""

from __future__ import annotations

import os
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

from studio.domain.arms import STANDARD_ARMS
from studio.storage import DuckDbLog
from studio.workspace import Workspace

STUDIO = (sys.executable, "-m", "studio")
NIGHT_EVERY_S = 900.0
NIGHT_MINUTES = "0.05"
PATIENCE_S = 1800.0
"""The longest that one answer, or one round of all arms, may take: beside other work that is many minutes."""
SETTLED_S = 2.0
ROLES = {"engine": "studio.inference.engine_process", "embedder": "studio.lessons.embedder_process"}
ENTER, ESCAPE, CTRL_Q, CTRL_S, CTRL_N, SELECT_ALL = "\r", "\x1b", "\x11", "\x13", "\x0e", "\x1b[18~"
F2, F4, F5, F6, F9 = "\x1bOQ", "\x1bOS", "\x1b[15~", "\x1b[17~", "\x1b[20~"


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes and descriptors by process, and the log, at a moment."""

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


def soak(folder: Path, minutes: float, told: Callable[[Sample], None]) -> Soak:
    """Go on for so long. `told` is called after each round."""
    environment = os.environ | {"TERM": "xterm-256color", "STUDIO_WORKSPACE": str(folder), "LANG": "C.UTF-8"}
    app = pexpect.spawn(STUDIO[0], list(STUDIO[1:]), env=environment, dimensions=(50, 160), timeout=None)
    found = Soak()
    try:
        driven = _Driven(app, folder)
        _rounds(driven, minutes, found, told)
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
        self._workspace = Workspace(folder)
        self._log = DuckDbLog(self._workspace.log_file, self._workspace.sessions / "backups")

    def ready(self) -> None:
        """Until the model is loaded: what is typed before the app has its terminal is lost. Raises TimeoutError."""
        try:
            self._app.expect_exact(b"ready", timeout=PATIENCE_S)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise TimeoutError("the app's start never came") from error
        self.draw(SETTLED_S)

    def type(self, *keys: str, pause_s: float = 0.4) -> None:
        for key in keys:
            self._app.send(key)
            self.draw(pause_s)

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
            try:
                self._app.read_nonblocking(65536, timeout=0.05)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                raise TimeoutError("the app has ended") from None

    def count(self, table: str) -> int:
        _, ((number,),) = self._log.query(f"SELECT count(*) FROM {table}")
        return int(str(number))

    def until(self, what: str, come: Callable[[], bool]) -> None:
        """Raises TimeoutError naming `what` never came."""
        deadline = time.monotonic() + PATIENCE_S
        while not come():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} never came")
            self.draw(0.5)
        self.draw(SETTLED_S)

    def answered(self, prompt: str, times: int, what: str) -> None:
        """Until this question has so many answers."""
        said = "SELECT id FROM answer WHERE turn_id IN (SELECT id FROM turn WHERE prompt = '{}')"
        self.until(what, lambda: len(self._log.query(said.format(prompt))[1]) >= times)

    def sample(self, at_s: float) -> Sample:
        app = psutil.Process(self._app.pid)
        family = {"app": app}
        for child in app.children(recursive=True):
            family |= {role: child for role, module in ROLES.items() if module in child.cmdline()}
        turns, answers, corrections, nights = map(self.count, ("turn", "answer", "correction", "night"))
        return Sample(
            at_s,
            {role: process.memory_full_info().pss for role, process in family.items()},
            {role: process.num_fds() for role, process in family.items()},
            self._workspace.log_file.stat().st_size,
            turns,
            answers,
            corrections,
            nights,
        )

    def night(self) -> str:
        """Run one beside the app, and say what went wrong; else nothing."""
        command = [*STUDIO, "--workspace", str(self._workspace.root), "night", "--max-minutes", NIGHT_MINUTES]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as night:
            while night.poll() is None:
                self.draw(0.5)
            said = night.stderr.read() if night.stderr else ""
        return "" if night.returncode == 0 else f"a night ended with {night.returncode}: {said[-300:]}"


def _rounds(app: _Driven, minutes: float, found: Soak, told: Callable[[Sample], None]) -> None:
    app.ready()
    began, last_night = time.monotonic(), time.monotonic()
    number = 0
    while (now := time.monotonic()) - began < 60 * minutes:
        _round(app, number)
        number += 1
        if now - last_night > NIGHT_EVERY_S:
            found.stuck += filter(None, [app.night()])
            last_night = time.monotonic()
            app.draw(SETTLED_S)
        found.samples.append(app.sample(time.monotonic() - began))
        told(found.samples[-1])


def _round(app: _Driven, number: int) -> None:
    """Ask in a new session, correct, ask in other words, compare, and look at every screen."""
    first, other = f"What is the code of room {number}?", f"Which code opens room {number}?"
    app.type(CTRL_N, first, ENTER)
    app.answered(first, 1, "an answer")
    corrections = app.count("correction")
    app.type(ESCAPE, "e", SELECT_ALL, f"The code of room {number} is {7 * number + 11}.", CTRL_S, pause_s=0.8)
    app.until("a correction", lambda: app.count("correction") > corrections)
    app.type(ESCAPE, "i", other, ENTER)
    app.answered(other, 1, "an answer to other words")
    app.type(ESCAPE, "c")
    # What an arm that is late would say is taken for the next question's else, and that question is stopped.
    app.answered(other, 1 + len(STANDARD_ARMS), "a comparison")
    for screen in (F4, F5, F6, F9, F2):
        app.type(screen, pause_s=0.6)
