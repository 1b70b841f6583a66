"""The rows of an export, from a copy of the log into files, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson

from studio.domain.exports import CorrectionRow
from studio.domain.ports import LogCopy
from studio.exchange.examples import example_of, redacted_row, texts_of
from studio.exchange.lossless import redacted_line, texts_in
from studio.exchange.privacy import Privacy, Redactor
from studio.exchange.request import ExportRequest, Found, Progress
from studio.exchange.splits import TRAIN, Splits, draw_splits
from studio.exchange.writing import RowFile, WrittenFile, written


def look_for_findings(copy: LogCopy, request: ExportRequest, found: Found) -> dict[str, int]:
    """What of that which would be written may be private: each is told to `found`; their number by kind."""
    redactor = Redactor(request.names, request.keep)
    for table, text in _suspect_texts(copy, request, redactor.screen):
        for finding in redactor.find(text):
            found(table, finding)
    return dict(sorted(redactor.counts.items()))


def _suspect_texts(copy: LogCopy, request: ExportRequest, screen: str) -> Iterator[tuple[str, str]]:
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
        self._replaces = request.privacy is Privacy.REPLACE
        self.redactor = Redactor(request.names, request.keep)
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
            self.splits = draw_splits(self._copy.corrections(screen), dict(self._copy.vectors()), self._request.shares)
        names = self.splits.names if self.splits else (TRAIN,)
        with ExitStack() as stack:
            outs: dict[tuple[str, str], RowFile] = {}
            for part in self._form.parts:
                for split in names:
                    name = f"{part.name}-{split}" if part.name else split
                    out = RowFile(self._folder, f"{name}.{self._form.ending}")
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
            for part in self._form.parts:
                made = part.rows(example)
                if isinstance(made, str):
                    self.left_out[f"{part.name or self._form.name}, {made}"] += 1
                    continue
                if example.rationale is not None:
                    made = [one | {"rationale": example.rationale} for one in made]
                rows[part.name, split] += map(orjson.dumps, made)
        for key, made_of in rows.items():
            outs[key].write(made_of)

    def _keep(self, file: WrittenFile, part: str, split: str) -> None:
        if file.rows == 0:
            (self._folder / file.name).unlink()
            return
        self.files.append(file)
        self.kinds.append((part, split, file.name))
