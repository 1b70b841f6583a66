"""A model file on its way in: its bytes, and beside them which of these are there, so that any later start goes on.

The file has its whole length from the beginning and is filled in segments, each from its own beginning. What the notes
say is there has been written to the disk before they say so.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from studio.domain.sizes import size_text
from studio.errors import MachineError, PullError

SEGMENT = 64 * 1024 * 1024
SUFFIX = ".part"
_NOTES = ".part.json"
_RESERVE = 256 * 1024 * 1024
"""Disk that a pull leaves free."""


class PartNotes(msgspec.Struct, kw_only=True):
    """What is kept beside a part. `have` counts the bytes there from the beginning of each segment."""

    source: str
    bytes: int
    tag: str = ""
    sha256: str = ""
    segment: int = SEGMENT
    have: list[int] = []

    @property
    def done(self) -> int:
        return sum(self.have)


def read_notes(part: Path) -> PartNotes | None:
    """Of a `.part` file; None where there are none that fit it."""
    try:
        notes = msgspec.json.decode(notes_file(part).read_bytes(), type=PartNotes)
        fits = len(notes.have) == -(-notes.bytes // notes.segment) and all(0 <= n <= notes.segment for n in notes.have)
        return notes if fits and part.stat().st_size == notes.bytes else None
    except (OSError, msgspec.MsgspecError, ZeroDivisionError):
        return None


def notes_file(part: Path) -> Path:
    return part.with_name(part.name.removesuffix(SUFFIX) + _NOTES)


def discard_part(part: Path) -> None:
    """Delete a part and its notes. Raises MachineError."""
    try:
        part.unlink(missing_ok=True)
        notes_file(part).unlink(missing_ok=True)
    except OSError as error:
        raise MachineError(f"{part} cannot be deleted ({error.strerror}).", "Mend its permissions.") from error


class PartFile:
    """An open part, held by this process alone. `close` keeps what is there; `finish` makes it the file."""

    def __init__(self, target: Path) -> None:
        """Raises PullError where another process pulls it, MachineError where the folder does not allow it."""
        self.target = target
        self.path = target.with_name(target.name + SUFFIX)
        self.notes = PartNotes(source="", bytes=0)
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise PullError(f"{target.name} is being pulled already.", "Wait for it, or cancel it there.") from error

    def begin(self, source: str, size: int, tag: str, sha256: str) -> bool:
        """Go on with what is there if it is of the same file, else start anew. Whether anything is gone on with.

        Raises MachineError where the disk has too little room.
        """
        kept = read_notes(self.path)
        same = kept is not None and (kept.source, kept.bytes, kept.tag, kept.sha256) == (source, size, tag, sha256)
        same = same and bool(tag or sha256)  # else nobody knows whether it is
        if kept is not None and same:
            self.notes = kept
        else:
            have = [0] * -(-size // SEGMENT)
            self.notes = PartNotes(source=source, bytes=size, tag=tag, sha256=sha256, segment=SEGMENT, have=have)
        try:
            if not same:
                os.ftruncate(self._file, 0)
            status = os.fstatvfs(self._file)
            needed, free = size - self.notes.done, status.f_bavail * status.f_frsize
            if needed + _RESERVE > free:
                raise MachineError(
                    f"{self.target.name} needs {size_text(needed)}, but the disk has {size_text(free)} free.",
                    "Make room, or choose a smaller quantisation.",
                )
            os.ftruncate(self._file, size)
            self.save()
        except OSError as error:
            raise _unwritable(self.path, error) from error
        return same and self.notes.done > 0

    def span(self, index: int) -> tuple[int, int]:
        """First byte that is missing in a segment, and the byte after its last."""
        start = index * self.notes.segment
        return start + self.notes.have[index], min(start + self.notes.segment, self.notes.bytes)

    def missing(self) -> list[int]:
        """Segments that are not whole."""
        return [index for index in range(len(self.notes.have)) if self.span(index)[0] < self.span(index)[1]]

    def write(self, index: int, data: bytes) -> None:
        """Add to a segment. Raises MachineError."""
        at, _ = self.span(index)
        try:
            view = memoryview(data)
            while view:
                written = os.pwrite(self._file, view, at)
                view, at = view[written:], at + written
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.notes.have[index] += len(data)

    def forget(self, index: int) -> None:
        """A segment, of which the server only gives the whole."""
        self.notes.have[index] = 0

    def head(self, length: int) -> bytes:
        return os.pread(self._file, length, 0)

    def save(self) -> None:
        """Bring to the disk what was written, then the notes of it. Raises MachineError."""
        have = list(self.notes.have)
        file = notes_file(self.path)
        draft = file.with_suffix(".draft")
        try:
            os.fsync(self._file)
            draft.write_bytes(msgspec.json.encode(msgspec.structs.replace(self.notes, have=have)))
            draft.replace(file)
        except OSError as error:
            raise _unwritable(file, error) from error

    def finish(self) -> None:
        """The part is the file from now on. Raises MachineError."""
        try:
            os.fsync(self._file)
            self.path.replace(self.target)
            notes_file(self.path).unlink(missing_ok=True)
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _unwritable(self.target, error) from error

    def close(self, *, keep: bool) -> None:
        """Let go of it; without `keep` it is deleted."""
        try:
            if keep and self.notes.have and self.path.exists():
                self.save()
            elif not keep or not self.notes.have:
                discard_part(self.path)
        except (MachineError, OSError):  # a full disk: the notes before these stand
            pass
        finally:
            os.close(self._file)


def _unwritable(file: Path, error: OSError) -> MachineError:
    return MachineError(f"{file} cannot be written ({error.strerror}).", "Make room, or mend its permissions.")
