"""What a night trained, put among the adapters."""

from __future__ import annotations

import shutil
from pathlib import Path

from studio.domain.identity import new_id, utc_now
from studio.domain.nights import Adapter, Night
from studio.durable import sync_file, sync_folder
from studio.owned_folder import owned_folder
from studio.services.studio import Studio, off_loop
from studio.training.job import Manifest, NightFolder, refusals_told


async def keep_adapter(studio: Studio, night: Night, manifest: Manifest) -> None:
    """Copy the adapter with its manifest among the adapters and enter it, inactive; once, however often resumed."""
    model = night.model_sha256
    if any(adapter.night_id == night.id for adapter in await off_loop(studio.log.adapters.all, model)):
        return
    version = await off_loop(studio.log.adapters.next_version, model)
    relative = f"{model[:12]}/v{version}"
    adapter = Adapter(
        id=new_id(),
        version=version,
        model_sha256=model,
        night_id=night.id,
        path=f"{relative}/adapter.gguf",
        sha256=manifest.adapter_sha256,
        method=manifest.method,
        rank=manifest.rank,
        scale=1.0,
        created_at=utc_now(),
    )

    def copy() -> None:
        target, folder = studio.workspace.adapters / relative, NightFolder(studio.workspace.nights / night.id)
        with refusals_told(target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with owned_folder(target.parent) as draft:
                for file in (folder.adapter_file, folder.manifest_file):
                    sync_file(Path(shutil.copy2(file, draft / file.name)))
                if target.exists():  # put there by a night that ended before it was entered into the log
                    shutil.rmtree(target)
                draft.replace(target)
                sync_folder(target.parent)
        studio.log.adapters.add(adapter)

    await off_loop(copy)
