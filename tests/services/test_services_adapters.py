"""Adapters by hand: used only as the night left them, removed even where the file is gone already."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.domain.identity import new_id, utc_now
from studio.domain.nights import Adapter
from studio.errors import AdapterError, NotFoundError, UsageError
from studio.services.adapters import adapter_file, adapters, adapters_off, remove_adapter, use_adapter
from studio.services.studio import Studio


async def with_adapter(folder: Path) -> tuple[Studio, Path]:
    """A studio whose model has adapter v1, and the adapter's file."""
    studio = fake_studio(folder)
    facts = await studio.model()
    sha256 = hashlib.sha256(b"weights").hexdigest()
    adapter = Adapter(new_id(), 1, facts.sha256, new_id(), "model/v1/adapter.gguf", sha256, "lora", 16, 1.0, utc_now())
    file = adapter_file(studio, adapter)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    studio.log.adapters.add(adapter)
    return studio, file


async def test_an_adapter_is_used_switched_off_and_removed(tmp_path: Path) -> None:
    studio, file = await with_adapter(tmp_path)
    assert (await use_adapter(studio, 1)).version == 1
    with pytest.raises(UsageError, match="in use"):
        await remove_adapter(studio, 1)
    await adapters_off(studio)
    await remove_adapter(studio, 1)
    assert not file.exists()
    assert [adapter.removed for adapter in await adapters(studio)] == [True]
    with pytest.raises(NotFoundError, match="v1"):
        await use_adapter(studio, 1)


async def test_a_swapped_file_is_not_used(tmp_path: Path) -> None:
    studio, file = await with_adapter(tmp_path)
    file.write_bytes(b"of another model")
    with pytest.raises(AdapterError, match="changed or swapped"):
        await use_adapter(studio, 1)
    assert not any(adapter.active for adapter in await adapters(studio))


async def test_an_adapter_whose_file_is_gone_can_still_be_removed(tmp_path: Path) -> None:
    studio, file = await with_adapter(tmp_path)
    file.unlink()
    with pytest.raises(AdapterError, match="missing"):
        await use_adapter(studio, 1)
    await remove_adapter(studio, 1)
    with pytest.raises(NotFoundError):
        await remove_adapter(studio, 1)


async def test_a_file_that_cannot_be_deleted_is_named(tmp_path: Path) -> None:
    studio, file = await with_adapter(tmp_path)
    file.unlink()
    file.mkdir()  # nothing that is unlinked
    with pytest.raises(AdapterError, match=f"v1 is out of use, but {file} cannot be deleted"):
        await remove_adapter(studio, 1)
    assert [adapter.removed for adapter in await adapters(studio)] == [True]
