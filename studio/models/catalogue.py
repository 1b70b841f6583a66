"""The catalogue: small models worth a try, with where they come from and why one would choose them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from studio.errors import ModelError
from studio.small_files import parse_toml, read_small

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the catalogue. `sha256` is empty where it is not known; `bytes` as published."""

    title: str
    repository: str
    file: str
    bytes: int
    sha256: str = ""
    licence: str
    architecture: str
    context: int
    template: str
    why: str

    def __post_init__(self) -> None:
        if not _REPOSITORY.fullmatch(self.repository):
            raise ValueError(f"'{self.repository}' is no repository: org/name is expected")
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise ValueError("sha256 is not 64 hexadecimal digits")


def read_catalogue(files: Iterable[Path]) -> dict[str, CatalogueEntry]:
    """The entries by name; a later file's replace an earlier one's. Files that are not there are passed over.

    Raises ModelError naming file, entry and what is wrong with it.
    """
    found: dict[str, CatalogueEntry] = {}
    for file in files:
        if not file.is_file():
            continue
        name = ""
        try:
            for name, table in parse_toml(read_small(file).decode()).items():
                if not _NAME.fullmatch(name):
                    raise ValueError("a name is made of small letters, digits, dots and dashes")
                found[name] = msgspec.convert(table, CatalogueEntry)
        except (ValueError, OSError) as error:  # msgspec's errors and those of parsing are ValueErrors
            where = f", entry '{name}'" if name else ""
            raise ModelError(f"{file}{where}: {error}.", "Mend the entry, or move the file away.") from error
    return found
