"""A file of corrections read to its end: what it holds, in which format, and what was passed over and why."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from studio.domain.imports import Draft, Logged
from studio.domain.log import Correction
from studio.domain.progress import Progress, unheard
from studio.errors import UsageError
from studio.exchange.lossless_in import NAME as LOSSLESS
from studio.exchange.lossless_in import is_lossless, read_lossless
from studio.exchange.open_webui import NAME as OPEN_WEBUI
from studio.exchange.open_webui import is_feedback, read_feedback
from studio.exchange.records import NO_OBJECT, OTHER_COLUMNS, Record, opened, records
from studio.exchange.rows_in import Judged, paired, read_row, shape_of

MOST_ROWS = 100_000
MOST_CHARACTERS = 200_000_000
"""The most that one import takes; it is held in memory until it is written, all of it or nothing."""

MOST_SKIPPED = 10_000
"""Of more lines than this it is only counted that they were passed over."""

_UNKNOWN = "it has none of the keys of a known format"
_KNOWN_FORMATS = (
    "Known are: `studio export jsonl`, TRL, OpenAI, ShareGPT, Alpaca, Axolotl, EasyEdit, Open WebUI's feedback, and CSV"
    " with the columns prompt, corrected and original."
)


class Skipped(NamedTuple):
    line: int
    reason: str


@dataclass
class FileRead:
    """What a file holds. `drafts` and `logged` with the line where each begins."""

    formats: Counter[str] = field(default_factory=Counter)
    drafts: list[tuple[int, Draft]] = field(default_factory=list)
    logged: list[tuple[int, Logged]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    skipped_count: int = 0

    def skip(self, line: int, reason: str) -> None:
        self.skipped_count += 1
        if len(self.skipped) < MOST_SKIPPED:
            self.skipped.append(Skipped(line, reason))

    @property
    def format(self) -> str:
        """The format, or formats, most used first."""
        return ", ".join(name for name, _ in self.formats.most_common())


def read_file(file: Path, progress: Progress = unheard) -> FileRead:
    """Read all of it; `progress` is told kilobytes.

    Raises UsageError: no such file, empty, not UTF-8, no known format, too much; MachineError.
    """
    read = FileRead()
    with opened(file) as stream:
        size_kb = max(1, os.fstat(stream.fileno()).st_size >> 10)
        reader = _Reader(read, file)
        for record in records(stream, file):
            reader.take(record)
            progress("reading", min(stream.tell() >> 10, size_kb), size_kb)
        reader.finish()
    if not read.formats:
        raise _nothing_known(read, file)
    return read


def _nothing_known(read: FileRead, file: Path) -> UsageError:
    """No line is in a known format: because of its keys, or because none could be read so far as to see them."""
    signs = (_UNKNOWN, NO_OBJECT, OTHER_COLUMNS)
    strange = next((one for one in read.skipped if any(sign in one.reason for sign in signs)), None)
    if strange is None and read.skipped:
        line, reason = read.skipped[0]
        return UsageError(f"No line of {file} can be read (line {line}: {reason}).", "Mend it, or export it anew.")
    why = f" (line {strange.line}: {strange.reason})" if strange else ""
    return UsageError(f"{file} is in no format that the studio knows{why}.", _KNOWN_FORMATS)


class _Reader:
    """Takes record after record; answers judged singly wait for the next one, which may be their counterpart."""

    def __init__(self, read: FileRead, file: Path) -> None:
        self._read = read
        self._file = file
        self._waiting: tuple[int, Judged] | None = None
        self._characters = 0

    def take(self, record: Record) -> None:
        line, row = record
        if isinstance(row, str):
            self._read.skip(line, row)
        elif is_lossless(row):
            self._read.formats[LOSSLESS] += 1
            logged = read_lossless(row)
            if isinstance(logged, str):
                self._read.skip(line, logged)
            else:
                self._read.logged.append((line, logged))
                self._bound(logged.correction)
        elif is_feedback(row):
            self._read.formats[OPEN_WEBUI] += 1
            self._keep(line, read_feedback(row))
        elif shape := shape_of(row):
            self._read.formats[shape.name] += 1
            self._keep(line, read_row(shape, row))
        else:
            self._read.skip(line, _UNKNOWN)

    def finish(self) -> None:
        """Let what still waits stand alone."""
        if self._waiting is None:
            return
        (line, judged), self._waiting = self._waiting, None
        if judged.good:
            self._keep(line, judged.draft)
        else:
            self._read.skip(line, "it is a bad answer only, and nothing says what would be right")

    def _keep(self, line: int, given: Draft | Judged | str) -> None:
        if isinstance(given, Judged):
            waiting = self._waiting
            if waiting is not None and (pair := paired(given, waiting[1])):
                self._waiting = None
                self._keep(waiting[0], pair)
            else:
                self.finish()
                self._waiting = (line, given)
        elif isinstance(given, str):
            self._read.skip(line, given)
        else:
            self._read.drafts.append((line, given))
            self._bound(given)

    def _bound(self, one: Draft | Correction) -> None:
        self._characters += len(one.prompt) + len(one.corrected) + len(one.original)
        self._characters += sum(len(message.content) for message in one.history)
        rows = len(self._read.drafts) + len(self._read.logged)
        if rows > MOST_ROWS or self._characters > MOST_CHARACTERS:
            raise UsageError(
                f"{self._file} holds more than one import can take ({MOST_ROWS:,} corrections,"
                f" {MOST_CHARACTERS:,} characters).",
                "Split it, and import the parts one after the other; nothing was imported.",
            )
