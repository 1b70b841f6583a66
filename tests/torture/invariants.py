"""What must hold of a workspace whatever happened to it, and of what the user was told."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from studio_fakes import fake_studio

from studio.domain.lessons import LessonKind, LessonStatus
from studio.domain.stores import Log
from studio.errors import StudioError
from studio.owned_folder import PREFIX
from studio.services.studio import Studio
from studio.storage import DuckDbLog, check_log
from studio.workspace import Workspace
from torture.deeds import QUESTIONS, catch_up

Told = Sequence[tuple[str, str]]

LEFTOVERS = (".studio-*", "*.metadata", ".manifest*", ".adapter*", "*.draft")


def broken(folder: Path, told: Told) -> list[str]:
    """What does not hold right after a crash, one sentence each."""
    workspace = Workspace(folder)
    try:
        log = DuckDbLog.of(workspace)
        log.open()
        return [*log.check(), *_forgotten(workspace, log, told), *_adapters(workspace, log)]
    except StudioError as error:
        return [f"The log does not open: {error}"]


def unsettled(folder: Path) -> list[str]:
    """What the next start leaves out of line, one sentence each."""
    studio = fake_studio(folder)
    asyncio.run(catch_up(studio))
    return list(_lessons(studio))


def left_behind(folder: Path) -> list[str]:
    """Files that only whoever was killed had a use for, after the next backup, which sweeps as it comes."""
    workspace = Workspace(folder)
    if workspace.log_file.exists():
        DuckDbLog.of(workspace).backup()
    found = {str(path.relative_to(folder)) for pattern in LEFTOVERS for path in folder.rglob(pattern)}
    scratch = Workspace(folder).scratch
    found |= {str(path.relative_to(folder)) for path in scratch.iterdir()} if scratch.is_dir() else set()
    return [f"{name} was left behind." for name in sorted(found)]


def _forgotten(workspace: Workspace, log: Log, told: Told) -> Iterator[str]:
    """What was told to be safe and is not; exports and backups that are not whole."""
    corrections = {correction.id: correction for correction in log.corrections.all()}
    learnt = {source for lesson in log.lessons.all() for source in lesson.source_ids}
    imports = {one.id: one for one in log.imports.all()}
    adapters = {one.id: one for one in log.adapters.all()}
    backups = workspace.sessions / "backups"

    def somewhere(name: str) -> bool:
        """In the log, in a backup, or in what was set aside because it could not be backed up."""
        logs = (DuckDbLog(path, workspace.scratch) for path in backups.glob("*studio-*.duckdb"))
        return name in corrections or any(name == one.id for other in logs for one in other.corrections.all())

    holds: dict[str, Callable[[str], bool]] = {
        "correction": lambda name: name in corrections,
        "correction somewhere": somewhere,
        "undone": lambda name: corrections[name].undone,
        "redone": lambda name: not corrections[name].undone,
        "lesson": lambda name: name in learnt,
        "import": lambda name: name in imports,
        "taken back": lambda name: imports[name].undone_at is not None,
        "backup": lambda name: (backups / name).is_file(),
        "restored": lambda name: name in {path.name for path in backups.iterdir()},
        "export": lambda name: (workspace.root / "exports" / name).is_dir(),
        "migrated": lambda version: log.query("SELECT max(version) FROM schema_version")[1] == [(int(version),)],
        "night": lambda name: any(one.id == name and one.state.is_over for one in log.nights.all()),
        "active": lambda name: adapters[name].active,
        "removed": lambda name: adapters[name].removed,
        "setting": lambda line: line in workspace.settings_file.read_text(),
    }
    # Of the adapters that were put into use the last one is.
    last_active = [name for kind, name in told if kind == "active"][-1:]
    for kind, name in told:
        if not holds[kind](name) and (kind != "active" or [name] == last_active):
            yield f"Told and lost: {kind} {name}."
    for path in (workspace.root / "exports").glob("[!.]*"):
        yield from _export(path)
    for backup in backups.glob("studio-*.duckdb"):
        yield from (f"{backup.name}: {finding}" for finding in check_log(backup) if "has version" not in finding)


def _export(folder: Path) -> Iterator[str]:
    """An export is there whole or not at all."""
    try:
        lines = (folder / "SHA256SUMS").read_text().splitlines()
    except OSError as error:
        yield f"Half an export: {error}."
        return
    for digest, name in (line.split("  ", 1) for line in lines):
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield f"Half an export: {file} is missing or another."
    if not lines:
        yield f"Half an export: {folder} names no file."


def _adapters(workspace: Workspace, log: Log) -> Iterator[str]:
    """Every adapter has its file, as it was made, and its manifest; at most one of a model is active."""
    known = log.adapters.all()
    for adapter in known:
        file = workspace.adapters / adapter.path
        if adapter.removed:
            continue
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != adapter.sha256:
            yield f"The file of adapter v{adapter.version} is missing or another."
        try:
            json.loads(file.with_name("manifest.json").read_text())
        except (OSError, ValueError) as error:
            yield f"Adapter v{adapter.version} has no manifest: {error}."
    for file in workspace.adapters.rglob("adapter.gguf"):
        if file.parent.name.startswith(PREFIX):
            continue  # not an adapter yet; the next night sweeps it away
        if not file.with_name("manifest.json").is_file():
            yield f"{file.relative_to(workspace.root)} lies there without a manifest."
    for model, count in Counter(adapter.model_sha256 for adapter in known if adapter.active).items():
        if count > 1:
            yield f"{count} adapters of {model[:6]} are active."


def _lessons(studio: Studio) -> Iterator[str]:
    """Every correction that holds has its lesson, findable; no lesson is in use that nothing stands behind."""
    in_force = {correction.id for correction in studio.log.corrections.in_force()}
    lessons = studio.log.lessons.all()
    active = [lesson for lesson in lessons if lesson.status is LessonStatus.ACTIVE]
    if missing := in_force - {source for lesson in lessons for source in lesson.source_ids}:
        yield f"{len(missing)} corrections taught nothing."
    for lesson in active:
        if in_force.isdisjoint(lesson.source_ids):
            yield f"The lesson '{lesson.guidance[:40]}' is in use, and no correction stands behind it."
    facts = Counter(lesson.example_question for lesson in active if lesson.kind is LessonKind.FACT)
    for question in QUESTIONS:
        standing = [one for one in studio.log.corrections.in_force() if one.prompt == question]
        if facts[question] > 1:
            yield f"{facts[question]} lessons answer '{question}' differently."
        if standing and not facts[question]:
            yield f"No lesson answers '{question}'."
    if lost := studio.log.lessons.without_vectors(studio.embedder.name):
        yield f"{len(lost)} lessons cannot be found."
