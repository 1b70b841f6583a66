"""Small files that anybody may have written: read up to a size, never waited for, and parsed to no endless depth."""

from __future__ import annotations

import errno
import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

MOST_BYTES = 1_000_000


def read_small(file: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """All of a regular file. Raises OSError for anything else, pipes and devices too; ValueError where it is larger."""
    # Without blocking: opening a pipe would wait for whoever writes to it.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(file))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(file))
        raw = stream.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise ValueError(f"it is larger than {most_bytes:,} bytes")
    return raw


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML text says. Raises ValueError: no TOML, a number beyond all numbers, nested too deeply."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says. Raises ValueError: no JSON, a number beyond all numbers, nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
