"""A log with a million answers: saving one, opening it, and the curves' query, against the raw DuckDB statement.

Either side opens the file for each operation, for that is what lets others in meanwhile, and has its commit in the file
when it lets go of it: the raw insert is followed by DuckDB's own checkpoint.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.table import Row, rounds
from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, FinishReason, Role
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Answer, Conversation, Correction, Given, GivenLesson, Turn
from studio.services.judge_log import hear, judge_log
from studio.storage import DuckDbLog

ANSWERS = 1_000_000
ARMS = ("frozen", "context", "lessons", "lora", "lora+lessons")
CORRECTED = 50
_WANTED = 1.2
_CURVES = (
    "SELECT t.prompt, a.arm, a.text, epoch_us(a.created_at) FROM answer a JOIN turn t ON t.id = a.turn_id"
    " WHERE lower(t.prompt) IN (SELECT lower(prompt) FROM correction) ORDER BY a.created_at"
)
_COLUMNS = (
    "id, turn_id, arm, text, finish_reason, given, messages, prompt_tokens, completion_tokens, first_token_s,"
    " latency_s, created_at"
)


def rows(budget_s: float) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "studio.duckdb"
        log = DuckDbLog(file, Path(folder) / "backups")
        turn = fill(log, file, ANSWERS)
        size = file.stat().st_size / 1e6
        taken: dict[str, tuple[list[float], list[float]]] = {}
        for _ in rounds(budget_s * 0.7, least=3):
            for what, own, raw in _operations(log, file, turn):
                ours, theirs = taken.setdefault(what, ([], []))
                ours.append(_milliseconds(own))
                theirs.append(_milliseconds(raw))
    note = f"{size:.0f} MB"
    return [
        Row(f"a log of {ANSWERS:,} answers: {what}", "the raw DuckDB statement", "ms", *pair, _WANTED, note=note)
        for what, pair in taken.items()
    ]


def _operations(log: DuckDbLog, file: Path, turn: Turn) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    return [
        ("save", lambda: log.answers.add([_answer(turn)]), lambda: _raw_insert(file, turn)),
        (
            "open",
            DuckDbLog(file, file.parent / "backups").open,
            lambda: _raw(file, "SELECT max(version) FROM schema_version"),
        ),
        ("curves", lambda: judge_log(hear(log)), lambda: _raw(file, _CURVES)),
    ]


def _milliseconds(operation: Callable[[], object]) -> float:
    began = time.perf_counter()
    operation()
    return 1000 * (time.perf_counter() - began)


def _raw(file: Path, statement: str) -> list[tuple[object, ...]]:
    with duckdb.connect(file, read_only=True) as connection:
        return connection.execute(statement).fetchall()


def _raw_insert(file: Path, turn: Turn) -> None:
    with duckdb.connect(file) as connection:
        connection.execute(
            f"INSERT INTO answer ({_COLUMNS})"
            " VALUES (?, ?, 'lora', 'At ten.', 'stop', '{}', '[]', 60, 40, 0.1, 0.5, now())",
            [new_id(), turn.id],
        )


def fill(log: DuckDbLog, file: Path, answers: int) -> Turn:
    """So many answers, five to a turn, ten turns to a conversation, and CORRECTED corrections; the last turn."""
    log.open()
    turns = answers // len(ARMS)
    with duckdb.connect(file) as connection:
        connection.execute(
            "INSERT INTO conversation SELECT 'c' || i, 'title', 'chat', now(), now() FROM range(?) t(i)", [turns // 10]
        )
        connection.execute(
            "INSERT INTO turn SELECT 't' || i, 'c' || (i // 10), i % 10, 'When does tram ' || i || ' leave?', now()"
            " FROM range(?) t(i)",
            [turns],
        )
        connection.execute(
            f"INSERT INTO answer ({_COLUMNS}) SELECT 'a' || i, 't' || (i // 5), ?[1 + i % 5],"
            " repeat('at ten ' || i, 8), 'stop', '{}', '[]', 20, 40, 0.1, 0.5, now() FROM range(?) t(i)",
            [list(ARMS), answers],
        )
    turn = Turn(new_id(), "", 0, "When does the tram leave?", utc_now())
    talk = Conversation(new_id(), "Trams", utc_now(), utc_now())
    turn = Turn(turn.id, talk.id, 0, turn.prompt, turn.created_at)
    log.conversations.add(talk)
    log.conversations.add_turn(turn)
    for number in range(0, turns, max(1, turns // CORRECTED)):
        check = Check(include=(("ten",),), exclude=("nine",))
        asked = f"When does tram {number} leave?"
        log.corrections.add(Correction(new_id(), asked, "At ten.", "At nine.", utc_now(), check))
    return turn


def _answer(turn: Turn) -> Answer:
    given = Given(lessons=(GivenLesson("lesson", "Trams leave at ten", 0.6, 1),))
    chat = (ChatMessage(Role.SYSTEM, "You are a helpful assistant."), ChatMessage(Role.USER, turn.prompt))
    return Answer(new_id(), turn.id, "lora", "At ten.", FinishReason.STOP, given, chat, 60, 40, 0.1, 0.5, utc_now())
