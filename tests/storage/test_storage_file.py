"""The log as a file: who may hold it, what is refused and left untouched, what survives a kill or a full disk."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from storage_values import a_correction, open_log, said

from studio.domain.lessons import Scope, ScopeKind
from studio.errors import MachineError, StorageError
from studio.storage import DuckDbLog, attaching
from studio.storage.database import Database
from studio.storage.schema import Migration, prepare, shipped_migrations

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading")
connection.execute("SELECT 1 FROM schema_version")
print("held", flush=True)
sys.stdin.read()
"""

WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
from storage_values import a_correction, open_log
log = open_log(Path(sys.argv[1]))
while True:
    correction = a_correction("x" * 2000)
    log.corrections.add(correction)
    print(correction.id, flush=True)
"""


@contextmanager
def held(file: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the file open until the block is left."""
    command = [sys.executable, "-c", HOLD, str(file), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.communicate()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small memory disk on the folder, or a skipped test."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_log_held_by_another_program_is_refused_by_its_name(tmp_path: Path) -> None:
    open_log(tmp_path)
    with held(tmp_path / "studio.duckdb", "writing") as holder:
        with pytest.raises(StorageError, match=rf"is held by .*python.* \(PID {holder.pid}\)\. Close it") as refusal:
            open_log(tmp_path, wait_s=0.1)
        assert isinstance(refusal.value, MachineError)
    assert open_log(tmp_path).corrections.all() == []


def test_one_operation_within_another_is_a_mistake_that_is_named_and_does_no_harm(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    database = Database(tmp_path / "studio.duckdb")

    def one_within_another() -> None:
        with database.writing() as session:
            session.execute("DELETE FROM schema_version")
            log.corrections.all()

    with pytest.raises(RuntimeError, match="open in this thread already"):
        one_within_another()
    correction = a_correction("after it")
    log.corrections.add(correction)
    assert [kept.id for kept in log.corrections.all()] == [correction.id]
    assert log.check() == []


def test_what_is_read_in_one_look_is_of_one_state(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    first, second = a_correction("first"), a_correction("second")
    log.corrections.add(first)
    with ThreadPoolExecutor() as pool:
        with log.one_look():
            before = log.corrections.all()
            writing = pool.submit(log.corrections.add, second)
            assert not wait([writing], timeout=0.2).done
            assert log.corrections.all() == before
            assert log.answers.said({"first"}) == []
        writing.result()
    assert [kept.id for kept in log.corrections.all()] == [first.id, second.id]


def test_a_look_within_a_look_is_the_same_one(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    with log.one_look():
        with log.one_look():
            within = log.corrections.all()
        assert log.corrections.all() == within
        with pytest.raises(RuntimeError, match="open in this thread already"):
            log.corrections.add(a_correction())
    log.corrections.add(a_correction("after it"))
    assert len(log.corrections.all()) == 2


def test_writing_within_one_look_is_a_mistake_that_is_named_and_does_no_harm(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(RuntimeError, match="open in this thread already"), log.one_look():
        log.corrections.add(a_correction())
    log.corrections.add(a_correction("after it"))
    assert len(log.corrections.all()) == 1


def test_a_write_waits_until_another_program_lets_go(tmp_path: Path) -> None:
    log = open_log(tmp_path, wait_s=30)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "studio.duckdb"), "writing"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
        log.corrections.add(a_correction())
    assert len(log.corrections.all()) == 1


def test_readers_get_along(tmp_path: Path) -> None:
    log = open_log(tmp_path, wait_s=0.1)
    with held(tmp_path / "studio.duckdb", "reading"):
        assert log.corrections.all() == []
        assert log.query("SELECT 1")[1] == [(1,)]
        with pytest.raises(StorageError, match="is held by"):
            log.corrections.add(a_correction())


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"no database at all" * 999, b"SQLite format 3\0" + b"\0" * 5000, b"\0" * 8 + b"DUCK" + b"\xff" * 9000],
    ids=["empty", "short", "text", "sqlite", "damaged"],
)
def test_a_file_that_is_no_log_is_refused_and_left_untouched(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "studio.duckdb"
    file.write_bytes(content)
    with pytest.raises(StorageError, match=r"studio\.duckdb"):
        open_log(tmp_path)
    assert file.read_bytes() == content


def test_a_truncated_log_is_refused_and_left_untouched(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(3):
        said(log)
    file = tmp_path / "studio.duckdb"
    os.truncate(file, file.stat().st_size // 2)
    content = file.read_bytes()
    with pytest.raises(StorageError):
        DuckDbLog(file, tmp_path / "backups").backup()
    assert file.read_bytes() == content


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "studio.duckdb") as connection:
        connection.execute("CREATE TABLE mine (i INTEGER)")
    with pytest.raises(StorageError, match="a DuckDB file of something else"):
        open_log(tmp_path)
    with duckdb.connect(tmp_path / "studio.duckdb") as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("mine",)]


def next_step(sql: str) -> tuple[Migration, ...]:
    known = shipped_migrations()
    return (*known, Migration(len(known) + 1, "next", sql))


def test_an_older_log_is_backed_up_and_migrated(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    database = Database(tmp_path / "studio.duckdb")
    prepare(database, log.backup, next_step("ALTER TABLE turn ADD COLUMN language VARCHAR"))
    newest = len(shipped_migrations()) + 1
    assert log.query("SELECT max(version), count(*) FROM schema_version")[1] == [(newest, newest)]
    assert len(log.corrections.all()) == 1
    [backup] = log.backups()
    assert DuckDbLog(backup, tmp_path / "elsewhere").corrections.all() == log.corrections.all()


def test_lessons_from_before_scopes_are_kept_and_found_by_likeness(tmp_path: Path) -> None:
    file = tmp_path / "studio.duckdb"
    before = shipped_migrations()[:1]
    prepare(Database(file), lambda: None, before)
    with duckdb.connect(file) as connection:
        for table in ("lesson", "lesson_revision"):
            connection.execute(
                f"INSERT INTO {table} VALUES ('l1', 1, 'style', 'active', 'Dates', '', 'Dates as ISO.', 'When?',"
                " '2026-01-01', ['c1'], false, false, NULL, '', now(), now())"
            )
    log = open_log(tmp_path)
    [lesson] = log.lessons.all()
    assert (lesson.guidance, lesson.scope) == ("Dates as ISO.", Scope())
    scope = Scope(ScopeKind.MESSAGES, ("student", "pupil"))
    log.lessons.update(replace(lesson, scope=scope, revision=2))
    assert log.lessons.get("l1").scope == scope
    assert log.query("SELECT scope FROM lesson_revision ORDER BY revision")[1] == [("like",), ("like",)]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    steps = next_step("CREATE TABLE extra (i INTEGER); SELECT error('no');")
    with pytest.raises(StorageError):
        prepare(Database(tmp_path / "studio.duckdb"), log.backup, steps)
    assert log.check() == []
    assert log.query("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'extra'")[1] == [(0,)]


def test_a_log_of_a_newer_studio_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    prepare(Database(tmp_path / "studio.duckdb"), log.backup, next_step("SELECT 1"))
    known = len(shipped_migrations())
    told = rf"newer studio \(log version {known + 1}, this one knows {known}\)\. Update"
    with pytest.raises(StorageError, match=told):
        open_log(tmp_path)


def test_the_files_are_the_users_alone(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.backup()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.suffix for path in files] == [".duckdb", ".duckdb"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_write_ahead_log_is_the_users_alone(tmp_path: Path) -> None:
    open_log(tmp_path)
    database = Database(tmp_path / "studio.duckdb")
    with database.connection(read_only=False) as connection:
        connection.execute("INSERT INTO lesson_stamp VALUES ('x')")
        assert stat.S_IMODE(database.write_ahead_log.stat().st_mode) == 0o600


def test_a_read_only_workspace_can_be_read_and_is_refused_for_writing(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with mounted(folder, "size=20m"):
        log = open_log(folder)
        log.corrections.add(a_correction())
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        assert len(open_log(folder).corrections.all()) == 1
        for write in (lambda: log.corrections.add(a_correction()), log.backup, lambda: open_log(folder / "new")):
            with pytest.raises(StorageError, match="cannot be read and written by you"):
                write()


def fill_up(folder: Path) -> Path:
    """A file that takes all the space there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(b"\0" * 4096)
    return filler


def keep_adding(log: DuckDbLog) -> None:
    for _ in range(200):
        log.corrections.add(a_correction("x" * 20_000))


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with mounted(folder, "size=12m"):
        log = open_log(folder)
        kept = a_correction()
        log.corrections.add(kept)
        filler = fill_up(folder)
        with pytest.raises(StorageError, match="disk is full") as refusal:
            keep_adding(log)
        assert isinstance(refusal.value, MachineError)
        filler.unlink()
        assert kept in log.corrections.all()
        log.corrections.add(a_correction())
        assert log.check() == []


def killed_while_writing(folder: Path, writes: int, after_s: float) -> set[str]:
    """The ids a process was told are kept, before it was killed so long after so many writes."""
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(writes)]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(after_s)
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    return {line.strip() for line in told if line.endswith("\n")}


@pytest.mark.slow
def test_what_add_returned_from_survives_a_kill(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    moments = random.Random(7)
    for _ in range(12):
        acknowledged |= killed_while_writing(tmp_path, moments.randrange(1, 6), moments.uniform(0, 0.06))
        log = open_log(tmp_path)
        assert acknowledged <= {correction.id for correction in log.corrections.all()}
        assert log.check() == []
    assert len(acknowledged) >= 12


@pytest.mark.slow
def test_a_kill_while_the_log_is_made_leaves_none_or_a_good_one(tmp_path: Path) -> None:
    moments = random.Random(7)
    for number in range(12):
        folder = tmp_path / str(number)
        acknowledged = killed_while_writing(folder, 0, moments.uniform(0.1, 0.6))
        log = open_log(folder)
        assert acknowledged <= {correction.id for correction in log.corrections.all()}
        assert log.check() == []


def test_what_duckdb_keeps_of_each_opening_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, begun, begin = open_log(tmp_path), [0], attaching._started

    def counted() -> duckdb.DuckDBPyConnection:
        begun[0] += 1
        return begin()

    monkeypatch.setattr(attaching, "_started", counted)
    monkeypatch.setattr(attaching, "_kept", None)
    monkeypatch.setattr(attaching, "ATTACHED_MOST", 3)
    for _ in range(9):
        assert log.corrections.in_force_ids() == set()
    assert begun == [3], "it lives as long as it keeps little"
