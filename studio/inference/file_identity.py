"""SHA-256 of model files, remembered by path, size and time of change, for hashing gigabytes takes seconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from studio.durable import write_whole
from studio.small_files import parse_json, read_small

_CHUNK = 8 * 1024 * 1024
_REMEMBERED = 64


def file_sha256(path: Path, memory: Path, on_progress: Callable[[], None]) -> str:
    """The file's SHA-256 in hex. `memory` is a JSON file of earlier results; losing it costs only time."""
    key = _key(path)
    known = _read(memory)
    if key in known:
        return known[key]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            on_progress()
    known[key] = digest.hexdigest()
    _write(memory, dict(list(known.items())[-_REMEMBERED:]))
    return known[key]


def remembered_sha256(path: Path, memory: Path) -> str:
    """The file's SHA-256 where it was computed before; else empty."""
    try:
        return _read(memory).get(_key(path), "")
    except OSError:
        return ""


def _key(path: Path) -> str:
    status = path.stat()
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"


def _read(memory: Path) -> dict[str, str]:
    try:
        content = parse_json(read_small(memory))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}


def _write(memory: Path, known: dict[str, str]) -> None:
    with suppress(OSError):
        write_whole(memory, json.dumps(known).encode(), durably=False)
