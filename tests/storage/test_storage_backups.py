"""Backups are whole, thin out with age, and come back; the check finds what does not belong together."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from storage_values import a_correction, a_lesson, an_adapter, an_answer, at, open_log, said

from studio.domain.log import Turn
from studio.errors import NotFoundError, StorageError
from studio.storage import (
    check_log,
    known_backups,
    newest_good_backup,
    preview_restore,
    restore_log,
    set_damaged_log_aside,
)
from studio.storage.backups import retained


def test_a_backup_comes_back_and_what_was_there_is_backed_up(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    first, second = a_correction(), a_correction(minutes=1)
    log.corrections.add(first)
    backup = log.backup()
    log.corrections.add(second)
    log.restore(backup)
    assert log.corrections.all() == [first]
    log.restore(log.backups()[0])
    assert log.corrections.all() == [first, second]
    assert log.check() == []


@pytest.mark.parametrize("content", [b"", b"text" * 99, b"\0" * 8 + b"DUCK" + b"\xff" * 9000])
def test_a_file_that_is_no_log_is_not_restored(tmp_path: Path, content: bytes) -> None:
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    wrong = tmp_path / "wrong.duckdb"
    wrong.write_bytes(content)
    with pytest.raises(StorageError, match=r"wrong\.duckdb"):
        log.restore(wrong)
    with pytest.raises(NotFoundError, match=r"missing\.duckdb"):
        log.restore(tmp_path / "missing.duckdb")
    assert len(log.corrections.all()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["studio.duckdb", "wrong.duckdb"]


def test_a_damaged_backup_is_named_and_not_restored(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    damaged = bytearray(log.backup().read_bytes())
    for place in range(20_000, len(damaged), 512):
        damaged[place] ^= 0xFF
    (tmp_path / "damaged.duckdb").write_bytes(damaged)
    with pytest.raises(StorageError, match=r"damaged\.duckdb") as refusal:
        log.restore(tmp_path / "damaged.duckdb")
    assert ".restored-" not in str(refusal.value)
    assert len(log.corrections.all()) == 1


def test_a_damaged_log_is_set_aside_when_a_backup_comes_back(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    backup = log.backup()
    (tmp_path / "studio.duckdb").write_bytes(b"damaged")
    [finding] = check_log(tmp_path / "studio.duckdb")
    assert "not a readable log" in finding
    restore_log(tmp_path / "studio.duckdb", tmp_path / "backups", backup)
    assert len(open_log(tmp_path).corrections.all()) == 1
    [aside] = (tmp_path / "backups").glob("damaged-*")
    assert aside.read_bytes() == b"damaged"


def test_what_a_restore_would_change_is_told_before(tmp_path: Path) -> None:
    log, file = open_log(tmp_path), tmp_path / "studio.duckdb"
    gone, undone = a_correction(), a_correction(minutes=1)
    log.corrections.add(undone)
    lesson = a_lesson()
    log.lessons.add(lesson, [("k", [1.0])], "minilm")
    backup = log.backup()
    assert not preview_restore(file, backup).loses
    log.corrections.add(gone)
    log.corrections.set_undone(undone.id, True, at(9))
    log.lessons.update(dataclasses.replace(lesson, title="Other", revision=2))
    said(log)
    change = preview_restore(file, backup)
    assert change.loses
    told = {one.kind: (one.lost, one.back, one.otherwise) for one in change.differences if one.lost + one.otherwise}
    assert told == {"corrections": (1, 0, 1), "lessons": (0, 0, 1), "questions": (1, 0, 0), "answers": (1, 0, 0)}
    after = log.backup()
    log.restore(backup)
    back = preview_restore(file, after)
    assert {one.kind: one.back for one in back.differences}["corrections"] == 1
    file.write_bytes(b"damaged")
    change = preview_restore(file, after)
    assert "not a readable log" in change.present_fault
    assert not change.loses
    assert {one.kind: one.back for one in change.differences}["corrections"] == 2


def test_a_damaged_log_is_moved_aside_and_a_whole_or_held_one_is_not(tmp_path: Path) -> None:
    file, backups = tmp_path / "studio.duckdb", tmp_path / "backups"
    assert set_damaged_log_aside(file, backups) is None
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    good, rotten = log.backup(), log.backup()
    assert set_damaged_log_aside(file, backups) is None
    rotten.write_bytes(rotten.read_bytes()[:20_000])
    assert newest_good_backup(file, backups) == good
    assert known_backups(file, backups) == [(rotten, None), (good, 1)]
    whole = file.read_bytes()
    file.write_bytes(whole[:20_000])
    aside = set_damaged_log_aside(file, backups)
    assert aside is not None
    assert aside.read_bytes() == whole[:20_000]
    assert not file.exists()
    assert [backup for backup, _ in known_backups(file, backups)] == [rotten, good]


def test_the_backup_that_is_restored_is_not_thinned_out_meanwhile(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    taken = [log.backup() for _ in range(5)]
    log.restore(taken[0])
    assert taken[0].exists()


def test_backups_thin_out_to_recent_daily_weekly_and_monthly_ones() -> None:
    now = at(0)
    hourly = [now - timedelta(hours=hours) for hours in range(24 * 500)]
    kept = sorted(retained(hourly, now=now), reverse=True)
    assert kept[:5] == hourly[:5]
    assert len(kept) <= 5 + 8 + 5 + 13
    assert {time.date() for time in kept} >= {(now - timedelta(days=days)).date() for days in range(7)}
    assert [t for t in kept if now - timedelta(weeks=4) <= t <= now - timedelta(weeks=3)]
    assert len({(time.year, time.month) for time in kept}) >= 12
    assert kept[-1] >= now - timedelta(days=372)


def test_a_backup_is_due_when_the_newest_is_old_and_the_log_has_changed(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(a_correction())
    first = log.backup_if_older(timedelta(hours=6))
    assert log.backups() == [first]
    log.corrections.add(a_correction(minutes=1))
    assert log.backup_if_older(timedelta(hours=6)) is None
    second = log.backup_if_older(timedelta(0))
    assert log.backups() == [second, first]
    assert open_log(tmp_path).backup_if_older(timedelta(0)) is None
    assert check_log(second or tmp_path) == []


def test_old_backups_go_and_foreign_files_stay(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    (tmp_path / "backups").mkdir()
    foreign = tmp_path / "backups" / "mine.duckdb"
    foreign.touch()
    taken = [log.backup() for _ in range(7)]
    assert log.backups() == taken[:1:-1]
    assert foreign.exists()


def test_a_whole_log_has_no_findings(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    answer = said(log)
    correction = dataclasses.replace(a_correction(), answer_id=answer.id)
    log.corrections.add(correction)
    log.lessons.add(dataclasses.replace(a_lesson(), source_ids=(correction.id,)), [("k", [1.0])], "minilm")
    assert log.check() == []


def test_the_check_finds_what_does_not_belong_together(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    stray = Turn("no-turn", "no-conversation", 0, "?", at(0))
    log.conversations.add_turn(dataclasses.replace(stray, id="turn"))
    log.answers.add([an_answer(stray)])
    lesson = a_lesson()
    log.lessons.add(lesson, [("k", [1.0])], "minilm")
    log.lessons.add(lesson, [], "minilm")
    adapter = an_adapter(1)
    log.adapters.add(adapter)
    log.adapters.activate("m1", adapter.id, "good", at(0))
    log.adapters.mark_removed(adapter.id)
    assert log.check() == [
        "1 turns belong to no conversation.",
        "1 answers belong to no turn.",
        "1 lessons come from a correction that is missing.",
        "1 models have an active adapter that is missing or removed.",
        "1 lessons have the id of another.",
    ]
