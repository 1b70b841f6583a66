"""`studio settings` lists, sets and resets, and names the keys."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from studio.cli import root


def test_lists_sets_and_resets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        assert root.run(["--workspace", str(tmp_path), "settings", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    assert "How large the adapter is." in run()
    assert "night.rank = 8 (studio.toml), felt from the next night on" in run("set", "night.rank", "8")
    (rank,) = [one for one in json.loads(run("--json")) if one["name"] == "night.rank"]
    assert (rank["value"], rank["default"], rank["source"]) == ("8", "16", "studio.toml")
    assert "night.rank = 16 (default)" in run("reset", "night.rank")
    assert "takes a whole number" in run("set", "night.rank", "large", code=2)
    assert "There is no setting 'night.colour'" in run("set", "night.colour", "blue", code=2)
    assert "chat.edit" in run("keys")


def test_what_a_server_would_be_sent_is_said_before_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ["--workspace", str(tmp_path), "settings", "set", "remote.base_url", "https://gpu.example.org/v1"]
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert root.run(name) != 0
    assert "Prompts, corrections and lessons go to https://gpu.example.org/v1" in capsys.readouterr().out
    assert not (tmp_path / "studio.toml").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert root.run([*name, "--yes"]) == 0
    assert "remote.base_url = https://gpu.example.org/v1 (studio.toml)" in capsys.readouterr().out
    monkeypatch.setenv("STUDIO_REMOTE_KEY", "sk-secret")
    assert root.run(["--workspace", str(tmp_path), "settings", "--json"]) == 0
    assert "sk-secret" not in capsys.readouterr().out
