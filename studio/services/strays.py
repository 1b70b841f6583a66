"""What lies among the adapters and belongs to none, and adapters in use that cannot be used."""

from __future__ import annotations

import shutil
from pathlib import Path

from studio.checksum import sha256_of
from studio.domain.nights import Adapter
from studio.services.adapters import adapter_file
from studio.services.studio import Studio
from studio.training.job import NightFolder

_HIDDEN = "."


def stray_adapters(studio: Studio) -> list[Path]:
    """Folders among the adapters that no entry of the log names, or without the manifest that says what they are."""
    named = {adapter_file(studio, one).parent: one for one in studio.log.adapters.all() if not one.removed}
    found: list[Path] = []
    for folder in sorted(studio.workspace.adapters.glob("*/*")):
        if not folder.is_dir() or folder.name.startswith(_HIDDEN) or not any(folder.iterdir()):
            continue
        if folder not in named or not NightFolder(folder).manifest_file.is_file():
            found.append(folder)
    return found


def unusable_in_use(studio: Studio) -> list[tuple[Adapter, str]]:
    """Adapters in use whose file is missing or is not the one the night made, and which of the two."""
    in_use = (adapter for adapter in studio.log.adapters.all() if adapter.active)
    return [(adapter, fault) for adapter in in_use if (fault := file_fault(studio, adapter))]


def file_fault(studio: Studio, adapter: Adapter) -> str:
    """What is wrong with an adapter's file, as half a sentence; empty where nothing is."""
    file = adapter_file(studio, adapter)
    try:
        digest = sha256_of(file)
    except FileNotFoundError:
        return f"{file} is missing"
    except OSError as error:
        return f"{file} cannot be read ({error.strerror})"
    return "" if digest == adapter.sha256 else f"{file} is not the file that the night made"


def set_aside(studio: Studio, folder: Path) -> Path:
    """Move a stray folder out of the adapters, whole, to where nothing is looked for; returns where it is now."""
    place = studio.workspace.set_aside / folder.relative_to(studio.workspace.local_models)
    number = 1
    while place.exists():
        number += 1
        place = place.with_name(f"{folder.name}-{number}")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(folder, place)
    return place
