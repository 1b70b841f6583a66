"""DuckDB's and the system's errors, told as StorageError: what happened, to which file, what to do."""

from __future__ import annotations

import errno
import random
import re
from pathlib import Path

from studio.errors import StorageError

_HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_NO_SPACE = ("no space left", "disk quota", "not enough space")
_NOT_WRITABLE = ("permission denied", "read-only file system", "operation not permitted")


class DamagedLogError(StorageError):
    """The file is there and free, and still cannot be read as a log: damaged, or something else."""


def is_lock_conflict(error: Exception) -> bool:
    """Whether another process holds the file."""
    import duckdb

    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)


def a_moment() -> float:
    """Seconds to wait before a held file is tried again: few, and not in step with whoever else waits."""
    return random.uniform(0.005, 0.03)  # noqa: S311 (no secret depends on it)


def is_disk_full(error: Exception) -> bool:
    """Whether there was no room, or no quota, for what was to be written."""
    code = error.errno if isinstance(error, OSError) else None
    return code in (errno.ENOSPC, errno.EDQUOT) or any(words in str(error).casefold() for words in _NO_SPACE)


def storage_error(error: Exception, file: Path) -> StorageError:
    """The StorageError that tells what DuckDB or the system refused to do with the file."""
    if is_lock_conflict(error):
        return _locked(error, file)
    text = str(error).casefold()
    code = error.errno if isinstance(error, OSError) else None
    if is_disk_full(error):
        return StorageError(
            f"The disk is full: {file} could not be written, and what it held before is kept.",
            "Free some space and try again.",
        )
    if code in (errno.EACCES, errno.EROFS, errno.EPERM) or any(words in text for words in _NOT_WRITABLE):
        return StorageError(
            f"The log {file} cannot be read and written by you.",
            "Change the permissions, or choose another workspace with --workspace DIR.",
        )
    kind = StorageError if isinstance(error, OSError) else DamagedLogError
    return kind(
        f"The log {file} could not be used: {first_line(error)}",
        "`studio doctor` checks it, `studio restore` brings a backup back.",
    )


def not_a_log(file: Path, reason: str) -> DamagedLogError:
    """The file is something else, or damaged; it is left as it is."""
    return DamagedLogError(
        f"{file} is not a readable log of the studio ({reason}), and was left untouched.",
        "Bring a backup back with `studio restore FILE`, or move the file away to start anew.",
    )


def first_line(error: Exception) -> str:
    """DuckDB's sentence without the excerpt and the advice beneath it, ended by a full stop."""
    line = str(error).strip().partition("\n")[0].rstrip()
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _locked(error: Exception, file: Path) -> StorageError:
    holder = _HOLDER.search(str(error))
    who = f"{Path(holder['program']).name} (PID {holder['pid']})" if holder else "another program"
    return StorageError(f"The log {file} is held by {who}.", "Close it there and try again.")
