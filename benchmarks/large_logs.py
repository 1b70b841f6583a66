"""How quick the interface stays with much in the log: a conversation of a thousand turns, ten thousand lessons.

Taken as in `benchmarks.interface`, through a pseudo terminal of the real app: from writing a key to the bytes that show
what it did.
"""

from __future__ import annotations

import asyncio
import random
import re
import select
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.interface import FIRST_PAINT, KEY_GAPS_S, Terminal, fake_studio, terminal
from studio.domain.generation import FinishReason
from studio.domain.identity import new_id, utc_now
from studio.domain.lessons import Lesson
from studio.domain.log import Answer, Conversation, Given, Turn
from studio.storage import DuckDbLog
from studio.tui.app import StudioApp
from studio.workspace import Workspace

TURNS = 1_000
LESSONS = 10_000
WORDS = ("CONTRACT", "NOTICE PERIOD", "LETTER 77", "CALENDAR", "HANDBOOK 9", "SIGNATURE", "REGISTERED MAIL", "WEEKEND")
"""In capitals, which no lesson has: what is seen of them is what was typed."""
PAGE_UP, PAGE_DOWN = "\x1b[5~", "\x1b[6~"
MARK = re.compile(rb"\xc2\xa7(\d{4})\.(\d)")
"""Stands in every block of the conversation, with the turn's number and the block's."""
LONGEST_S = 10.0


def main() -> dict[str, float]:
    """Milliseconds from a key to what it shows."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Workspace(Path(folder)).ensure())
        return conversation(folder) | lessons(folder)


def conversation(folder: str) -> dict[str, float]:
    """Open the conversation, page to its beginning and back to its end."""
    figures: dict[str, float] = {}
    with _app(folder) as opened:
        begun = opened.type("\r")  # the only session, in the list
        figures["large_logs.chat.open_ms"] = 1000 * (_mark_beyond(opened, -1, up=False) - begun)
        opened.drain(1.5)
        opened.type("\x1b")
        opened.drain(0.5)
        seen = TURNS * 10
        for name, key, up in (("page_up", PAGE_UP, True), ("page_down", PAGE_DOWN, False)):
            seen, taken = _scrolled(opened, key, up=up, seen=seen, most=TURNS)
            figures |= _figures(f"chat.{name}", taken)
    return figures


def _scrolled(opened: Terminal, key: str, *, up: bool, seen: int, most: int) -> tuple[int, list[float]]:
    """Press until the conversation's beginning or end is seen; the farthest mark seen, and seconds by key."""
    gaps = random.Random(0)
    taken: list[float] = []
    reader = _Marks(opened, seen)
    end = 10 if up else TURNS * 10
    while len(taken) < most and not reader.reached(end, up=up):
        pressed = opened.type(key)
        if (moment := reader.wait(up=up)) is None:
            break
        taken.append(moment - pressed)
        reader.rest(gaps.uniform(*KEY_GAPS_S), up=up)
    return reader.seen, taken


class _Marks:
    """Reads the marks of a conversation as they are drawn. `seen` is the farthest in the direction read in."""

    def __init__(self, opened: Terminal, seen: int) -> None:
        self._opened = opened
        self._last = b""
        self.seen = seen

    def reached(self, end: int, *, up: bool) -> bool:
        return self.seen < end + 5 if up else self.seen >= end

    def wait(self, *, up: bool) -> float | None:
        """Until a mark farther than all before is drawn; None where none comes."""
        before, deadline = self.seen, time.perf_counter() + LONGEST_S
        while time.perf_counter() < deadline:
            self._read(0.05, up=up)
            if self.seen != before:
                return time.perf_counter()
        return None

    def rest(self, seconds: float, *, up: bool) -> None:
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self._read(left, up=up)

    def _read(self, timeout: float, *, up: bool) -> None:
        if not select.select([self._opened.master], [], [], timeout)[0]:
            return
        text = self._last + self._opened.read()
        self._last = text[-8:]
        for turn, block in MARK.findall(text):
            place = int(turn) * 10 + int(block)
            self.seen = min(self.seen, place) if up else max(self.seen, place)


def _mark_beyond(opened: Terminal, place: int, *, up: bool) -> float:
    moment = _Marks(opened, place).wait(up=up)
    if moment is None:
        raise TimeoutError("the conversation did not appear")
    return moment


