"""Files in a folder that appears whole or not at all, with their checksums."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from studio.checksum import sha256_of
from studio.durable import sync_file, sync_folder
from studio.errors import MachineError, UsageError
from studio.owned_folder import owned_folder

CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """`rows` is None where a file does not consist of rows."""

    name: str
    rows: int | None
    bytes: int
    sha256: str


class RowFile:
    """JSON, one object a line; as an array where the name ends in .json, so that either reads well."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._array = name.endswith(".json")
        self._file = (folder / name).open("wb")
        self._digest = hashlib.sha256()
        self._bytes = 0
        self.rows = 0

    def write(self, rows: Sequence[bytes]) -> None:
        """Rows as JSON, without line ends."""
        if not rows:
            return
        between = b",\n" if self._array else b"\n"
        start = b"" if not self._array else b"[\n" if self.rows == 0 else between
        self.rows += len(rows)
        self._put(start + between.join(rows) + (b"" if self._array else b"\n"))

    def close(self) -> WrittenFile:
        if self._array:
            self._put(b"\n]\n" if self.rows else b"[]\n")
        self._file.close()
        return WrittenFile(self._name, self.rows, self._bytes, self._digest.hexdigest())

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._bytes += len(data)


def written(folder: Path, name: str, rows: int | None = None) -> WrittenFile:
    """The checksum and size of a file that is there already."""
    file = folder / name
    return WrittenFile(name, rows, file.stat().st_size, sha256_of(file))


def write_text(folder: Path, name: str, text: str) -> WrittenFile:
    (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return written(folder, name)


def write_manifest(folder: Path, facts: dict[str, Any], files: Iterable[WrittenFile]) -> None:
    """manifest.json, and SHA256SUMS as `sha256sum --check` reads it; no time of writing in either."""
    ordered = sorted(files, key=lambda file: file.name)
    listed = [{"name": f.name, "rows": f.rows, "bytes": f.bytes, "sha256": f.sha256} for f in ordered]
    document = orjson.dumps(facts | {"files": listed}, option=orjson.OPT_INDENT_2).decode() + "\n"
    manifest = write_text(folder, "manifest.json", document)
    write_text(folder, CHECKSUMS, "".join(f"{f.sha256}  {f.name}\n" for f in [*ordered, manifest]))


@contextmanager
def whole_folder(destination: Path) -> Iterator[Path]:
    """A draft beside the destination that takes its place when the block ends well, and is removed otherwise.

    Raises UsageError where the destination holds anything; MachineError where it cannot be written or the disk is full.
    """
    destination = destination.expanduser().resolve()
    with ExitStack() as stack:
        try:
            refuse_taken(destination)
            destination.parent.mkdir(parents=True, exist_ok=True)
            draft = stack.enter_context(owned_folder(destination.parent))
            yield draft
            for file in draft.iterdir():
                file.chmod(0o600)
                sync_file(file)
            sync_folder(draft)
            refuse_taken(destination)
            draft.replace(destination)
            sync_folder(destination.parent)
        except OSError as error:
            raise _unwritable(destination, error) from error


def refuse_taken(destination: Path) -> None:
    """Raises UsageError where something is at the destination that is no empty folder, or a file in its way; OSError
    where that cannot be told.
    """
    if destination.is_dir():
        if not os.access(destination, os.R_OK) or any(destination.iterdir()):
            raise UsageError(f"The folder {destination} is not empty.", "Name a new one.")
        return
    if destination.exists():
        raise UsageError(f"{destination} is a file.", "Name a new folder.")
    if not (parent := _nearest(destination)).is_dir():
        raise UsageError(f"{destination} cannot be written: {parent} is a file.", "Name another folder.")


def in_the_way(destination: Path) -> str:
    """Why the destination cannot be written, in a sentence, as far as that is known before; else empty."""
    try:
        refuse_taken(destination)
        parent = _nearest(destination)
        return "" if os.access(parent, os.W_OK | os.X_OK) else f"{parent} cannot be written by you."
    except UsageError as error:
        return error.message
    except OSError as error:
        return _unwritable(destination, error).message


def _nearest(destination: Path) -> Path:
    """The deepest part of the path that is there."""
    return next(part for part in (destination, *destination.parents) if part.exists())


def _unwritable(destination: Path, error: OSError) -> MachineError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MachineError(
            f"The disk is full: nothing was written to {destination}.", "Free some space or choose another place."
        )
    return MachineError(f"{destination} cannot be written ({error.strerror}).", "Choose another place.")
