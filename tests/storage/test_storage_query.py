"""`studio sql`: the views answer, and nothing but the log can be reached or changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from storage_values import a_conversation, a_correction, a_turn, an_answer, at, open_log, said

from studio.domain.checks import Check
from studio.domain.log import Feedback
from studio.domain.nights import Probe, ProbeKind, ProbeResult
from studio.errors import QueryError
from studio.storage import DuckDbLog


@pytest.fixture
def log(tmp_path: Path) -> DuckDbLog:
    return open_log(tmp_path)


def test_the_corrections_view_tells_their_state(log: DuckDbLog) -> None:
    first = a_correction()
    log.corrections.add(first)
    log.corrections.add(a_correction(minutes=1, supersedes=first.id))
    taken_back = a_correction(minutes=2)
    log.corrections.add(taken_back)
    log.corrections.set_undone(taken_back.id, True, at(3))
    columns, rows = log.query("SELECT state, created_at FROM corrections")
    assert columns == ["state", "created_at"]
    assert rows == [
        ("superseded", "2026-03-01 22:15:00.123456+00"),
        ("in force", "2026-03-01 22:16:00.123456+00"),
        ("undone", "2026-03-01 22:17:00.123456+00"),
    ]


def test_answers_by_arm_counts_those_judged(log: DuckDbLog) -> None:
    liked, wrong, withdrawn, _ = (said(log) for _ in range(4))
    log.answers.add_feedback(liked.id, Feedback.ACCEPTED, at(1))
    log.answers.add_feedback(withdrawn.id, Feedback.ACCEPTED, at(1))
    log.answers.withdraw_feedback(withdrawn.id)
    log.corrections.add(dataclasses.replace(a_correction(), answer_id=wrong.id))
    columns, [row] = log.query("FROM answers_by_arm")
    assert dict(zip(columns, row, strict=True)) == {
        "arm": "frozen",
        "answers": 4,
        "mean_prompt_tokens": 20,
        "mean_completion_tokens": 4,
        "mean_first_token_s": pytest.approx(0.05),
        "mean_latency_s": pytest.approx(0.4),
        "judged": 2,
        "share_right": 0.5,
    }


def test_the_learning_curve_goes_by_day_in_utc_and_arm(log: DuckDbLog) -> None:
    log.probes.add([Probe("p", ProbeKind.REPHRASE, "?", Check())])
    results = [(0, "lora", True), (1, "lora", False), (120, "lora", True), (0, "frozen", False)]
    log.probes.add_results([ProbeResult("p", arm, "", ok, float(ok), "idle", at(m)) for m, arm, ok in results])
    _, rows = log.query("SELECT day::VARCHAR, arm, kind, n, share_ok FROM learning_curve")
    assert rows == [
        ("2026-03-01", "frozen", "rephrase", 1, 0.0),
        ("2026-03-01", "lora", "rephrase", 2, 0.5),
        ("2026-03-02", "lora", "rephrase", 1, 1.0),
    ]


def test_the_views_explain_themselves(log: DuckDbLog) -> None:
    _, rows = log.query("SELECT view_name FROM duckdb_views() WHERE comment IS NOT NULL ORDER BY 1")
    assert [name for (name,) in rows] == [
        "answers_by_arm",
        "correction_state",
        "corrections",
        "imports",
        "learning_curve",
        "preferences",
        "preferences_by_arm",
    ]
    _, [(comment,)] = log.query(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'answers_by_arm' AND column_name = 'share_right'"
    )
    assert "share" in str(comment)


def test_at_most_the_wanted_rows_come(log: DuckDbLog) -> None:
    assert log.query("SELECT i FROM range(9) t(i)", limit=2)[1] == [(0,), (1,)]
    assert len(log.query("SELECT i FROM range(9) t(i)")[1]) == 9


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT now() -- the time",
        "SELECT now();",
        "SELECT now() AS t, 1 AS t",
        "SELECT [now()]",
        "SHOW TABLES",
        "DESCRIBE corrections",
        "SUMMARIZE turn",
        "EXPLAIN SELECT 1",
        "VALUES (1)",
        "WITH a AS (SELECT 1) FROM a",
        "PRAGMA table_info('turn')",
        "SELECT '\udce9'",
    ],
)
def test_every_way_of_reading_is_answered(log: DuckDbLog, sql: str) -> None:
    columns, rows = log.query(sql)
    assert all(len(row) == len(columns) for row in rows)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO lesson_stamp VALUES ('x')",
        "DROP TABLE correction",
        "UPDATE turn SET prompt = ''",
        "CREATE TEMP TABLE t (i INTEGER)",
        "COPY (SELECT 1) TO 'TARGET'",
        "COPY correction FROM 'SECRET'",
        "EXPORT DATABASE 'TARGET'",
        "ATTACH 'TARGET'",
        "SELECT * FROM 'SECRET'",
        "SELECT * FROM read_text('SECRET')",
        "SELECT * FROM read_csv('SECRET')",
        "SELECT * FROM glob('/*')",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'TARGET'",
        "EXPLAIN ANALYZE DELETE FROM lesson_stamp",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA enable_profiling",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE correction",
        "FROM database",
        "",
        "-- nothing",
        "SELEC 1",
        "SELECT nothing FROM corrections",
        "SELECT error('line one\nline two')",
    ],
)
def test_nothing_else_is_read_and_nothing_is_written(log: DuckDbLog, tmp_path: Path, sql: str) -> None:
    secret, target = tmp_path / "secret.csv", tmp_path / "target"
    secret.write_text("secret\n1\n", "utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    stamp = log.lessons.stamp()
    with pytest.raises(QueryError) as refusal:
        log.query(sql.replace("SECRET", str(secret)).replace("TARGET", str(target)))
    assert "\n" not in str(refusal.value)
    assert refusal.value.message.endswith((".", "!"))
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert log.lessons.stamp() == stamp


def test_columns_of_one_name_are_told_apart(log: DuckDbLog) -> None:
    assert log.query("SELECT 1 AS a, 2 AS a, 3 AS a_1")[0] == ["a", "a_1", "a_1_1"]


def test_preferences_count_what_each_arm_said(log: DuckDbLog) -> None:
    conversation = a_conversation()
    log.conversations.add(conversation)
    words = {"frozen": "At nine.", "lora": "At nine.", "lessons": "At ten."}
    for position, (arm, blind) in enumerate((("lessons", True), ("frozen", False), ("lora", False))):
        turn = a_turn(conversation, position)
        answers = {name: an_answer(turn, name, text) for name, text in words.items()}
        log.conversations.add_turn(turn)
        log.answers.add([*answers.values()])
        log.answers.add_feedback(answers[arm].id, Feedback.PREFERRED, at(1), blind=blind)
    # Changed afterwards, the latest choice counts; a choice without another arm's answer is none.
    log.answers.add_feedback(answers["lessons"].id, Feedback.PREFERRED, at(2))
    alone = a_turn(conversation, 3)
    only = an_answer(alone)
    log.conversations.add_turn(alone)
    log.answers.add([only])
    log.answers.add_feedback(only.id, Feedback.PREFERRED, at(2))
    _, rows = log.query(
        "SELECT arm, compared, preferred, compared_blind, preferred_blind FROM preferences_by_arm ORDER BY arm"
    )
    assert rows == [("frozen", 3, 1, 1, 0), ("lessons", 3, 2, 1, 1), ("lora", 3, 1, 1, 0)]
    assert sorted(dataclasses.astuple(one) for one in log.answers.preferences()) == rows
    assert log.answers.preferences()[0].arm == "lessons"
