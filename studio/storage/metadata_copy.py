"""What a crash in the middle of a checkpoint could tear, kept beside the log until the checkpoint is done.

A checkpoint of DuckDB writes into free blocks, syncs them, and then writes a header that names them: whatever is torn
before is never read. One kind of block is the exception (2.0): that of the metadata. New parts go into its free places
and all of it is written anew, in place, under one checksum. Torn by a power cut, or by a kill in the middle of the
write, it makes the whole log unreadable, though the header still names only parts that are as they were. So these
blocks, a quarter of a megabyte each, mostly one, are copied and synced first, with the headers they belong to.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first paint waits for what is imported here
    import duckdb

HEADERS = 3 * 4096
"""The file's own header and the two that take turns; blocks follow."""

_MAGIC = b"studio metadata copy 1\n"
_PART = struct.Struct("<QQ")
_DIGEST_SIZE = hashlib.sha256().digest_size


def copy_beside(file: Path) -> Path:
    """Where the copy lies, while there is one."""
    return file.with_name(file.name + ".metadata")


class MetadataCopy:
    """The copy of one log, made before a checkpoint and removed after it.

    The log stays open in between: to open it now and close it again would drop DuckDB's lock on it (POSIX). Make this
    before DuckDB opens the file, and close it after DuckDB has closed it.
    """

    def __init__(self, file: Path) -> None:
        """Raises OSError."""
        self._copy = copy_beside(file)
        self._log = os.open(file, os.O_RDONLY | os.O_CLOEXEC)

    def is_of(self, file: Path) -> bool:
        """Whether the file of this name is still the one that was opened. Raises OSError."""
        return os.path.samestat(os.fstat(self._log), file.stat())

    def close(self) -> None:
        os.close(self._log)

    def make(self, connection: duckdb.DuckDBPyConnection) -> None:
        """On disk when this returns. Raises OSError, duckdb.Error."""
        ((block_size,),) = connection.execute(
            "SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()"
        ).fetchall()
        blocks = connection.execute("SELECT block_id FROM pragma_metadata_info() WHERE block_id >= 0").fetchall()
        parts = [(0, HEADERS), *((HEADERS + block * block_size, block_size) for (block,) in blocks)]
        content = b"".join(
            [
                _MAGIC,
                *(_PART.pack(*part) + os.pread(self._log, part[1], part[0]).ljust(part[1], b"\0") for part in parts),
            ]
        )
        with self._copy.open("wb") as out:
            out.write(content + hashlib.sha256(content).digest())
            out.flush()
            os.fsync(out.fileno())

    def remove(self) -> None:
        with suppress(OSError):
            self._copy.unlink(missing_ok=True)


def mend(file: Path) -> None:
    """Where an operation was interrupted, put its copy in the place of what may be torn.

    Only where no checkpoint was finished since: the headers are those the copy was made with. What was in use then is
    the same in the copy and in the file, so nothing is taken back. A copy whose operation is under way is left alone.
    Raises OSError.
    """
    copy = copy_beside(file)
    if not copy.exists() or not os.access(file, os.W_OK):
        return
    with file.open("r+b") as log:
        try:
            fcntl.lockf(log, fcntl.LOCK_EX | fcntl.LOCK_NB)  # DuckDB's own lock
        except BlockingIOError:
            return
        parts = _parts(copy)
        if parts and log.read(HEADERS) == parts[0][1]:
            for offset, content in parts[1:]:
                log.seek(offset)
                log.write(content)
            log.flush()
            os.fsync(log.fileno())
        copy.unlink(missing_ok=True)


def _parts(copy: Path) -> list[tuple[int, bytes]]:
    """Offset and content of each part, the headers first; none where there is no whole copy."""
    try:
        content = copy.read_bytes()
    except FileNotFoundError:
        return []
    body, digest = content[:-_DIGEST_SIZE], content[-_DIGEST_SIZE:]
    if not body.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        return []
    place, parts = len(_MAGIC), []
    while place < len(body):
        offset, size = _PART.unpack_from(body, place)
        place += _PART.size + size
        parts.append((offset, body[place - size : place]))
    return parts
