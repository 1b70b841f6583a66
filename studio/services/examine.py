"""What `studio doctor` looks at: log, model, embedder, adapters, disk. Finds; never mends by itself."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from studio.errors import AdapterError, NoReaderError, StudioError
from studio.services.adapters import adapter_file
from studio.services.reader import reader_of
from studio.services.studio import Studio, off_loop

LOW_DISK_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    detail: str


async def examine(studio: Studio) -> list[Finding]:
    """One finding per thing checked."""
    findings = [await _log(studio), await _backups(studio), *await _model_and_adapters(studio), await _embedder(studio)]
    free = shutil.disk_usage(studio.workspace.root).free
    findings.append(Finding("disk", free > LOW_DISK_BYTES, f"{free / 1e9:.1f} GB free in {studio.workspace.root}"))
    return findings


async def _log(studio: Studio) -> Finding:
    try:
        wrong = await off_loop(studio.log.check)
    except StudioError as error:
        return Finding("log", False, str(error))
    return Finding("log", not wrong, "; ".join(wrong) or f"{studio.workspace.log_file} is whole")


async def _backups(studio: Studio) -> Finding:
    try:
        known = await off_loop(studio.log.backups)
    except OSError as error:
        return Finding("backups", False, f"they cannot be listed ({error.strerror})")
    detail = f"{len(known)}, the newest is {known[0]}" if known else "none yet; the app makes one when it starts"
    return Finding("backups", True, detail)


async def _model_and_adapters(studio: Studio) -> list[Finding]:
    try:
        facts = await studio.model()
    except StudioError as error:
        return [Finding("model", False, str(error))]
    loaded = f"{facts.name}, {facts.parameters / 1e6:.0f}M parameters, on {facts.device}"
    found = [Finding("model", True, f"{loaded}. {studio.passed_over}" if studio.passed_over else loaded)]
    for adapter in await off_loop(studio.log.adapters.all, facts.sha256):
        if adapter.removed:
            continue
        file = adapter_file(studio, adapter)
        name = f"adapter v{adapter.version}"
        if not file.is_file():
            found.append(Finding(name, False, f"{file} is missing"))
            continue
        digest = await off_loop(lambda path: hashlib.sha256(path.read_bytes()).hexdigest(), file)
        manifest = _manifest_model(file.with_name("manifest.json"))
        whole = digest == adapter.sha256 and manifest == adapter.model_sha256
        found.append(
            Finding(name, whole, str(file) if whole else f"{file} or its manifest is not as the night left it")
        )
    found.append(await _reader(studio))
    return found


async def _reader(studio: Studio) -> Finding:
    try:
        return Finding("reader", True, str((await reader_of(studio)).file))
    except NoReaderError as error:
        return Finding("reader", True, str(error))
    except AdapterError as error:
        return Finding("reader", False, str(error))


def _manifest_model(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["model_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def _embedder(studio: Studio) -> Finding:
    try:
        vectors = await studio.embedder.embed(["one sentence"])
    except StudioError as error:
        return Finding("embedder", False, str(error))
    return Finding("embedder", True, f"{studio.embedder.name}, {len(vectors[0])} dimensions")
