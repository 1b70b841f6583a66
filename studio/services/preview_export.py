"""What an export would write, asked again and again while it is being chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from studio.domain.exports import Choosable, Selection
from studio.domain.progress import Progress
from studio.domain.stores import Log, LogCopy
from studio.errors import MachineError, UsageError
from studio.exchange.request import ExportRequest
from studio.exchange.splits import Alike, Splits, draw_splits, group_alike
from studio.exchange.survey import MOST_FIRST, FirstRow, Survey, first_rows, survey
from studio.exchange.writing import in_the_way
from studio.owned_folder import owned_folder
from studio.services.studio import off_loop

MOST_GROUPED = 20_000
"""Corrections among which it is looked for what belongs together although no split was asked for."""
MOST_NUMBERED = 1_000

T = TypeVar("T")


class Overtaken(Exception):  # noqa: N818 - no failure: what was asked is not wanted any more
    """A newer survey was asked for."""


class ExportPreviews:
    """Surveys of one log. The copy of what was chosen, and what belongs together in it, are kept for the next survey of
    the same choice, until `forget` says that the log has changed. The copy lies in `scratch`.

    Placeholders keep their numbers from survey to survey.
    """

    def __init__(self, log: Log, scratch: Path) -> None:
        self._log = log
        self._scratch = scratch
        self._at_work = threading.Lock()
        self._newest = 0
        self._stale = False
        self._kept = ExitStack()
        self._copy: LogCopy | None = None
        self._of: tuple[Selection, bool] | None = None
        self._alike: Alike | None = None
        self._splits: Splits | None = None
        self._suggested: dict[str, str] = {}

    async def choosable(self) -> Choosable:
        """What corrections can be chosen by. Raises StorageError."""
        return await off_loop(self._log.choosable)

    async def survey(self, request: ExportRequest, progress: Progress) -> Survey | None:
        """What would be written; None where another was asked for meanwhile. `progress` is called in a thread.

        Raises UsageError where nothing is chosen or a split would be empty; StorageError.
        """
        self._newest += 1
        return await off_loop(self._survey, request, self._newest, progress)

    async def glance(self, request: ExportRequest, most: int) -> tuple[FirstRow, ...]:
        """The first rows before any survey, in a small part of its time; none where it would take one to know them.

        What was asked before is not wanted any more. Raises StorageError.
        """
        self._newest += 1
        return await off_loop(self._glance, request, most)

    async def first_rows(self, request: ExportRequest, most: int) -> tuple[FirstRow, ...]:
        """The first rows of what was surveyed last."""
        return await off_loop(self._first_rows, request, most)

    def forget(self) -> None:
        """The log has changed: the next survey copies anew."""
        self._stale = True

    async def close(self) -> None:
        """Remove the copy."""
        self._newest += 1
        await off_loop(self._locked, self._drop)

    def _survey(self, request: ExportRequest, number: int, progress: Progress) -> Survey | None:
        def step(what: str, done: int, total: int) -> None:
            if number != self._newest:
                raise Overtaken
            progress(what, done, total)

        try:
            with self._at_work:
                step("copying the log", 0, 0)
                copy = self._copied(request.selection, whole=request.form().whole)
                if not copy.counts["corrections"]:
                    raise UsageError("No correction fits what was chosen.", "Choose less narrowly.")
                self._splits = self._drawn(copy, request, step)
                asked = replace(request, decisions=self._suggested)
                found = survey(copy, asked, self._alike, self._splits, step)
                self._suggested |= {one.text: one.put for one in found.private}
                return found
        except Overtaken:
            return None

    def _copied(self, selection: Selection, *, whole: bool) -> LogCopy:
        if self._copy is None or self._stale or self._of != (selection, whole):
            self._drop()
            self._stale = False
            self._copy = self._copied_into(self._kept, selection, whole=whole)
            self._of = (selection, whole)
        return self._copy

    def _copied_into(self, until: ExitStack, selection: Selection, *, whole: bool, most: int | None = None) -> LogCopy:
        """A copy that lies in a folder of its own until the stack is left."""
        try:
            folder = until.enter_context(owned_folder(self._scratch))
        except OSError as error:
            raise MachineError(
                f"{self._scratch} cannot be written ({error.strerror}).",
                "The preview needs room for a copy of the log.",
            ) from error
        copy = self._log.copy_out(selection, folder, whole=whole, most=most)
        until.callback(copy.close)
        return copy

    def _drawn(self, copy: LogCopy, request: ExportRequest, progress: Progress) -> Splits | None:
        wanted = request.shares.any or copy.counts["corrections"] <= MOST_GROUPED
        if self._alike is None and wanted:
            progress("looking for the same in other words", 0, 0)
            self._alike = group_alike(copy.corrections(""), dict(copy.vectors()))
        return draw_splits(self._alike, request.shares) if self._alike and request.shares.any else None

    def _glance(self, request: ExportRequest, most: int) -> tuple[FirstRow, ...]:
        if request.shares.any:
            return ()  # in which file a row is follows from all of them
        with self._at_work, ExitStack() as until_read:
            copy = self._copy
            if copy is None or self._stale or self._of != (request.selection, request.form().whole):
                copy = self._copied_into(until_read, request.selection, whole=False, most=MOST_FIRST)
            return first_rows(copy, request, None, most)

    def _first_rows(self, request: ExportRequest, most: int) -> tuple[FirstRow, ...]:
        def made() -> tuple[FirstRow, ...]:
            fits = self._copy is not None and self._of == (request.selection, request.form().whole)
            return first_rows(self._copy, request, self._splits, most) if self._copy and fits else ()

        return self._locked(made)

    def _locked(self, work: Callable[[], T]) -> T:
        with self._at_work:
            return work()

    def _drop(self) -> None:
        self._kept.close()
        self._copy = self._of = self._alike = self._splits = None


async def free_folder(wanted: Path) -> Path:
    """The folder, or where it is taken the first one with a number after it that is not."""

    def found() -> Path:
        numbered = (wanted.with_name(f"{wanted.name}-{number}") for number in range(2, MOST_NUMBERED))
        return next((folder for folder in (wanted, *numbered) if not in_the_way(folder)), wanted)

    return await off_loop(found)


async def what_is_in_the_way(folder: Path) -> str:
    """Why this folder cannot be written, in a sentence, as far as that is known before; else empty."""
    return await off_loop(in_the_way, folder)
