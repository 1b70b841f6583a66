"""What the studio pulled or was told of: one small JSON file a model, so that two processes can write at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from studio.durable import write_whole
from studio.errors import MachineError
from studio.small_files import read_small

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
MOST_NAME = 120


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A model the studio knows of. `how`: its file was pulled by the studio, or lies where the user added it from.

    `file` is the whole path of one that was added, and of a pulled one its name in their folder, which may be moved.
    `source` is the repository and file, or the address, it came from; `sha256` is empty where it was never computed.
    """

    name: str
    how: Literal["pulled", "added"]
    file: str
    source: str = ""
    sha256: str = ""
    licence: str = ""


class Records:
    """The records in a folder. One that cannot be read is passed over: nothing but a note is lost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Record]:
        """By name."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                found.append(msgspec.json.decode(read_small(file), type=Record))
            except (OSError, ValueError, RecursionError):
                continue
        return found

    def write(self, record: Record) -> None:
        """Put it in the place of one of the same name. Raises MachineError."""
        file = self._file(record.name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(file, msgspec.json.format(msgspec.json.encode(record)))
        except OSError as error:
            raise MachineError(f"{file} cannot be written ({error.strerror}).", "Make room, or mend rights.") from error

    def forget(self, name: str) -> None:
        """Delete the record of this name, if there is one. Raises MachineError."""
        file = self._file(name)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise MachineError(f"{file} cannot be deleted ({error.strerror}).", "Mend its permissions.") from error

    def _file(self, name: str) -> Path:
        return self._folder / f"{plain_name(name)}.json"


def plain_name(text: str) -> str:
    """A name that is one harmless part of a path: letters, digits, dots and dashes, never hidden, never empty."""
    return _NOT_IN_NAMES.sub("-", text).strip(".-_")[:MOST_NAME] or "model"
