"""A night every day: one line in the crontab, and nothing of anybody else's is lost."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from fake_crontab import no_crontab, put_crontab

from studio.errors import MachineError, UsageError
from studio.services.schedule_night import (
    MARK,
    cron_runs,
    planned_line,
    put_back,
    schedule_night,
    scheduled_night,
    time_of_day,
    unschedule_night,
)
from studio.workspace import Workspace

OTHERS = b"# mine\nMAILTO=me\n0 5 * * 1 backup 100\\% # caf\xe9\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "my 100% 'own' studio").ensure()


def test_a_line_is_written_replaced_and_taken_out_beside_those_of_others(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = put_crontab(tmp_path, monkeypatch)
    assert scheduled_night(workspace) is None
    table.write_bytes(OTHERS)
    first = schedule_night(workspace, "2:30")
    assert first.words == "every day at 02:30"
    assert first.line == planned_line(workspace, "02:30")
    assert schedule_night(Workspace(tmp_path / "other"), "03:00").at == "03:00"
    second = schedule_night(workspace, "23:05")
    assert scheduled_night(workspace) == second
    assert table.read_bytes().startswith(OTHERS)
    assert table.read_text(encoding="latin-1").count(MARK) == 2
    put_back(workspace, first)
    assert scheduled_night(workspace) == first
    unschedule_night(workspace)
    assert scheduled_night(workspace) is None
    other = scheduled_night(Workspace(tmp_path / "other"))
    assert other is not None
    assert table.read_bytes() == OTHERS + other.line.encode() + b"\n"


def test_lines_of_others_end_where_cron_ends_them(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = put_crontab(tmp_path, monkeypatch)
    others = "\n# a\u2028b\u0085c\x0cd\re\n\n0 5 * * 1 backup\r\n".encode()
    table.write_bytes(others)
    line = schedule_night(workspace, "02:30").line
    assert table.read_bytes() == others + f"{line}\n".encode()
    unschedule_night(workspace)
    assert table.read_bytes() == others
    table.write_bytes(b"# without an end")
    unschedule_night(workspace)
    assert table.read_bytes() == b"# without an end\n"


def test_what_cron_hands_to_the_shell_is_the_command(workspace: Workspace) -> None:
    line = planned_line(workspace, "02:30")
    assert line.startswith("30 2 * * * ")
    assert "%" not in line.replace(r"\%", "")
    given = line.split(maxsplit=5)[5].replace(r"\%", "%")
    command, _, output = given.partition(" > ")
    assert shlex.split(command)[-3:] == ["--workspace", str(workspace.root), "night"]
    assert shlex.split(output, comments=True) == [str(workspace.diagnostics / "night.out"), "2>&1"]
    said = subprocess.run(["/bin/sh", "-n", "-c", given], check=False, capture_output=True)
    assert (said.returncode, said.stderr) == (0, b"")


def test_a_line_changed_by_hand_is_told_as_it_is(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = put_crontab(tmp_path, monkeypatch)
    line = planned_line(workspace, "02:30")
    table.write_text(f"# {line}\n", encoding="utf-8")
    assert scheduled_night(workspace) is None
    table.write_text(line.replace("30 2 * * *", "30 2 * * 1-5") + "\n", encoding="utf-8")
    found = scheduled_night(workspace)
    assert found is not None
    assert found.words == "as its line in the crontab says: 30 2 * * 1-5"


def test_a_crontab_that_cannot_be_read_is_never_written(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = put_crontab(
        tmp_path, monkeypatch, '#!/bin/sh\n[ "$1" = -l ] && { echo "not allowed" >&2; exit 1; }\necho > "$0.table"\n'
    )
    for verb in (scheduled_night, unschedule_night, lambda one: schedule_night(one, "02:30")):
        with pytest.raises(MachineError, match="cannot be read: not allowed"):
            verb(workspace)
    assert not table.exists()


def test_where_it_is_not_taken_the_line_is_told(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_crontab(tmp_path, monkeypatch, '#!/bin/sh\n[ "$1" = -l ] || { echo "disk full" >&2; exit 1; }\n')
    with pytest.raises(MachineError, match="was not changed: disk full") as failure:
        schedule_night(workspace, "02:30")
    assert planned_line(workspace, "02:30") in failure.value.hint


def test_without_a_crontab_that_is_said(tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    no_crontab(tmp_path, monkeypatch)
    with pytest.raises(MachineError, match="no crontab on this machine"):
        scheduled_night(workspace)


def test_whether_anybody_reads_the_crontab_is_asked_of_linux_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert cron_runs()
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("studio.services.schedule_night.CRONS", frozenset())
    assert not cron_runs()


@pytest.mark.parametrize("text", ["", "25:00", "2:3", "02:60", "noon", "2.30", "٢:٣٠", "02:30 tomorrow"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="HH:MM"):
        time_of_day(text)


def test_a_workspace_that_no_line_can_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No crontab can name"):
        planned_line(Workspace(tmp_path / "two\nlines"), "02:30")
