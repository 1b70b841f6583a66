"""The secret of the API, in a file of the workspace: made once, so that a client is set up once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from studio.errors import MachineError, UsageError
from studio.serving.access import draw_token

SHORTEST = 8
_LONGEST = 512


def checked_token(token: str) -> str:
    """A secret of the user's own. Raises UsageError where it cannot be one."""
    if not SHORTEST <= len(token) <= _LONGEST or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"A token has {SHORTEST} to {_LONGEST} letters, digits and signs, without spaces.",
            "Leave --token out, and one is made and kept.",
        )
    return token


def kept_token(file: Path) -> str:
    """The secret in the file, which is made where there is none, for its owner's eyes only. Raises MachineError."""
    try:
        try:
            return _read(file)
        except FileNotFoundError:
            return _make(file)
    except OSError as error:
        raise MachineError(
            f"The token in {file} cannot be read or written ({error.strerror}).", "Or pass one with --token."
        ) from error


def _read(file: Path) -> str:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise MachineError(
            f"Others can read the token in {file}.", "Remove the file, and a new one is made; or: chmod 600"
        )
    try:
        return checked_token(file.read_text("ascii").strip())
    except (UsageError, UnicodeDecodeError) as error:
        raise MachineError(f"{file} holds no token.", "Remove it, and a new one is made.") from error


def _make(file: Path) -> str:
    """Made aside and linked into its place whole: of two servers that start at once, both take the first one's."""
    draft = file.with_name(f".{file.name}-{os.getpid()}")
    token = draw_token()
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as stream:
            stream.write(f"{token}\n")
        os.link(draft, file)
    except FileExistsError:
        return _read(file)
    finally:
        draft.unlink(missing_ok=True)
    return token
