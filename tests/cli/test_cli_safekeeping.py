"""`studio doctor`, `backup` and `restore`: what each says, and with which exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.cli import root
from studio.domain.checks import Check
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.storage import DuckDbLog
from studio.workspace import Workspace

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path).ensure()


@pytest.fixture
def log(workspace: Workspace) -> DuckDbLog:
    """With one correction that is in a backup, and one made since."""
    log = DuckDbLog.of(workspace)
    for question in ("Backed up?", "Made since?"):
        log.corrections.add(Correction(new_id(), question, "Yes.", "No.", utc_now(), Check()))
        if question == "Backed up?":
            log.backup()
    return log


def run(workspace: Workspace, capsys: Capture, *arguments: str, code: int = 0) -> tuple[str, str]:
    try:
        ended = root.run(["--workspace", str(workspace.root), *arguments])
    except SystemExit as exit_:  # as the process would end
        ended = int(str(exit_.code))
    assert ended == code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return said.out, said.err


def test_a_backup_says_where_it_lies_and_is_listed(workspace: Workspace, log: DuckDbLog, capsys: Capture) -> None:
    out, _ = run(workspace, capsys, "backup")
    newest = log.backups()[0]
    assert f"Backed up to {newest}" in out
    out, err = run(workspace, capsys, "restore")
    assert [line.split(maxsplit=1)[1] for line in out.splitlines()] == ["2 corrections", "1 correction"]
    assert "--dry-run" in err
    listed = json.loads(run(workspace, capsys, "restore", "--json")[0])
    assert listed[0] == {"file": str(newest), "corrections": 2}


def test_without_backups_it_says_how_to_make_one(workspace: Workspace, capsys: Capture) -> None:
    assert "make one: studio backup" in run(workspace, capsys, "restore")[0]


def test_a_dry_run_tells_and_changes_nothing(workspace: Workspace, log: DuckDbLog, capsys: Capture) -> None:
    (backup,) = log.backups()
    out, _ = run(workspace, capsys, "restore", backup.name, "--dry-run")
    assert "lost: 1 correction, made since" in out
    assert "Restored" not in out
    assert len(log.corrections.all()) == 2
    told = json.loads(run(workspace, capsys, "restore", backup.name, "--dry-run", "--json")[0])
    assert (told["restored"], told["corrections"]) == (False, {"lost": 1, "back": 0, "otherwise": 0})


def test_a_restored_backup_is_told_and_what_was_there_is_a_backup(
    workspace: Workspace, log: DuckDbLog, capsys: Capture
) -> None:
    (backup,) = log.backups()
    out, _ = run(workspace, capsys, "restore", backup.name, "--yes")
    assert f"Restored {backup}." in out
    assert [correction.prompt for correction in log.corrections.all()] == ["Backed up?"]
    out, _ = run(workspace, capsys, "restore", backup.name, "--dry-run")
    assert "Nothing would change" in out
    assert "2 corrections" in run(workspace, capsys, "restore")[0]


def test_what_cannot_be_restored_is_refused(workspace: Workspace, log: DuckDbLog, capsys: Capture) -> None:
    other = workspace.root / "evil\x1b[31m.duckdb"
    other.write_bytes(b"no log")
    for file, code, words in ((other, 3, "duckdb"), (workspace.root / "nowhere.duckdb", 2, "no file")):
        _, err = run(workspace, capsys, "restore", str(file), "--yes", code=code)
        assert words in err
        assert "\x1b" not in err
    assert len(log.corrections.all()) == 2


def test_a_damaged_log_is_told_with_the_backup_to_bring_back_and_set_aside(
    workspace: Workspace, log: DuckDbLog, capsys: Capture
) -> None:
    (backup,) = log.backups()
    workspace.log_file.write_bytes(workspace.log_file.read_bytes()[:20_000])
    out, _ = run(workspace, capsys, "doctor", code=1)
    assert "WRONG" in out
    assert f"studio restore {backup}" in out
    (finding,) = json.loads(run(workspace, capsys, "doctor", "--json", code=1)[0])
    assert (finding["what"], finding["ok"]) == ("log", False)
    out, _ = run(workspace, capsys, "restore", str(backup), "--dry-run")
    assert "cannot be compared, and will be set aside" in out
    out, _ = run(workspace, capsys, "doctor", "--repair", code=1)
    assert "lies now at" in out
    assert not workspace.log_file.exists()
    run(workspace, capsys, "restore", str(backup), "--yes")
    assert [correction.prompt for correction in log.corrections.all()] == ["Backed up?"]


@pytest.mark.parametrize(("answer", "left"), [("n", 2), ("", 2), ("y", 1)])
def test_in_a_terminal_it_asks_before_anything_is_lost(
    workspace: Workspace, log: DuckDbLog, answer: str, left: int
) -> None:
    (backup,) = log.backups()
    command = [sys.executable, "-m", "studio", "--workspace", str(workspace.root), "restore", backup.name]
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as asked:
        os.close(slave)
        said = _until(master, rb"\[y/N\]")
        os.write(master, answer.encode() + b"\n")
        said += _until(master, rb"Restored|Not restored")
        assert asked.wait(60) == (0 if answer == "y" else 1), said
    os.close(master)
    assert b"lost: 1 correction" in said
    assert b"Traceback" not in said
    assert len(log.corrections.all()) == left


def _until(master: int, pattern: bytes) -> bytes:
    said, deadline = b"", time.monotonic() + 60
    while not re.search(pattern, said) and time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                said += os.read(master, 4096)
            except OSError:
                break
    return said
