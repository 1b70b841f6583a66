"""`studio doctor --repair` mends what can be, tells of each thing, and deletes nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from studio_fakes import fake_studio

from studio.domain.identity import new_id, utc_now
from studio.domain.nights import Adapter
from studio.services.adapters import adapter_file
from studio.services.examine import examine
from studio.services.record_correction import record_correction
from studio.services.repair import repair
from studio.services.studio import Studio
from studio.storage.database import Database
from studio.training.launcher import hold_night_lock

MODEL = "f" * 64


def kept_adapter(studio: Studio, version: int, *, in_use: bool = False) -> Adapter:
    """An adapter as a night leaves it."""
    adapter = Adapter(
        new_id(), version, MODEL, new_id(), f"{MODEL[:12]}/v{version}/adapter.gguf", "", "lora", 8, 1.0, utc_now()
    )
    file = adapter_file(studio, adapter)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    file.with_name("manifest.json").write_text(json.dumps({"model_sha256": MODEL}))
    adapter = dataclasses.replace(adapter, sha256=hashlib.sha256(b"weights").hexdigest())
    studio.log.adapters.add(adapter)
    if in_use:
        studio.log.adapters.activate(MODEL, adapter.id, "good", utc_now())
    return adapter


async def wrong(studio: Studio) -> set[str]:
    return {finding.what for finding in await examine(studio) if not finding.ok}


async def mended(studio: Studio) -> str:
    told: list[str] = []
    await repair(studio, told.append)
    assert told[0].startswith("Backed up the log")
    return "\n".join(told[1:])


def everything(studio: Studio) -> set[tuple[str, int]]:
    """Every file of the models' and adapters' folders, wherever it lies, and how large it is."""
    places = (studio.workspace.local_models, studio.workspace.set_aside)
    return {(file.name, file.stat().st_size) for place in places for file in place.rglob("*") if file.is_file()}


async def test_where_all_is_whole_nothing_is_mended(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    kept_adapter(studio, 1, in_use=True)
    assert await wrong(studio) == set()
    assert await mended(studio) == ""


async def test_stray_folders_are_moved_aside_whole(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    kept_adapter(studio, 1)
    for number in (2, 2):  # the same name twice: neither takes the other's place
        stray = studio.workspace.adapters / MODEL[:12] / f"v{number}"
        stray.mkdir()
        (stray / "adapter.gguf").write_bytes(b"half")
        before = everything(studio)
        assert await wrong(studio) == {"strays"}
        with hold_night_lock(studio.workspace.night_lock):
            assert "while a night runs" in await mended(studio)
        assert "belongs to no adapter" in await mended(studio)
        assert await wrong(studio) == set()
        assert everything(studio) == before
    assert len(list(studio.workspace.set_aside.rglob("adapter.gguf"))) == 2


async def test_a_manifest_that_says_nothing_is_told(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    adapter = kept_adapter(studio, 1)
    assert "adapter v1" not in await wrong(studio)
    for content in ("{", "[" * 100_000):
        adapter_file(studio, adapter).with_name("manifest.json").write_text(content)
        assert "adapter v1" in await wrong(studio)


async def test_an_adapter_in_use_that_cannot_be_used_is_switched_off(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    changed, missing, gone = (kept_adapter(studio, version, in_use=True) for version in (1, 2, 3))
    adapter_file(studio, changed).write_bytes(b"swapped")
    for adapter, told in ((changed, "not the file that the night made"), (missing, "is missing")):
        studio.log.adapters.activate(MODEL, adapter.id, "good", utc_now())
        if adapter is missing:
            shutil.move(adapter_file(studio, missing), tmp_path / "elsewhere.gguf")
        assert told in await mended(studio)
        assert studio.log.adapters.active(MODEL) is None
        assert adapter.id in {one.id for one in studio.log.adapters.all()}
    studio.log.adapters.activate(MODEL, gone.id, "good", utc_now())
    studio.log.adapters.mark_removed(gone.id)
    assert "log" in await wrong(studio)
    assert "not there any more" in await mended(studio)
    assert "log" not in await wrong(studio)


async def test_lessons_that_no_question_finds_are_found_again(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="Refunds?", corrected="45 days.")
    await mended(studio)
    with Database(studio.workspace.log_file).writing() as session:
        session.execute("DELETE FROM lesson_embedding")
    assert await wrong(studio) == {"lessons"}
    assert await mended(studio) == "Made 1 lesson findable again."
    assert await wrong(studio) == set()


async def test_views_that_somebody_changed_are_made_anew(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    kept = await record_correction(studio, answer=None, prompt="Refunds?", corrected="45 days.")
    await mended(studio)
    with Database(studio.workspace.log_file).writing() as session:
        session.execute("DROP VIEW learning_curve")
        session.execute("CREATE OR REPLACE VIEW corrections AS SELECT 1 AS one")
    assert await wrong(studio) == {"views"}
    assert "corrections, learning_curve" in await mended(studio)
    assert await wrong(studio) == set()
    assert studio.log.query("SELECT id FROM corrections")[1] == [(kept.id,)]
    assert studio.log.query("FROM learning_curve")[1] == []


async def test_what_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    studio.log.open()
    studio.workspace.log_file.chmod(0o644)
    assert await wrong(studio) == {"rights"}
    assert str(studio.workspace.log_file) in await mended(studio)
    assert studio.workspace.log_file.stat().st_mode & 0o777 == 0o600


async def test_a_backup_that_no_longer_reads_is_told_with_the_newest_that_does(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="Refunds?", corrected="45 days.")
    good, rotten = (studio.log.backup() for _ in range(2))
    damaged = bytearray(rotten.read_bytes())
    for place in range(12_288, len(damaged), 512):
        damaged[place] ^= 0xFF
    rotten.write_bytes(damaged)
    (finding,) = [finding for finding in await examine(studio) if finding.what == "backups"]
    assert not finding.ok
    assert f"the newest that can be is {good}" in finding.detail
