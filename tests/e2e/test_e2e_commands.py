"""Bad input on the command line: one clear sentence, the right exit code, never a traceback.

`test_e2e_command_line` runs it as a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import duckdb
import pytest

from studio.cli import root
from studio.models.discovery import bundled_model

pytestmark = pytest.mark.timeout(300)


class Command(Protocol):
    """`studio` on a workspace, within this process: what is claimed here is what it says, and with which exit code."""

    def __call__(self, workspace: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def studio(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    def run(workspace: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            code = root.run(["--workspace", str(workspace), *arguments])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return run


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) <= 4
    for word in words:
        assert word in done.stderr


def test_no_model(studio: Command, tmp_path: Path) -> None:
    missing = str(tmp_path / "nothing.gguf")
    refused(studio(tmp_path, "ask", "hello", STUDIO_MODEL__PATH=missing), 3, "nothing.gguf")


def test_a_file_that_is_no_gguf(studio: Command, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("not a model at all")
    refused(studio(tmp_path, "ask", "hello", STUDIO_MODEL__PATH=str(tmp_path / "text.gguf")), 3, "text.gguf", "GGUF")


@pytest.mark.slow
def test_a_truncated_gguf(studio: Command, tmp_path: Path) -> None:
    whole = bundled_model()
    assert whole is not None
    with whole.open("rb") as file:
        (tmp_path / "half.gguf").write_bytes(file.read(40_000_000))
    refused(studio(tmp_path, "ask", "hello", STUDIO_MODEL__PATH=str(tmp_path / "half.gguf")), 3, "half.gguf")


def test_usage_errors(studio: Command, tmp_path: Path) -> None:
    refused(studio(tmp_path, "ask"), 2, "PROMPT")
    refused(studio(tmp_path, "dance"), 2, "dance")
    refused(studio(tmp_path, "correct", "--prompt", "a?", "--answer", "  "), 2, "empty")
    refused(studio(tmp_path, "correct", "--prompt", "a?", "--answer", "b", "--original", "b"), 2, "same")
    refused(studio(tmp_path, "correct", "--prompt", "a?", "--answer", "b", "--supersedes", "0" * 36), 2, "correction")
    refused(studio(tmp_path, "correct", "--prompt", "a?", "--answer", "b", "--supersedes", ""), 2, "correction")
    refused(studio(tmp_path, "lessons", "show", "0123456789"), 2, "lesson")
    refused(studio(tmp_path, "restore", str(tmp_path / "nowhere.duckdb")), 2, "nowhere.duckdb")
    refused(studio(tmp_path, "night", "install", "--at", "25:99"), 2, "HH:MM")
    refused(studio(tmp_path, "bench", str(tmp_path / "nowhere")), 2, "nowhere")


@pytest.mark.slow
def test_adapter_versions_that_are_none(studio: Command, tmp_path: Path) -> None:
    refused(studio(tmp_path, "adapters", "use", "²"), 2, "version")
    refused(studio(tmp_path, "adapters", "remove", "7"), 2, "v7")


@pytest.mark.slow
def test_an_arm_named_twice_answers_once(studio: Command, tmp_path: Path) -> None:
    done = studio(tmp_path, "ask", "hello", "--arm", "frozen", "--arm", "frozen", "--json")
    assert done.returncode == 0, done.stderr
    assert [answer["arm"] for answer in json.loads(done.stdout)["answers"]] == ["frozen"]


def test_an_unknown_arm_names_those_there_are(studio: Command, tmp_path: Path) -> None:
    refused(studio(tmp_path, "ask", "hello", "--arm", "gut"), 2, "gut", "frozen")


def test_broken_settings_name_the_key(studio: Command, tmp_path: Path) -> None:
    (tmp_path / "studio.toml").write_text('[model]\ncontext_tokens = "many"\n')
    refused(studio(tmp_path, "ask", "hello"), 2, "model.context_tokens")
    for toml, word in (
        ("[model\n", "studio.toml"),
        ("[modle]\n", "modle"),
        ("[model]\npaht = 'x'\n", "model.paht"),
        ("[night]\nmethod = 'magic'\n", "night.method"),
        ("[chat]\narm = 'gut'\n", "gut"),
        ("[arms.'a,b']\n", "a,b"),
        ("[arms.x]\nadapter = 'yesterday'\n", "arms.x.adapter"),
    ):
        (tmp_path / "studio.toml").write_text(toml)
        refused(studio(tmp_path, "ask", "hello"), 2, word)
    (tmp_path / "studio.toml").unlink()
    refused(studio(tmp_path, "ask", "hello", STUDIO_MODEL="abc"), 2, "STUDIO_")


def test_a_night_without_corrections(studio: Command, tmp_path: Path) -> None:
    refused(studio(tmp_path, "night"), 1, "corrections")
    assert len(list((tmp_path / "sessions" / "backups").glob("studio-*.duckdb"))) == 1


def test_a_log_locked_by_another_program(studio: Command, tmp_path: Path) -> None:
    assert studio(tmp_path, "sql", "SELECT 1").returncode == 0
    holder = duckdb.connect(str(tmp_path / "sessions" / "studio.duckdb"))
    try:
        command = [sys.executable, "-m", "studio", "--workspace", str(tmp_path), "sql", "SELECT 1"]
        refused(subprocess.run(command, capture_output=True, text=True, check=False), 3, "studio.duckdb")
    finally:
        holder.close()


def test_a_log_of_a_newer_version(studio: Command, tmp_path: Path) -> None:
    assert studio(tmp_path, "sql", "SELECT 1").returncode == 0
    with duckdb.connect(str(tmp_path / "sessions" / "studio.duckdb")) as connection:
        connection.execute("INSERT INTO schema_version SELECT 9999, * EXCLUDE (version) FROM schema_version LIMIT 1")
    refused(studio(tmp_path, "sql", "SELECT 1"), 3, "newer")


def test_sql_is_read_only(studio: Command, tmp_path: Path) -> None:
    refused(studio(tmp_path, "sql", "DELETE FROM correction"), 2, "read the log")
    refused(studio(tmp_path, "sql", "SELEKT 1"), 2, "SELEKT")
    refused(studio(tmp_path, "sql", "FROM read_text('/etc/passwd')"), 2, "disabled")


def test_a_result_without_end_is_cut_and_said_so(studio: Command, tmp_path: Path) -> None:
    done = studio(tmp_path, "sql", "FROM range(1000000000000)", "--limit", "3")
    assert done.returncode == 0
    assert done.stdout.split()[-3:] == ["0", "1", "2"]
    assert "more" in done.stderr


def test_json_from_sql_is_json_whatever_the_cells_hold(studio: Command, tmp_path: Path) -> None:
    query = "SELECT 'nan'::DOUBLE AS n, 1.5 AS d, 'x'::BLOB AS b, [1.5] AS l, 1 AS a, 2 AS a"
    done = studio(tmp_path, "sql", query, "--json")
    assert json.loads(done.stdout) == [{"n": None, "d": 1.5, "b": "78", "l": [1.5], "a": 1, "a_1": 2}]


def test_markup_and_control_characters_pass_through_unharmed(studio: Command, tmp_path: Path) -> None:
    text = "[bold]45[/bold] {{ x }} \x1b[31mred"
    done = studio(tmp_path, "correct", "--prompt", "a?", "--answer", text, "--json")
    assert done.returncode == 0, done.stderr
    shown = studio(tmp_path, "sql", "SELECT corrected FROM correction")
    assert "[bold]45[/bold] {{ x }} red" in shown.stdout
    assert "\x1b" not in shown.stdout
    stored = json.loads(studio(tmp_path, "sql", "SELECT corrected FROM correction", "--json").stdout)
    assert stored == [{"corrected": text}]


def test_where_and_lists_answer_on_an_empty_workspace(studio: Command, tmp_path: Path) -> None:
    for arguments in (["where"], ["lessons", "list"], ["where", "--json"]):
        assert studio(tmp_path, *arguments).returncode == 0


def test_a_read_only_workspace_is_refused_in_words(studio: Command, tmp_path: Path) -> None:
    file_in_the_way = tmp_path / "file"
    file_in_the_way.write_text("")
    refused(studio(file_in_the_way / "deeper", "lessons", "list"), 3, "cannot be written")
