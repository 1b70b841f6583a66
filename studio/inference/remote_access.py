"""How a server is reached: its address, the key and the bounds. The key is shown nowhere, not even by repr."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from studio.domain.addresses import is_loopback
from studio.errors import MachineError

_MOST_KEY_BYTES = 8192


@dataclass(frozen=True, slots=True)
class RemoteAccess:
    """`key_from` says in words where the key is looked for. `same_as` is the file that the server runs, if it is here.

    `adapters` maps what is here ("v3", "reader") to what the server calls it.
    """

    base_url: str
    model: str = ""
    key: str = field(default="", repr=False)
    key_from: str = ""
    same_as: Path | None = None
    adapters: Mapping[str, str] = field(default_factory=dict)
    parallel: int = 4
    silence_s: float = 120.0
    answer_s: float = 900.0

    @property
    def api(self) -> str:
        """The address before which paths such as /chat/completions are put."""
        return self.base_url.rstrip("/")

    @property
    def root(self) -> str:
        """Where servers keep what is not OpenAI's: /tokenize, /props."""
        return self.api.removesuffix("/v1")

    @property
    def host(self) -> str:
        """Host and port, as people are told them."""
        return urlsplit(self.base_url).netloc

    @property
    def is_near(self) -> bool:
        """Whether the server is this very machine: then no proxy comes between."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


def read_key(variable: str, file: Path | None, variables: Mapping[str, str]) -> str:
    """The key, of the variable or else of the file; empty where there is none.

    Raises MachineError where the file cannot be read, or others than its owner can read it. The key is never told.
    """
    if (key := variables.get(variable, "").strip()) or file is None:
        return _checked(key, f"the variable {variable}")
    try:
        path = file.expanduser()
        with path.open("rb") as opened:
            status = os.fstat(opened.fileno())
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise MachineError(f"Others can read the key in {path}.", f"Do: chmod 600 {path}")
            return _checked(opened.read(_MOST_KEY_BYTES).decode("utf-8", "replace").strip(), str(path))
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "there is no such home folder"
        raise MachineError(f"The key file {file} cannot be read ({reason}).", "Mend remote.key_file.") from error


def _checked(key: str, where: str) -> str:
    if not key.isascii() or not key.isprintable() or " " in key:
        raise MachineError(f"What {where} holds is no key: a key is one word of plain letters, digits and signs.")
    return key
