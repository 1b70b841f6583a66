"""Backups come without being asked, not too often, and not of a log that has not changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.services import keep_backups
from studio.services.examine import examine
from studio.services.record_correction import record_correction


async def test_backups_are_made_when_due_and_can_be_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(tmp_path)
    kept = await record_correction(studio, answer=None, prompt="Refunds?", corrected="45 days.")
    backup = await keep_backups.back_up_if_due(studio)
    assert backup is not None
    await record_correction(studio, answer=None, prompt="Returns?", corrected="By post.")
    assert await keep_backups.back_up_if_due(studio) is None
    monkeypatch.setattr(keep_backups, "BACKUP_EVERY", timedelta(0))
    assert await keep_backups.back_up_if_due(studio) is not None
    studio.log.restore(backup)  # type: ignore[attr-defined]
    assert studio.log.corrections.all() == [kept]


async def test_the_examination_tells_of_the_newest_backup(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    backup = await keep_backups.back_up_if_due(studio)
    (finding,) = [finding for finding in await examine(studio) if finding.what == "backups"]
    assert finding.ok
    assert str(backup) in finding.detail
