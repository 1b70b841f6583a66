"""What an export would write, before it is written: rows by file, what is left out, what may be private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from studio.domain.progress import Progress
from studio.domain.stores import LogCopy
from studio.exchange.examples import example_of, redacted_row
from studio.exchange.lossless import redacted_line
from studio.exchange.privacy import Finding, same
from studio.exchange.request import ExportRequest
from studio.exchange.rows_out import file_name, findings_in, made_of, why_left_out
from studio.exchange.splits import TRAIN, Alike, Splits

MOST_LISTED = 2_000
"""Different texts that may be private; of more than that nobody decides one by one."""
MOST_FIRST = 200
"""Corrections among which first rows are looked for: those that become none come first in few logs."""
MOST_AROUND = 5
"""Places of one text that are kept with what stands around them."""


@dataclass(slots=True)
class PrivateText:
    """A text that may be private, the same wherever it stands. `around` are the first places, each as it is written
    there; `put` is what is put in its place unless something else is decided.
    """

    kind: str
    text: str
    put: str
    places: int = 0
    around: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Survey:
    """What would be written. `files` are rows by file, `splits` corrections by split. `groups` is None where it was not
    looked for what belongs together; `shared` are those of several corrections, `alike` the corrections in them.
    `unlisted` are places of texts beyond MOST_LISTED.
    """

    corrections: int
    files: dict[str, int]
    splits: dict[str, int]
    left_out: dict[str, int]
    groups: int | None
    shared: int
    alike: int
    private: tuple[PrivateText, ...]
    unlisted: int


@dataclass(frozen=True, slots=True)
class FirstRow:
    """A row as it would be written, and the file it would be in."""

    file: str
    row: dict[str, Any]


def survey(
    copy: LogCopy, request: ExportRequest, alike: Alike | None, splits: Splits | None, progress: Progress
) -> Survey:
    """Go through all that would be written. Raises UsageError where the format has no place for what is asked."""
    files, split_sizes, left_out = _counted(copy, request, splits, progress)
    private, unlisted = _private_texts(copy, request, progress)
    sizes = alike.sizes if alike else None
    return Survey(
        corrections=copy.counts["corrections"],
        files=files,
        splits=split_sizes if splits else {},
        left_out=left_out,
        groups=None if sizes is None else len(sizes),
        shared=0 if sizes is None else int((sizes > 1).sum()),
        alike=0 if sizes is None else int(sizes[sizes > 1].sum()),
        private=private,
        unlisted=unlisted,
    )


def first_rows(copy: LogCopy, request: ExportRequest, splits: Splits | None, most: int) -> tuple[FirstRow, ...]:
    """The rows of the first corrections, at most so many, as they would be written after what was decided."""
    rows = _lines(copy, request) if request.form().whole else _rows(copy, request, splits)
    return tuple(islice(rows, most))


def _counted(
    copy: LogCopy, request: ExportRequest, splits: Splits | None, progress: Progress
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    form = request.form()
    if form.whole:
        return {f"{table}.{form.ending}": rows for table, rows in copy.counts.items() if rows}, {}, {}
    names = splits.names if splits else (TRAIN,)
    files = {file_name(part.name, split, form): 0 for part in form.parts for split in names}
    left_out: Counter[str] = Counter()
    split_sizes: Counter[str] = Counter(dict.fromkeys(names, 0))
    at = 0
    for batch in copy.corrections(""):
        for row in batch:
            split = names[splits.of[at]] if splits else TRAIN
            split_sizes[split] += 1
            at += 1
            for part, made in made_of(example_of(row, request.options), form):
                if isinstance(made, str):
                    left_out[why_left_out(part, made, form)] += 1
                else:
                    files[file_name(part, split, form)] += len(made)
        progress("counting rows", at, copy.counts["corrections"])
    return {name: rows for name, rows in files.items() if rows}, dict(split_sizes), dict(sorted(left_out.items()))


def _private_texts(copy: LogCopy, request: ExportRequest, progress: Progress) -> tuple[tuple[PrivateText, ...], int]:
    known: dict[str, PrivateText] = {}
    places = unlisted = 0
    for _, finding in findings_in(copy, request):
        places += 1
        progress("looking for private data", places, 0)
        key = same(finding.found)
        if key not in known and len(known) == MOST_LISTED:
            unlisted += 1
            continue
        text = known.setdefault(key, PrivateText(finding.kind, finding.found, finding.put))
        text.places += 1
        if len(text.around) < MOST_AROUND:
            text.around.append(finding)
    return tuple(known.values()), unlisted


def _lines(copy: LogCopy, request: ExportRequest) -> Iterator[FirstRow]:
    redactor, ending = request.redactor(), request.form().ending
    for lines in copy.lines("corrections", redactor.screen, most=MOST_FIRST):
        for line, suspect in lines:
            safe = redacted_line(line, redactor) if suspect and request.replaces else line
            row = orjson.loads(safe)
            if ending == "parquet":  # whose columns are those of the log alone
                del row["format_version"], row["record"]
            yield FirstRow(f"corrections.{ending}", row)


def _rows(copy: LogCopy, request: ExportRequest, splits: Splits | None) -> Iterator[FirstRow]:
    form, redactor = request.form(), request.redactor()
    at = 0
    for batch in copy.corrections(redactor.screen, most=MOST_FIRST):
        for row in batch:
            split = splits.names[splits.of[at]] if splits else TRAIN
            at += 1
            safe = redacted_row(row, redactor) if row.suspect and request.replaces else row
            for part, made in made_of(example_of(safe, request.options), form):
                if not isinstance(made, str):
                    yield from (FirstRow(file_name(part, split, form), one) for one in made)
