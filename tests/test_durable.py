"""A file is the old one or the new one, whole, and its owner's alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from studio.durable import draft_of, write_whole


@pytest.mark.parametrize("durably", [True, False])
def test_a_file_is_written_in_the_place_of_an_earlier_one_for_its_owner_alone(tmp_path: Path, durably: bool) -> None:
    file = tmp_path / "notes.json"
    file.write_bytes(b"old")
    file.chmod(0o644)
    write_whole(file, b"new", durably=durably)
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_what_goes_wrong_while_a_draft_is_written_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "adapter.gguf"
    file.write_bytes(b"old")

    def interrupted() -> None:
        with draft_of(file) as draft:
            draft.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "notes.json", b"new")
