"""Bringing corrections in from a file or from another log, and taking the last import back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from studio.domain.identity import new_id, utc_now
from studio.domain.imports import Import
from studio.domain.ports import Log
from studio.errors import NotFoundError, StorageError
from studio.exchange.reading import MOST_ROWS, FileRead, read_file
from studio.exchange.records import is_log
from studio.services.learn_lessons import follow_corrections, learn_pending
from studio.services.plan_import import Plan, plan_import
from studio.services.studio import Studio, off_loop

ANOTHER_LOG = "another log of the studio"
_MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `made` is None where it brought nothing new."""

    plan: Plan
    made: Import | None


def preview_import(log: Log, file: Path) -> Plan:
    """What an import would do; nothing is written. Blocks. Raises as import_corrections."""
    return _plan(log, _read(log, file), utc_now())


async def import_corrections(studio: Studio, file: Path) -> Imported:
    """Bring the corrections of a file into the log, all of them or none; they are on disk when this returns.

    What they teach is learnt by learn_import. The same file again brings nothing. Raises UsageError: no such file, no
    known format, too much for one import; StorageError, MachineError where file, log or disk do not allow it.
    """
    return await off_loop(_import, studio.log, file)


async def learn_import(studio: Studio, imported: Imported) -> int:
    """Learn the lessons of what came in, retire those it overruled; how many were learnt. Raises EmbedderError."""
    learnt = await learn_pending(studio)
    if imported.made is not None:
        additions = imported.plan.additions
        changed = {*additions.reinstated, *(one for pair in additions.superseded for one in pair)}
        changed |= {one.correction.supersedes for one in additions.corrections if one.correction.supersedes}
        await follow_corrections(studio, changed)
    return learnt


async def undo_import(studio: Studio) -> tuple[Import, int]:
    """Take the last import back as one step: its corrections are undone, what they replaced holds again.

    Returns it and how many corrections were undone; those the user had undone already are not counted. Importing the
    file once more brings them back. Raises NotFoundError where there is no import to take back.
    """
    last = await off_loop(studio.log.imports.last)
    if last is None:
        raise NotFoundError("There is no import to take back.", 'See: studio sql "FROM imports"')
    undone = await off_loop(studio.log.imports.undo, last.id, utc_now())
    await follow_corrections(studio, undone)
    return last, len(undone)


def _import(log: Log, file: Path) -> Imported:
    read = _read(log, file)
    for _ in range(_MOST_TRIES):
        state, now = log.imports.state(), utc_now()
        fresh = replace(read, skipped=list(read.skipped))  # a plan adds to what is passed over
        plan = _plan(log, fresh, now)
        if not len(plan.additions):
            return Imported(plan, None)
        made = Import(new_id(), str(file), plan.read.format, now, len(plan.additions))
        if log.imports.add(made, plan.with_checks(), state):
            return Imported(plan, made)
    raise StorageError("The log kept changing during the import.", "Try again when no correction is being made.")


def _plan(log: Log, read: FileRead, at: datetime) -> Plan:
    return plan_import(read, log.corrections.all(), log.imports.taken_back(), at)


def _read(log: Log, file: Path) -> FileRead:
    if not is_log(file):
        return read_file(file)
    read = FileRead()
    read.formats[ANOTHER_LOG] = 1
    read.logged = list(enumerate(log.imports.read_log(file, MOST_ROWS), start=1))
    return read
