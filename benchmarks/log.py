"""What keeping the log costs, empty and with many turns in it.

p50 and p95 in milliseconds of the studio's operations, each of which opens and closes the file, and of the bare DuckDB
statements on an open connection and on one reopened for each, in the same run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, FinishReason, Role
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Answer, Conversation, Correction, Given, GivenLesson, Turn
from studio.storage import DuckDbLog

REPEATS = 60
MANY_TURNS = 50_000
ARMS = ("frozen", "context", "lessons", "lora", "lora+lessons")


def main() -> dict[str, float]:
    """All figures by name."""
    figures: dict[str, float] = {}
    for turns in (0, MANY_TURNS):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "studio.duckdb"
            log = DuckDbLog(file, Path(folder) / "backups")
            log.open()
            fill(file, turns)
            for name, times in measure(log, file).items():
                figures[f"log.{turns}_turns.{name}.p50_ms"] = statistics.median(times)
                p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
                figures[f"log.{turns}_turns.{name}.p95_ms"] = p95
            figures[f"log.{turns}_turns.size_mb"] = file.stat().st_size / 1e6
    return figures


def measure(log: DuckDbLog, file: Path) -> dict[str, list[float]]:
    """Milliseconds of every repeat, by operation."""
    turn = Turn(new_id(), new_id(), 0, "When does the tram leave?", utc_now())
    log.conversations.add(Conversation(turn.conversation_id, "Trams", utc_now(), utc_now()))
    log.conversations.add_turn(turn)
    times = {
        "save_correction": timed(lambda: log.corrections.add(a_correction())),
        "save_five_answers": timed(lambda: log.answers.add([an_answer(turn, arm) for arm in ARMS])),
        "recent_conversations": timed(log.conversations.recent),
        "corrections_in_force": timed(log.corrections.in_force),
        "then_and_now": timed(lambda: log.answers.to_prompt(turn.prompt)),
        "open": timed(lambda: DuckDbLog(file, file.parent / "backups").open()),
        "verified_backup": timed(log.backup, repeats=5),
    }
    with duckdb.connect(file) as connection:
        connection.execute("CREATE TABLE bare AS SELECT id, prompt, corrected, created_at FROM correction")
        times["bare_insert_kept_open"] = timed(lambda: bare_insert(connection))
        times["bare_insert_and_checkpoint"] = timed(lambda: bare_insert_and_checkpoint(connection))
    times["bare_insert_reopened"] = timed(lambda: reopened(file, bare_insert, read_only=False))
    times["bare_select_reopened"] = timed(lambda: reopened(file, bare_select, read_only=True))
    return times


def bare_insert(connection: duckdb.DuckDBPyConnection) -> None:
    row = [new_id(), "When does the tram leave?", "At ten.", utc_now()]
    connection.execute("INSERT INTO bare VALUES (?, ?, ?, ?)", row)


def bare_insert_and_checkpoint(connection: duckdb.DuckDBPyConnection) -> None:
    bare_insert(connection)
    connection.execute("CHECKPOINT")


def bare_select(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SELECT id, prompt, corrected FROM correction").fetchall()


def reopened(file: Path, statement: Callable[[duckdb.DuckDBPyConnection], None], *, read_only: bool) -> None:
    with duckdb.connect(file, read_only=read_only) as connection:
        statement(connection)


def fill(file: Path, turns: int) -> None:
    """Conversations of ten turns, one answer each."""
    with duckdb.connect(file) as connection:
        connection.execute(
            "INSERT INTO conversation SELECT 'c' || i, 'title', 'chat', now(), now() FROM range(?) t(i)", [turns // 10]
        )
        connection.execute(
            "INSERT INTO turn SELECT 't' || i, 'c' || (i // 10), i % 10, 'question ' || i, now() FROM range(?) t(i)",
            [turns],
        )
        connection.execute(
            "INSERT INTO answer SELECT 'a' || i, 't' || i, 'frozen', repeat('answer ' || i, 20), 'stop', '{}', '[]',"
            " 20, 40, 0.1, 0.5, now() FROM range(?) t(i)",
            [turns],
        )


def a_correction() -> Correction:
    check = Check(include=(("ten",),), exclude=("nine",))
    return Correction(new_id(), "When does the tram leave?", "At ten.", "At nine.", utc_now(), check)


def an_answer(turn: Turn, arm: str) -> Answer:
    given = Given(lessons=(GivenLesson("lesson", "Trams leave at ten", 0.6, 1),))
    chat = (ChatMessage(Role.SYSTEM, "You are a helpful assistant."), ChatMessage(Role.USER, turn.prompt))
    return Answer(new_id(), turn.id, arm, "At ten. " * 20, FinishReason.STOP, given, chat, 60, 40, 0.1, 0.5, utc_now())


def timed(operation: Callable[[], object], *, repeats: int = REPEATS) -> list[float]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        operation()
        times.append((time.perf_counter() - start) * 1000)
    return times
