"""The API's secret: made once, for its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from studio.errors import MachineError, UsageError
from studio.serving.token_file import checked_token, kept_token


def test_it_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    token = kept_token(file)
    assert len(token) >= 32
    assert kept_token(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_one_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "token"
    kept_token(file)
    file.chmod(0o644)
    with pytest.raises(MachineError, match=r"Others can read .* Remove the file"):
        kept_token(file)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, b"two words of it", b"x" * 1000])
def test_what_is_no_token_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(MachineError, match="holds no token"):
        kept_token(file)


def test_a_place_that_cannot_hold_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="--token"):
        kept_token(tmp_path / "no such folder" / "token")


@pytest.mark.parametrize("token", ["", "short", "with a space in it", "ümlaut-ümlaut", "bell\x07bell-bell"])
def test_an_own_token_is_checked(token: str) -> None:
    with pytest.raises(UsageError, match="without spaces"):
        checked_token(token)
    assert checked_token("as-good-as-any") == "as-good-as-any"
