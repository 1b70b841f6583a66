"""Bringing corrections in from a file or from another log, and taking an import back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from studio.domain.identity import new_id, utc_now
from studio.domain.imports import Import
from studio.domain.log import Correction
from studio.domain.progress import Progress, unheard
from studio.domain.stores import Log
from studio.errors import NotFoundError, StorageError
from studio.exchange.reading import MOST_ROWS, FileRead, read_file
from studio.exchange.records import exported_folder, is_log
from studio.services.learn_lessons import follow_corrections, learn_pending
from studio.services.plan_import import Plan, plan_import
from studio.services.studio import Studio, off_loop

ANOTHER_LOG = "another log of the studio"
_MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Previewed:
    """What an import would do, and the first corrections that it would bring."""

    plan: Plan
    examples: tuple[Correction, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `made` is None where it brought nothing new."""

    plan: Plan
    made: Import | None


def preview_import(log: Log, file: Path, examples: int = 0, progress: Progress = unheard) -> Previewed:
    """What an import would do, with so many examples; nothing is written. Blocks. Raises as import_corrections."""
    read = _read(log, file, progress)
    progress("comparing with the log", 0, 0)
    known = log.corrections.all()
    plan = plan_import(read, known, log.imports.taken_back(), utc_now())
    return Previewed(plan, tuple(plan.examples(examples, known)))


async def import_corrections(studio: Studio, file: Path, progress: Progress = unheard) -> Imported:
    """Bring the corrections of a file into the log, all of them or none; they are on disk when this returns.

    What they teach is learnt by learn_import. The same file again brings nothing. `progress` is called in a thread;
    what it raises ends the import, and nothing is brought in. Raises UsageError: no such file, no known format, too
    much for one import; StorageError, MachineError where file, log or disk do not allow it.
    """
    return await off_loop(_import, studio.log, file, progress)


async def learn_import(studio: Studio, imported: Imported, progress: Progress = unheard) -> int:
    """Learn the lessons of what came in, retire those it overruled; how many were learnt. Raises EmbedderError."""
    learnt = await learn_pending(studio, progress)
    if imported.made is not None:
        additions = imported.plan.additions
        changed = {*additions.reinstated, *(one for pair in additions.superseded for one in pair)}
        changed |= {one.correction.supersedes for one in additions.corrections if one.correction.supersedes}
        await follow_corrections(studio, changed)
    return learnt


async def imports(studio: Studio) -> list[Import]:
    """All imports, newest first, those taken back among them."""
    return await off_loop(studio.log.imports.all)


async def undo_import(studio: Studio, import_id: str | None = None) -> tuple[Import, int]:
    """Take an import back as one step, the last one that stands where none is named: its corrections are undone, what
    they replaced holds again.

    Returns it and how many corrections were undone; those the user had undone already are not counted. Importing the
    file once more brings them back. Raises NotFoundError where there is no such import, UsageError where it was taken
    back before.
    """
    known = await imports(studio)
    meant = next((one for one in known if one.id == import_id or (import_id is None and one.undone_at is None)), None)
    if meant is None:
        raise NotFoundError("There is no import to take back.", "See: studio import --list")
    undone = await off_loop(studio.log.imports.undo, meant.id, utc_now())
    async with studio.learning:  # what it brought may be being learnt at this moment
        await follow_corrections(studio, undone)
    return meant, len(undone)


def _import(log: Log, file: Path, progress: Progress) -> Imported:
    read = _read(log, file, progress)
    for _ in range(_MOST_TRIES):
        progress("comparing with the log", 0, 0)
        state, now = log.imports.state(), utc_now()
        fresh = replace(read, skipped=list(read.skipped))  # a plan adds to what is passed over
        plan = plan_import(fresh, log.corrections.all(), log.imports.taken_back(), now)
        if not len(plan.additions):
            return Imported(plan, None)
        made = Import(new_id(), str(file), plan.read.format, now, len(plan.additions))
        additions = plan.with_checks(progress)
        progress("writing to the log", 0, 0)
        if log.imports.add(made, additions, state):
            return Imported(plan, made)
    raise StorageError("The log kept changing during the import.", "Try again when no correction is being made.")


def _read(log: Log, file: Path, progress: Progress) -> FileRead:
    exported = exported_folder(file)
    if exported is None and not is_log(file):
        return read_file(file, progress)
    progress("reading the other log", 0, 0)
    read = FileRead()
    read.formats[ANOTHER_LOG] = 1
    read.logged = list(enumerate(log.imports.read_log(exported or file, MOST_ROWS), start=1))
    return read