def lessons(folder: str) -> dict[str, float]:
    """Filter the lessons as one types: each letter, and the list once one has paused."""
    gaps = random.Random(0)
    typed: list[float] = []
    listed: list[float] = []
    with _app(folder) as opened:
        opened.type("\x1b")
        opened.drain(0.5)
        opened.type("\x1bOS")  # F4
        opened.wait_for(f"{LESSONS:,} lessons".encode(), 60)
        opened.drain(1.0)
        opened.type("s")
        opened.drain(0.5)
        for word in WORDS:
            for end in range(1, len(word) + 1):
                pressed = opened.type(word[end - 1])
                typed.append(opened.wait_for(word[:end].encode(), LONGEST_S) - pressed)
                if end == len(word):
                    listed.append(opened.wait_for(f" of {LESSONS:,} lessons".encode(), LONGEST_S) - pressed)
                else:
                    opened.drain(gaps.uniform(*KEY_GAPS_S))
            opened.drain(0.5)
            opened.type("\x1b")  # clears the filter
            opened.drain(1.0)
            opened.type("s")
            opened.drain(0.3)
    return _figures("lessons.letter", typed) | _figures("lessons.filtered", listed)


def _figures(name: str, taken: list[float]) -> dict[str, float]:
    ordered = sorted(1000 * seconds for seconds in taken)
    return {
        f"large_logs.{name}.keys": len(ordered),
        f"large_logs.{name}.p50_ms": statistics.median(ordered),
        f"large_logs.{name}.p95_ms": ordered[int(0.95 * len(ordered))],
        f"large_logs.{name}.max_ms": ordered[-1],
    }


@contextmanager
def _app(folder: str) -> Iterator[Terminal]:
    """The app on this log, with nothing under way, and the list of sessions open."""
    command = [sys.executable, "-m", "benchmarks.large_logs", folder]
    # Else the cursor blinks, and what is drawn is not what the key did.
    with terminal(command, STUDIO_UI__REDUCED_MOTION="yes") as opened:
        opened.wait_for(FIRST_PAINT, 60)
        opened.drain(3.0)
        opened.type("\x0f")  # ctrl+o
        opened.wait_for(b"A long talk", 30)
        yield opened


def fill(workspace: Workspace) -> None:
    """One conversation of TURNS turns, and LESSONS lessons."""
    log = DuckDbLog(workspace.log_file, workspace.sessions / "backups")
    log.open()
    now = utc_now() - timedelta(days=1)
    talk = Conversation(new_id(), "A long talk", now, now)
    log.conversations.add(talk)
    turns = [Turn(new_id(), talk.id, place, f"What of clause {place}?", now) for place in range(TURNS)]
    log.conversations.add_turn(turns[0])
    log.answers.add([_answer(turn) for turn in turns])
    lesson = Lesson(new_id(), "lesson", "when", "do", "question", "answer", (), now, now)
    log.lessons.add(lesson, [], "none")
    with duckdb.connect(workspace.log_file) as connection:
        rest = [(turn.id, turn.conversation_id, turn.position, turn.prompt, turn.created_at) for turn in turns[1:]]
        connection.executemany(
            "INSERT INTO turn (id, conversation_id, position, prompt, created_at) VALUES (?, ?, ?, ?, ?)", rest
        )
        connection.execute(
            "INSERT INTO lesson BY NAME SELECT lesson.* REPLACE ("
            "id || i AS id, 'what the contract says, ' || i AS title,"
            " 'a letter, the notice period or number ' || i AS applies_when,"
            " 'see the handbook and the calendar; registered mail, no weekend, a signature. ' || i AS guidance)"
            " FROM lesson, range(?) t(i)",
            [LESSONS - 1],
        )


def _answer(turn: Turn) -> Answer:
    n = turn.position
    text = (
        f"§{n:04}.1 The notice period is **{n} days**, counted from the day the letter *arrives*, as `4` says.\n\n"
        f"- §{n:04}.2 First, write the letter and name the contract by its number.\n"
        f"- §{n:04}.3 Then send it by registered mail; keep the receipt.\n\n"
        f"§{n:04}.4 Ask for a confirmation in writing; if none comes within two weeks, ask again."
    )
    return Answer(new_id(), turn.id, "frozen", text, FinishReason.STOP, Given(), (), 60, 90, 0.1, 0.9, turn.created_at)


class _LoadingEmbedder:
    """Is never ready: the lessons have no vectors, and would be given theirs meanwhile."""

    name = "none"

    async def start(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return None


def child(folder: Path) -> None:
    """The process under measurement: the app as it is, with an engine that is never asked."""
    studio = fake_studio(folder)
    embedder: Any = _LoadingEmbedder()
    studio.embedder = embedder
    StudioApp(studio).run()


if __name__ == "__main__":
    child(Path(sys.argv[1]))
