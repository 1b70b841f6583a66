"""What a file holds, record by record, in bounded memory: lines of JSON, one array of JSON, or rows of a table (CSV).

The file is not trusted: whatever cannot be read is passed over and said where and why; only what makes the rest
unreadable ends the reading.
"""

from __future__ import annotations

import csv
import errno
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from studio.errors import MachineError, UsageError

MAX_RECORD_BYTES = 8 * 2**20
"""A longer line, or element of an array, is passed over, and never held whole in memory."""

_CHUNK = 1 << 16
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_MARKS = re.compile(rb'[\[\]{}"\\]')
_TOO_LONG = f"it is longer than {MAX_RECORD_BYTES // 2**20} MB"
_CUT_OFF = "the file ends in the middle of it"
_NOT_UTF8 = "it is not in UTF-8"
NO_OBJECT = "it is no object"
OTHER_COLUMNS = "columns, the first line"
_PARQUET = "corrections.parquet"
_OTHERS = {
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "compressed (gzip)",
    b"PK\x03\x04": "an archive or a spreadsheet (zip)",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
}

Record = tuple[int, "dict[str, Any] | str"]
"""The number of the line where it begins, from 1; and the record, or why there is none."""


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """The file at its beginning, whatever may be wrong with it told in a sentence. Raises UsageError, MachineError."""
    try:
        _refuse_other_than_files(file)
        with file.open("rb") as stream:
            yield stream
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {file}.", "Check its name.") from error
    except PermissionError as error:
        raise MachineError(f"{file} cannot be read by you.", "Change its permissions.") from error
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR):
            raise UsageError(f"There is no file {file}.", "Check its name.") from error
        raise MachineError(f"{file} could not be read ({error.strerror}).", "Nothing was imported.") from error


def _refuse_other_than_files(file: Path) -> None:
    if file.is_dir():
        inside = file / "corrections.jsonl"
        raise UsageError(f"{file} is a folder.", f"Name the file in it{f': {inside}' if inside.is_file() else ''}.")
    if file.exists() and not file.is_file():  # opening a pipe would wait for whoever writes to it
        raise UsageError(f"{file} is no regular file.", "Write what it gives to a file first.")


def exported_folder(file: Path) -> Path | None:
    """The folder of `studio export parquet` that this is, or whose table of corrections it is; else None."""
    folder = file.parent if file.name == _PARQUET else file
    try:
        return folder if (folder / _PARQUET).is_file() else None
    except OSError:  # of what may not be looked at, whoever opens it says so
        return None


def is_log(file: Path) -> bool:
    """Whether it is a DuckDB file, as logs are. Raises as `opened`."""
    with opened(file) as stream:
        return stream.read(12)[8:] == b"DUCK"


def records(stream: BinaryIO, file: Path) -> Iterator[Record]:
    """Each record in turn. Raises UsageError where the file is empty, in another encoding, or of another kind."""
    head = stream.read(4096)
    _refuse_other_kinds(head, file)
    stream.seek(len(_UTF8_BOM) if head.startswith(_UTF8_BOM) else 0)
    begin = _first_text(stream)
    if not begin:
        raise UsageError(f"{file} is empty.", "Export it anew from where it came.")
    if begin[:1] == b"[" or begin == b"{":  # one array, or an object over several lines
        yield from _elements(stream)
    elif begin[:1] == b"{":
        yield from _json_lines(stream)
    else:
        yield from _table(stream, file)


def _refuse_other_kinds(head: bytes, file: Path) -> None:
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            raise UsageError(f"{file} is {kind}.", "Bring it as JSON Lines, JSON or CSV.")
    if head.startswith(_UTF16_BOMS) or b"\x00" in head:
        raise UsageError(f"{file} is no text in UTF-8.", "Save it as UTF-8 (in Excel: 'CSV UTF-8') and try again.")


