"""What a power cut leaves of a deed: made from the journal of its changes, as a disk may have kept them.

A kill leaves every change that was made. A power cut leaves for certain only what was synced: the words of a file at
its last fsync, its name when it or its folder was synced. Of the rest it may leave all, nothing, or any part.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath

SECTOR = 4096

_Write = tuple[int, bytes | None]
"""Where in a file what was written; a size where no bytes."""


class Kept(StrEnum):
    """How much of what was not synced the disk kept."""

    NOTHING = "only what was synced"
    NAMES = "all names, of the words only what was synced"
    SIZES = "all names and sizes, zeros for words not synced"
    ANY = "any part of it"
    TAIL = "all but the end of the last write"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the journal. `what` as in shim.c; a told fact has '!'."""

    what: str
    path: str
    offset: int
    data: bytes


@dataclass(eq=False)
class _File:
    """Its words as written so far, and as they were at the last sync; what was written since."""

    now: bytearray
    safe: bytes
    since: list[_Write] = field(default_factory=list)

    def store(self, offset: int, data: bytes) -> None:
        _store(self.now, offset, data)
        self.since.append((offset, data))

    def resize(self, size: int) -> None:
        _resize(self.now, size)
        self.since.append((size, None))

    def safe_with(self, some: list[_Write]) -> bytearray:
        """Its words as they were at the last sync, and some of what was written since."""
        words = bytearray(self.safe)
        for offset, data in some:
            if data is None:
                _resize(words, offset)
            else:
                _store(words, offset, data)
        return words

    def sync(self) -> None:
        self.safe, self.since = bytes(self.now), []


@dataclass(frozen=True, slots=True)
class _Naming:
    """A change of names: each path and what it names from then on, None for nothing, '' for a folder."""

    names: tuple[tuple[str, _File | str | None], ...]

    def done_by_sync_of(self, path: str) -> bool:
        """Of the file itself or of the folder that holds the name; a file's sync keeps the folders it lies in."""
        return any(
            path in (name, str(PurePath(name).parent)) or (thing == "" and path.startswith(name + "/"))
            for name, thing in self.names
        )


class Disk:
    """The disk while a deed is done. Change by change; what a power cut would leave can be written out at any time."""

    def __init__(self, before: Path, root: Path) -> None:
        """`before` as it was at first, all of it synced; `root` as the journal names it."""
        self._root = str(root.resolve())
        self.told: list[tuple[str, str]] = []
        self._now: dict[str, _File | str] = {}
        self._last: _File | None = None
        for path in before.rglob("*"):
            name = f"{self._root}/{path.relative_to(before)}"
            content = b"" if path.is_dir() else path.read_bytes()
            self._now[name] = "" if path.is_dir() else _File(bytearray(content), content)
        self._safe = dict(self._now)
        self._unsafe: list[_Naming] = []

    def make(self, change: Change) -> None:
        """One more change of the journal."""
        path, named = change.path, self._now.get(change.path)
        self._last = None
        match change.what:
            case "!":
                kind, name = json.loads(path)
                self.told.append((kind, name))
            case "c":
                self._name((path, _File(bytearray(), b"")))
            case "m":
                self._name((path, ""))
            case "r":
                target = change.data.decode()
                below = [(name, thing) for name, thing in self._now.items() if name.startswith(path + "/")]
                moved = [(target + name.removeprefix(path), thing) for name, thing in below]
                assert named is not None
                self._name((path, None), (target, named), *((name, None) for name, _ in below), *moved)
            case "l":
                assert named is not None
                self._name((change.data.decode(), named))
            case "u" | "d":
                self._name((path, None))
            case "s":
                self._sync(path, named)
            case "w" if isinstance(named, _File):
                named.store(change.offset, change.data)
                self._last = named
            case "t" if isinstance(named, _File):
                named.resize(change.offset)
            case _:
                raise AssertionError(f"{change.what} {path} does not fit what was before it")

    def _name(self, *names: tuple[str, _File | str | None]) -> None:
        _put(self._now, names)
        self._unsafe.append(_Naming(names))

    def _sync(self, path: str, named: _File | str | None) -> None:
        if isinstance(named, _File):
            named.sync()
        for naming in [one for one in self._unsafe if one.done_by_sync_of(path)]:
            _put(self._safe, naming.names)
            self._unsafe.remove(naming)

    def write_out(self, folder: Path, kept: Kept, draw: random.Random) -> None:
        """What is on the disk after a power cut now, into a folder that is made anew."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        names = dict(self._now)
        if kept in (Kept.NOTHING, Kept.ANY):
            names = dict(self._safe)
            for naming in self._unsafe if kept is Kept.ANY else ():
                if draw.random() < 0.5:
                    _put(names, naming.names)
        for name in sorted(names):
            target, thing = folder / name.removeprefix(self._root + "/"), names[name]
            if not isinstance(thing, _File):
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self._words(thing, kept, draw))

    def _words(self, file: _File, kept: Kept, draw: random.Random) -> bytes:
        if kept is Kept.TAIL:
            last = file.since[-1:] if file is self._last else []
            words = file.safe_with(file.since[: len(file.since) - len(last)])
            for offset, data in last:
                _store(words, offset, (data or b"")[: draw.randrange(len(data or b"") + 1)])
            return bytes(words)
        if kept is Kept.ANY:
            return bytes(file.safe_with([_part(one, draw) for one in file.since if draw.random() < 0.5]))
        words = file.safe_with([])
        if kept is Kept.SIZES:
            _resize(words, len(file.now))
        return bytes(words)


def read_journal(file: Path) -> Iterator[Change]:
    """The changes that the shim kept, in order."""
    content, place = memoryview(file.read_bytes()), 0
    while place < len(content):
        what, offset, length = struct.unpack_from("<cqI", content, place)
        place += 13
        path = str(content[place : place + length], "utf-8")
        place += length
        (length,) = struct.unpack_from("<Q", content, place)
        place += 8
        yield Change(what.decode(), path, offset, bytes(content[place : place + length]))
        place += length


def _part(write: _Write, draw: random.Random) -> _Write:
    """The whole of it, one sector, or any part."""
    offset, data = write
    if data is None:
        return write
    return offset, data[: draw.choice((len(data), SECTOR, draw.randrange(len(data) + 1)))]


def _put(names: dict[str, _File | str], changed: tuple[tuple[str, _File | str | None], ...]) -> None:
    for name, thing in changed:
        if thing is None:
            names.pop(name, None)
        else:
            names[name] = thing


def _store(words: bytearray, offset: int, data: bytes) -> None:
    _resize(words, max(len(words), offset))
    words[offset : offset + len(data)] = data


def _resize(words: bytearray, size: int) -> None:
    if size < len(words):
        del words[size:]
    words.extend(bytes(size - len(words)))
