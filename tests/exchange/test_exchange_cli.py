"""`studio export`: what is chosen, what is told, and that a failure is a sentence and leaves nothing behind."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from story_log import HOSTILE, story_log

from studio.cli.root import run
from studio.exchange import writing
from studio.exchange.request import ExportRequest
from studio.services.export_corrections import export_corrections
from studio.storage import DuckDbLog


def export(workspace: Path, *arguments: str) -> int:
    return run(["--workspace", str(workspace), "export", *arguments])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    story_log(folder)
    return folder


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_an_export_tells_what_it_wrote(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(workspace, "trl-dpo", "--out", str(tmp_path / "new" / "out")) == 0
    told = capsys.readouterr()
    assert "train.jsonl" in told.out
    assert "Exported 6 corrections" in told.out
    assert told.err == ""
    assert len(rows(tmp_path / "new" / "out" / "train.jsonl")) == 6
    assert (tmp_path / "new" / "out").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new" / "out" / "train.jsonl").stat().st_mode & 0o077 == 0
    card = (tmp_path / "new" / "out" / "README.md").read_text()
    assert card.startswith('---\npretty_name: "Corrections"\nlicense: "other"\n')
    assert "2026-03-02 to 2026-03-04" in card


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ([], 6),
        (["--superseded", "--undone"], 9),
        (["--since", "2026-03-04"], 2),
        (["--until", "2026-03-02", "--superseded"], 6),
        (["--session", "Talk"], 0),
        (["--label", "none of them"], 0),
    ],
)
def test_the_choice_counts(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], count: int
) -> None:
    code = export(workspace, "trl-sft", "--out", str(tmp_path / "out"), "--json", *arguments)
    told = capsys.readouterr()
    if count:
        assert json.loads(told.out)["corrections"] == count
    else:
        assert code == 2
        assert told.err == (
            "studio: No correction fits what was chosen. Choose less narrowly, or correct an answer first.\n"
        )
        assert not (tmp_path / "out").exists()


def test_findings_are_listed_in_context_and_nothing_is_written(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert export(workspace, "trl-sft", "--out", str(out), "--name", "q1", "--privacy", "report") == 0
    told = capsys.readouterr().out
    assert "NAME   corrections: …What is [q1]? <script>" in told
    assert "\x1b" not in told, HOSTILE
    assert export(workspace, "trl-sft", "--out", str(out), "--name", "q1") == 2
    told = capsys.readouterr().err
    assert told.startswith("studio: 1 place may hold private data (1 NAME), so nothing was written.")
    assert not out.exists()
    assert export(workspace, "trl-sft", "--out", str(out), "--name", "q1", "--privacy", "replace") == 0
    assert "Replaced: 1 NAME" in capsys.readouterr().out


def test_the_report_is_a_file_of_decisions_to_edit(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(workspace, "trl-sft", "--privacy", "report", "--json", "--name", "q1", "--name", "q2") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["decisions"] == {"q1": "<NAME_1>", "q2": "<NAME_2>"}
    report["decisions"] |= {"q1": "the first", "q2": "q2"}
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps(report))
    names = ["--name", "q1", "--name", "q2", "--decisions", str(file)]
    assert export(workspace, "trl-sft", *names, "--privacy", "report") == 0
    assert "Nothing private was found" in capsys.readouterr().out, "nothing is left to decide"
    assert export(workspace, "trl-sft", *names, "--out", str(tmp_path / "out")) == 0
    asked = [row["prompt"][-1]["content"] for row in rows(tmp_path / "out" / "train.jsonl")]
    assert any("What is the first?" in one for one in asked)
    assert any("What is q2?" in one for one in asked)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "holds no decisions"),
        ('{"a": 1}', "holds no decisions"),
    ],
)
def test_decisions_that_are_none_are_told(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    file = tmp_path / "decisions.json"
    file.write_text(text)
    assert export(workspace, "trl-sft", "--out", str(tmp_path / "out"), "--decisions", str(file)) == 2
    assert sentence in capsys.readouterr().err
    assert export(workspace, "trl-sft", "--out", str(tmp_path / "out"), "--decisions", str(tmp_path / "no")) == 3
    assert "cannot be read" in capsys.readouterr().err


def test_what_cannot_be_is_told_in_a_sentence_and_leaves_nothing(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    refused = {
        ("trl-sft", "--out", str(taken)): f"The folder {taken} is not empty.",
        ("trl-sft", "--out", str(taken / "mine.txt" / "x")): "cannot be written",
        ("trl-sft", "--out", str(tmp_path / ("a" * 300))): "cannot be written (File name too long)",
        ("nonsense", "--out", str(tmp_path / "out")): "is not one of",
        ("jsonl", "--out", str(tmp_path / "out"), "--test", "0.1"): "holds the log as it is",
        ("openai-sft", "--out", str(tmp_path / "out"), "--rationale"): "has no place for the rationale",
        ("trl-sft", "--out", str(tmp_path / "out"), "--test", "1"): "leave something to train on",
        ("trl-sft", "--out", str(tmp_path / "out"), "--since", "2026-04-01", "--until", "2026-03-01"): "is after",
    }
    for arguments, sentence in refused.items():
        assert export(workspace, *arguments) in (2, 3)
        assert sentence in capsys.readouterr().err
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["mine.txt", "taken"]


def test_a_full_disk_leaves_nothing_half_written(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.RowFile, "_put", full)
    assert export(workspace, "trl-sft", "--out", str(tmp_path / "out")) == 3
    told = capsys.readouterr().err
    assert told.startswith(f"studio: The disk is full: nothing was written to {tmp_path / 'out'}.")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_nothing_and_the_log_free(workspace: Path, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, _: int) -> None:
        if done:
            raise KeyboardInterrupt

    log = DuckDbLog(workspace / "sessions" / "studio.duckdb", workspace / "sessions" / "backups")
    for name in ("trl-sft", "jsonl", "parquet"):
        with pytest.raises(KeyboardInterrupt):
            export_corrections(log, tmp_path / "out", ExportRequest(name), progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert len(log.corrections.all()) == 9


def test_an_empty_log_has_nothing_to_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DuckDbLog(tmp_path / "sessions" / "studio.duckdb", tmp_path / "sessions" / "backups").open()
    assert export(tmp_path, "jsonl", "--out", str(tmp_path / "out")) == 2
    assert "No correction fits" in capsys.readouterr().err