def _first_text(stream: BinaryIO) -> bytes:
    """The first line that is not blank, at most its first bytes; the stream is put back."""
    start = stream.tell()
    text = b""
    while not text and (line := stream.readline(_CHUNK)):
        text = line.strip()
    stream.seek(start)
    return text


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None for one that is too long."""
    number = 0
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        number += 1
        if len(line) > MAX_RECORD_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(_CHUNK)
            yield number, None
        else:
            yield number, line


def _json_lines(stream: BinaryIO) -> Iterator[Record]:
    for number, line in _lines(stream):
        if line is None:
            yield number, _TOO_LONG
        elif line.strip():
            yield number, _parsed(line)


def _elements(stream: BinaryIO) -> Iterator[Record]:
    """The elements of one array, or objects one after the other."""
    cutter = _Cutter()
    while chunk := stream.read(_CHUNK):
        yield from cutter.feed(chunk)
    yield from cutter.end()


class _Cutter:
    """Cuts elements out of JSON that arrives in chunks, by counting brackets outside of texts.

    `outer` is the depth elements stand at: 1 within an array, else 0.
    """

    def __init__(self) -> None:
        self._line = self._begun_at = 1
        self._depth = self._outer = 0
        self._element = bytearray()
        self._long = self._in_text = self._closed = False
        self._escaped = -1  # where in the chunk a byte stands that means nothing by itself

    def feed(self, chunk: bytes) -> Iterator[Record]:
        done = 0
        for at, sign in self._brackets(chunk):
            if sign in b"[{":
                if self._depth == self._outer:
                    yield from self._between(chunk[done:at])
                    done = at
                    if sign == b"[" and not self._outer and not self._closed:
                        self._outer, done = 1, at + 1
                    self._begun_at = self._line
                self._depth += 1
                continue
            self._depth -= 1
            if self._depth == self._outer:
                self._take(chunk[done : at + 1])
                done = at + 1
                yield self._begun_at, _TOO_LONG if self._long else _parsed(bytes(self._element))
                self._element.clear()
                self._long = False
            elif self._depth < self._outer or self._depth < 0:
                yield from self._between(chunk[done:at])
                done = at + 1
                self._depth = self._outer = 0
                self._closed = True
        if self._depth > self._outer:
            self._take(chunk[done:])
        else:
            yield from self._between(chunk[done:])

    def end(self) -> Iterator[Record]:
        if self._depth > self._outer:
            yield self._begun_at, _TOO_LONG if self._long else _CUT_OFF
        elif self._outer:
            yield self._line, "the file ends before its array does"

    def _brackets(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        for mark in _MARKS.finditer(chunk):
            at, sign = mark.start(), mark[0]
            if at == self._escaped:
                continue
            if sign == b"\\":
                if self._in_text:
                    self._escaped = at + 1
            elif sign == b'"':
                self._in_text = not self._in_text
            elif not self._in_text:
                yield at, sign
        self._escaped -= len(chunk)

    def _take(self, piece: bytes) -> None:
        self._line += piece.count(b"\n")
        self._long = self._long or len(self._element) + len(piece) > MAX_RECORD_BYTES
        if self._long:
            self._element.clear()
        else:
            self._element += piece

    def _between(self, text: bytes) -> Iterator[Record]:
        self._line += text.count(b"\n")
        if text.strip(b" \t\r\n,"):
            yield self._line, NO_OBJECT


def _parsed(text: bytes) -> dict[str, Any] | str:
    try:
        value = json.loads(text.decode(), object_pairs_hook=_each_key_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        return _fault(error)
    return value if isinstance(value, dict) else NO_OBJECT


def _fault(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return _NOT_UTF8
    if isinstance(error, _DuplicateKeyError):
        return f"it has the key '{str(error)[:60]}' twice"
    if isinstance(error, json.JSONDecodeError):
        return f"it is cut off or no JSON ({error.msg}, character {error.pos + 1:,})"
    return "it is nested too deep" if isinstance(error, RecursionError) else "it holds a number that is none"


class _DuplicateKeyError(ValueError):
    """Two values for one key: which is meant nobody knows."""


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise _DuplicateKeyError(key)
    return made


def _no_number(_: str) -> None:
    raise ValueError


def _table(stream: BinaryIO, file: Path) -> Iterator[Record]:
    """Rows of a CSV file by the names in its first line; columns are parted by comma, semicolon or tab."""
    start = stream.tell()
    header = _first_text(stream).decode(errors="replace")
    delimiter = max(",;\t", key=header.count)
    stream.seek(start)
    csv.field_size_limit(MAX_RECORD_BYTES)  # of the whole process, which reads no other tables
    rows = csv.reader(_text_lines(stream, file), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    before = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise UsageError(
                f"{file} is no CSV that can be read: {error} (the row that begins in line {before + 1}).",
                "Check the quotes there; nothing was imported.",
            ) from error
        number, before = before + 1, rows.line_num
        if not any(cell.strip() for cell in row):
            continue
        if names is None:
            names = [name.strip().casefold() for name in row]
            if twice := next((name for name in names if name and names.count(name) > 1), None):
                raise UsageError(f"{file} has the column '{twice[:60]}' twice.", "Rename or remove one of them.")
            continue
        if len(row) != len(names):
            yield number, f"it has {len(row)} {OTHER_COLUMNS} {len(names)}"
        elif any(_has_bad_bytes(cell) for cell in row):
            yield number, _NOT_UTF8
        else:
            yield number, dict(zip(names, row, strict=True))


def _text_lines(stream: BinaryIO, file: Path) -> Iterable[str]:
    for number, line in _lines(stream):
        if line is None:
            raise UsageError(f"{file}, line {number}: {_TOO_LONG}.", "Check the quotes there; nothing was imported.")
        yield line.decode(errors="surrogateescape")


def _has_bad_bytes(text: str) -> bool:
    return not text.isascii() and any("\udc80" <= sign <= "\udcff" for sign in text)
