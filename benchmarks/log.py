"""What keeping the log costs: `python benchmarks/log.py [--turns N]`.

Prints p50 and p95 in milliseconds of the studio's operations, each of which opens and closes the file, and of the bare
DuckDB statements on an open connection and on one reopened for each, in the same run.
"""

from __future__ import annotations

import argparse
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
ARMS = ("frozen", "context", "lessons", "lora", "lora+lessons")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=0, help="turns and answers the log holds beforehand")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "studio.duckdb"
        log = DuckDbLog(file, Path(folder) / "backups")
        fill(file, turns)
        measure(log, file)
        report("make a verified backup", log.backup, repeats=5)
        print(f"{'size of the log':34} {file.stat().st_size / 1e6:8.1f} MB")


def measure(log: DuckDbLog, file: Path) -> None:
    turn = Turn(new_id(), new_id(), 0, "When does the tram leave?", utc_now())
    log.conversations.add(Conversation(turn.conversation_id, "Trams", utc_now(), utc_now()))
    log.conversations.add_turn(turn)
    report("save a correction", lambda: log.corrections.add(a_correction()))
    report("save five answers", lambda: log.answers.add([an_answer(turn, arm) for arm in ARMS]))
    report("list recent conversations", log.conversations.recent)
    report("all corrections in force", log.corrections.in_force)
    report("then and now of one prompt", lambda: log.answers.to_prompt(turn.prompt))
    report("open the log", lambda: DuckDbLog(file, file.parent / "backups"))

    with duckdb.connect(file) as connection:
        connection.execute("CREATE TABLE bare AS SELECT id, prompt, corrected, created_at FROM correction")
        report("bare insert, connection kept open", lambda: bare_insert(connection))
        report("bare insert and checkpoint", lambda: bare_insert_and_checkpoint(connection))
    report("bare insert, reopened", lambda: reopened(file, bare_insert, read_only=False))
    report("bare select, reopened to read", lambda: reopened(file, bare_select, read_only=True))


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


def report(name: str, operation: Callable[[], object], *, repeats: int = REPEATS) -> None:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        operation()
        times.append((time.perf_counter() - start) * 1000)
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
    print(f"{name:34} p50 {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms", flush=True)


if __name__ == "__main__":
    main()
