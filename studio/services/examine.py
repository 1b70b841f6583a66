"""What `studio doctor` looks at: log, backups, model, adapters, lessons, rights, versions, disk. It mends nothing."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from studio.domain.generation import ModelFacts
from studio.domain.sizes import size_text
from studio.errors import AdapterError, ModelError, NoReaderError, StudioError
from studio.models.records import Records
from studio.services.adapters import adapter_file
from studio.services.loaded_title import loaded_title
from studio.services.measured_forms import forms_in_words, measured_forms
from studio.services.model_shelf import is_bundled
from studio.services.reader import reader_of
from studio.services.strays import file_fault, stray_adapters
from studio.services.studio import Studio, off_loop
from studio.small_files import parse_json

LOW_DISK_BYTES = 1_000_000_000
MOST_NAMED = 3
_REPAIR = "mend it with: studio doctor --repair"
_PACKAGES = ("correction-studio", "llama-cpp-python", "duckdb", "textual", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    detail: str


async def examine(studio: Studio) -> list[Finding]:
    """One finding per thing checked."""
    leaving = [Finding("remote", True, studio.notice)] if studio.notice else []
    findings = [
        await _log(studio),
        await _views(studio),
        await _backups(studio),
        *leaving,
        *await _model_and_adapters(studio),
        await _strays(studio),
        await _embedder(studio),
        await _lessons(studio),
        _rights(studio),
        _versions(),
    ]
    free = shutil.disk_usage(studio.workspace.root).free
    findings.append(Finding("disk", free > LOW_DISK_BYTES, f"{size_text(free)} free in {studio.workspace.root}"))
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
    if not known:
        return Finding("backups", True, "none yet; the app makes one when it starts")
    good = await off_loop(studio.log.newest_good_backup)
    if good != known[0]:
        instead = f"the newest that can be is {good}" if good else "none of them can be"
        return Finding("backups", False, f"{known[0]} cannot be read to its end; {instead}. Make one: studio backup")
    return Finding("backups", True, f"{len(known)}, the newest is {known[0]}, and reads to its end")


async def _views(studio: Studio) -> Finding:
    try:
        faulty = await off_loop(studio.log.faulty_views)
    except StudioError as error:
        return Finding("views", False, str(error))
    return Finding(
        "views", not faulty, f"{', '.join(faulty)} changed; {_REPAIR}" if faulty else "as the studio made them"
    )


async def _strays(studio: Studio) -> Finding:
    try:
        strays = await off_loop(stray_adapters, studio)
    except StudioError as error:
        return Finding("strays", False, str(error))
    named = ", ".join(str(folder) for folder in strays[:MOST_NAMED]) + (" and more" if len(strays) > MOST_NAMED else "")
    return Finding("strays", not strays, f"{named} belong to no adapter; {_REPAIR}" if strays else "none")


async def _lessons(studio: Studio) -> Finding:
    try:
        lost = await off_loop(studio.log.lessons.without_vectors, studio.embedder.name)
    except StudioError as error:
        return Finding("lessons", False, str(error))
    detail = f"{len(lost)} cannot be found by any question; {_REPAIR}" if lost else "each can be found"
    return Finding("lessons", not lost, detail)


def _rights(studio: Studio) -> Finding:
    exposed = ", ".join(str(path) for path in studio.workspace.open_to_others())
    return Finding("rights", not exposed, f"others may read {exposed}; {_REPAIR}" if exposed else "yours alone")


def _versions() -> Finding:
    told = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return Finding("versions", True, f"{told}, Python {platform.python_version()}")


def _digest_fault(studio: Studio, path: Path, sha256: str) -> str:
    """What is wrong where the file of a pulled model is no longer the one that was verified when it came."""
    pulled = [
        one.sha256
        for one in Records(studio.workspace.model_records).all()
        if one.how == "pulled" and one.sha256 and studio.workspace.pulled / one.file == path
    ]
    return f"{path} is not the file that was pulled; pull it again" if pulled and sha256 not in pulled else ""


async def _model_and_adapters(studio: Studio) -> list[Finding]:
    try:
        facts = await studio.model()
    except StudioError as error:
        return [Finding("model", False, str(error))]
    size = f"{facts.parameters / 1e6:.0f}M parameters, " if facts.parameters else ""
    loaded = f"{loaded_title(facts, studio.catalogues)}, {size}on {facts.device}"
    if facts.path and (fault := await off_loop(_digest_fault, studio, facts.path, facts.sha256)):
        found = [Finding("model", False, f"{loaded}. {fault}")]
    else:
        found = [Finding("model", True, f"{loaded}. {studio.passed_over}" if studio.passed_over else loaded)]
    try:
        adapters = await off_loop(studio.log.adapters.all, facts.sha256)
    except StudioError as error:
        return [*found, Finding("adapters", False, str(error))]
    for adapter in adapters:
        if adapter.removed:
            continue
        file = adapter_file(studio, adapter)
        fault = await off_loop(file_fault, studio, adapter)
        if not fault and _manifest_model(file.with_name("manifest.json")) != adapter.model_sha256:
            fault = f"the manifest of {file} is not as the night left it"
        found.append(Finding(f"adapter v{adapter.version}", not fault, fault or str(file)))
    found.append(await _reader(studio))
    found.append(await _forms(studio, facts))
    return found


async def _reader(studio: Studio) -> Finding:
    try:
        return Finding("reader", True, str((await reader_of(studio)).file))
    except NoReaderError as error:
        return Finding("reader", True, str(error))
    except AdapterError as error:
        return Finding("reader", False, str(error))


async def _forms(studio: Studio, facts: ModelFacts) -> Finding:
    try:
        measured = await off_loop(measured_forms, studio, facts.sha256)
    except ModelError as error:
        return Finding("prompt forms", False, str(error))
    return Finding("prompt forms", True, forms_in_words(measured, bundled=is_bundled(facts.path)))


def _manifest_model(path: Path) -> str | None:
    try:
        return str(parse_json(path.read_text(encoding="utf-8"))["model_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def _embedder(studio: Studio) -> Finding:
    try:
        vectors = await studio.embedder.embed(["one sentence"])
    except StudioError as error:
        return Finding("embedder", False, str(error))
    return Finding("embedder", True, f"{studio.embedder.name}, {len(vectors[0])} dimensions")
