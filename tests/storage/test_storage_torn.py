"""A checkpoint that was cut short: torn metadata is mended; a stray write-ahead log is no obstacle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from storage_values import a_correction, open_log

from studio.storage import attaching, backups, restore_log
from studio.storage.database import Database
from studio.storage.metadata_copy import HEADERS, MetadataCopy, copy_beside
from studio.storage.schema import place

BLOCK = 262_144


def stopped_before_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, bytes]:
    """A log whose last operation stopped between the commit and the checkpoint; the metadata the checkpoint writes."""
    log = open_log(folder)
    log.corrections.add(a_correction("kept long ago"))
    file = folder / "studio.duckdb"
    with monkeypatch.context() as patch:
        patch.setattr(MetadataCopy, "remove", lambda self: None)
        patch.setattr(attaching, "CHECKPOINT", "SELECT 1")
        log.corrections.add(a_correction("kept just now"))
    done = folder / "done"
    done.mkdir()
    for path in (file, Database(file).write_ahead_log):
        shutil.copy(path, done / path.name)
    Database(done / file.name).fold()
    return file, (done / file.name).read_bytes()[HEADERS : HEADERS + BLOCK]


def test_metadata_torn_by_a_crash_is_mended_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, written = stopped_before_its_end(tmp_path, monkeypatch)
    with file.open("r+b") as stream:
        stream.seek(HEADERS)
        stream.write(written[: BLOCK // 2])
    assert [one.prompt for one in open_log(tmp_path).corrections.all()] == ["kept long ago", "kept just now"]
    assert open_log(tmp_path).check() == []
    assert not copy_beside(file).exists()


def test_a_copy_of_older_metadata_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = stopped_before_its_end(tmp_path, monkeypatch)
    stale = copy_beside(file).read_bytes()
    log = open_log(tmp_path)
    log.corrections.add(a_correction("kept since"))
    copy_beside(file).write_bytes(stale)
    assert len(open_log(tmp_path).corrections.all()) == 3
    assert log.check() == []


def test_a_torn_copy_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = stopped_before_its_end(tmp_path, monkeypatch)
    torn = copy_beside(file)
    torn.write_bytes(torn.read_bytes()[:1000])
    assert len(open_log(tmp_path).corrections.all()) == 2


def test_a_write_ahead_log_whose_log_was_taken_away_is_set_aside(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    waiting = Database(tmp_path / "studio.duckdb").write_ahead_log
    waiting.write_bytes(b"of another log")
    (tmp_path / "studio.duckdb").unlink()
    assert open_log(tmp_path).corrections.all() == []
    assert [path.read_bytes() for path in tmp_path.glob("*.left-alone-*")] == [b"of another log"]


def test_a_backup_comes_back_where_the_log_was_taken_away_and_what_waits_for_it_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = stopped_before_its_end(tmp_path, monkeypatch)
    waiting, copy = Database(file).write_ahead_log.read_bytes(), copy_beside(file).read_bytes()
    other = open_log(tmp_path / "other")
    other.corrections.add(a_correction("of the backup"))
    file.rename(tmp_path / "taken away")
    restore_log(file, tmp_path / "backups", other.backup())
    assert [one.prompt for one in open_log(tmp_path).corrections.all()] == ["of the backup"]
    assert {path.read_bytes() for path in tmp_path.glob("*.left-alone-*")} == {waiting, copy}


def test_a_log_that_is_begun_while_a_backup_comes_back_is_kept_in_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path)
    backup = log.backup()
    (tmp_path / "studio.duckdb").unlink()
    bring_up = log._backups._bring_up
    late = a_correction("at the last moment")

    def slow(draft: Database, of: Path) -> None:
        bring_up(draft, of)
        monkeypatch.setattr(backups, "place", begun)

    def begun(draft: Path, file: Path) -> bool:
        monkeypatch.undo()
        open_log(tmp_path).corrections.add(late)
        return place(draft, file)

    monkeypatch.setattr(log._backups, "_bring_up", slow)
    log.restore(backup)
    assert log.corrections.all() == []
    log.restore(log.backups()[0])
    assert [one.id for one in log.corrections.all()] == [late.id]


def test_what_is_written_while_a_backup_comes_back_is_kept_in_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path)
    backup = log.backup()
    kept = log._backups._take
    late = a_correction("at the last moment")

    def slow(besides: Path | None = None) -> tuple[Path, object]:
        made = kept(besides)
        if len(log.backups()) == 2:
            log.corrections.add(late)
        return made

    monkeypatch.setattr(log._backups, "_take", slow)
    log.restore(backup)
    assert log.corrections.all() == []
    log.restore(log.backups()[0])
    assert [one.id for one in log.corrections.all()] == [late.id]
