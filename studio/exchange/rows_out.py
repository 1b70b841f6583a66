"""The rows of an export, from a copy of the log into files, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson

from studio.domain.exports import CorrectionRow
from studio.domain.progress import Progress
from studio.domain.stores import LogCopy
from studio.exchange.examples import Example, example_of, redacted_row, texts_of
from studio.exchange.formats import Format, Row
from studio.exchange.lossless import redacted_line, texts_in
from studio.exchange.privacy import Finding
from studio.exchange.request import ExportRequest, Found
from studio.exchange.splits import TRAIN, Splits, draw_splits, group_alike
from studio.exchange.writing import RowFile, WrittenFile, written


def look_for_findings(copy: LogCopy, request: ExportRequest, found: Found) -> dict[str, int]:
    """What of that which would be written may be private and was not decided on: each is told to `found`; their number
    by kind."""
    counts: Counter[str] = Counter()
    for table, finding in findings_in(copy, request):
        if not finding.decided:
            counts[finding.kind] += 1
            found(table, finding)
    return dict(sorted(counts.items()))


def findings_in(copy: LogCopy, request: ExportRequest) -> Iterator[tuple[str, Finding]]:
    """Every place that may hold something private, with its table, but for what `request.keep` lets stand."""
    redactor = request.redactor()
    for table, text in _suspect_texts(copy, request, redactor.screen):
        yield from ((table, finding) for finding in redactor.find(text))


def made_of(example: Example, form: Format) -> Iterator[tuple[str, list[Row] | str]]:
    """For each part of the format its name, and the rows that the correction becomes, or why it becomes none."""
    for part in form.parts:
        made = part.rows(example)
        if example.rationale is not None and not isinstance(made, str):
            made = [one | {"rationale": example.rationale} for one in made]
        yield part.name, made


def file_name(part: str, split: str, form: Format) -> str:
    """What the file of a part and a split is called."""
    return f"{part}-{split}.{form.ending}" if part else f"{split}.{form.ending}"


def why_left_out(part: str, reason: str, form: Format) -> str:
    """What corrections that become nothing are counted under."""
    return f"{part or form.name}, {reason}"


def _suspect_texts(copy: LogCopy, request: ExportRequest, screen: str) -> Iterator[tuple[str, str]]:
    chosen = request.selection
    told = [request.title, *chosen.sessions, *chosen.labels, *copy.summary()["label"]]
    yield from (("card", text) for text in dict.fromkeys(told))
    if not request.form().whole:
        for batch in copy.corrections(screen, suspects_only=True):
            for row in batch:
                yield from (("corrections", text) for text in texts_of(row, request.options))
        return
    for table in [table for table, rows in copy.counts.items() if rows]:
        for lines in copy.lines(table, screen, suspects_only=True):
            for line, _ in lines:
                yield from ((table, text) for text in texts_in(line))


class RowsOut:
    """Writes all files of rows into a folder. `kinds` are part, split and name of each that holds any."""

    def __init__(self, copy: LogCopy, folder: Path, request: ExportRequest, progress: Progress) -> None:
        self._copy = copy
        self._folder = folder
        self._request = request
        self._form = request.form()
        self._progress = progress
        self._replaces = request.replaces
        self.redactor = request.redactor()
        self.files: list[WrittenFile] = []
        self.kinds: list[tuple[str, str, str]] = []
        self.splits: Splits | None = None
        self.split_sizes: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def write(self) -> None:
        """Raises UsageError where a split that was asked for would be empty."""
        if not self._form.whole:
            self._write_examples()
        elif self._form.ending == "parquet":
            self._write_tables()
        else:
            self._write_lines()

    def _filled(self) -> list[tuple[str, int]]:
        """Tables with rows, and how many: an empty file is no use to anyone who reads it, and breaks some that do."""
        return [(table, rows) for table, rows in self._copy.counts.items() if rows]

    def _write_lines(self) -> None:
        for table, total in self._filled():
            out = RowFile(self._folder, f"{table}.jsonl")
            for lines in self._copy.lines(table, self.redactor.screen):
                out.write(self._safe(lines))
                self._progress(table, out.rows, total)
            self._keep(out.close(), table, TRAIN)

    def _safe(self, lines: list[tuple[str, bool]]) -> list[bytes]:
        if not self._replaces:
            return [line.encode() for line, _ in lines]
        return [redacted_line(line, self.redactor) if suspect else line.encode() for line, suspect in lines]

    def _write_tables(self) -> None:
        """The copies themselves, unless something in them must be replaced."""
        screen = self.redactor.screen
        for table, total in self._filled():
            if self._replaces and any(self._copy.lines(table, screen, suspects_only=True)):
                batches = self._copy.lines(table, screen)
                self._copy.rewrite(table, (line + b"\n" for lines in batches for line in self._safe(lines)))
            name = f"{table}.parquet"
            self._copy.file(table).replace(self._folder / name)
            self._keep(written(self._folder, name, total), table, TRAIN)
            self._progress(table, total, total)

    def _write_examples(self) -> None:
        screen, total = self.redactor.screen, self._copy.counts["corrections"]
        if self._request.shares.any:
            alike = group_alike(self._copy.corrections(screen), dict(self._copy.vectors()))
            self.splits = draw_splits(alike, self._request.shares)
        names = self.splits.names if self.splits else (TRAIN,)
        with ExitStack() as stack:
            outs: dict[tuple[str, str], RowFile] = {}
            for part in self._form.parts:
                for split in names:
                    out = RowFile(self._folder, file_name(part.name, split, self._form))
                    outs[part.name, split] = out
                    stack.callback(out.close)
            at = 0
            for batch in self._copy.corrections(screen):
                self._write_batch(batch, at, names, outs)
                at += len(batch)
                self._progress("corrections", at, total)
            stack.pop_all()
        for (part_name, split), out in outs.items():
            self._keep(out.close(), part_name, split)

    def _write_batch(
        self, batch: list[CorrectionRow], start: int, names: tuple[str, ...], outs: dict[tuple[str, str], RowFile]
    ) -> None:
        options = self._request.options
        rows: dict[tuple[str, str], list[bytes]] = {key: [] for key in outs}
        for at, row in enumerate(batch, start):
            split = names[self.splits.of[at]] if self.splits else TRAIN
            self.split_sizes[split] += 1
            example = example_of(redacted_row(row, self.redactor) if self._replaces and row.suspect else row, options)
            for part, made in made_of(example, self._form):
                if isinstance(made, str):
                    self.left_out[why_left_out(part, made, self._form)] += 1
                else:
                    rows[part, split] += map(orjson.dumps, made)
        for key, ready in rows.items():
            outs[key].write(ready)

    def _keep(self, file: WrittenFile, part: str, split: str) -> None:
        if file.rows == 0:
            (self._folder / file.name).unlink()
            return
        self.files.append(file)
        self.kinds.append((part, split, file.name))
