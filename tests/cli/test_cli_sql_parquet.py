"""`studio sql --from`: logs that lie as Parquet on shared storage, asked together; only they are in reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.cli.root import run
from studio.domain.checks import Check
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction


def studio(workspace: Path, *arguments: str) -> int:
    return run(["--workspace", str(workspace), *arguments])


def test_exported_logs_are_asked_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    for name, answer in (("anna", "45 days."), ("bert's", "60 days.")):
        log = fake_studio(tmp_path / name).log
        log.corrections.add(Correction(new_id(), "How long?", answer, "30 days.", utc_now(), Check()))
        assert studio(tmp_path / name, "export", "parquet", "--privacy", "off", "--out", str(shared / name)) == 0
    capsys.readouterr()

    def ask(sql: str, *folders: Path, code: int = 0) -> str:
        among = [part for folder in folders or sorted(shared.iterdir()) for part in ("--from", str(folder))]
        assert studio(tmp_path / "reader", "sql", sql, *among, "--json") == code
        told = capsys.readouterr()
        return told.out if code == 0 else told.err

    found = json.loads(ask("SELECT folder, corrected FROM corrections ORDER BY corrected"))
    assert found == [{"folder": "anna", "corrected": "45 days."}, {"folder": "bert's", "corrected": "60 days."}]
    assert "DELETE" not in ask("DELETE FROM corrections", code=2)
    assert "Tables to ask: corrections" in ask("FROM nothing", code=2)
    (tmp_path / "secret.txt").write_text("secret")
    assert "secret" not in ask(f"FROM read_text('{tmp_path}/secret.txt')", code=2).replace("secret.txt", "")
    assert "There is no exported log in" in ask("FROM corrections", tmp_path, code=3)
    (shared / "anna" / "corrections.parquet").write_bytes(b"PAR1 no more")
    assert "corrections.parquet is no table of a log" in ask("FROM corrections", code=3)
    assert not (tmp_path / "reader" / "sessions").exists()
