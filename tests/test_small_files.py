"""Files that anybody may have written are read to an end: pipes, devices, endless nesting, endless numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.errors import ModelError, ScenarioError, SettingsError
from studio.evaluation.audience_file import load_audience
from studio.evaluation.scenario_file import load_general_probes
from studio.models.catalogue import read_catalogue
from studio.models.records import Records
from studio.settings import load_settings
from studio.tui.theme_files import read_theme

DEEP = 5_000
CONTENTS = {
    "nested arrays": b"[model]\npath = " + b"[" * DEEP + b"]" * DEEP,
    "nested tables": b"model.path." + b"a." * DEEP + b"b = 1",
    "nested inline tables": b"a = " + b"{a=" * DEEP + b"1" + b"}" * DEEP,
    "a number of 5,000 digits": b"[model]\nthreads = " + b"9" * 5_000,
    "JSON of 5,000 digits": b'{"id": ' + b"9" * 5_000 + b"}",
    "nested JSON": b'{"id": ' + b"[" * DEEP * 20 + b"]" * DEEP * 20 + b"}",
    "NUL": b"\0" * 100,
}
READERS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "settings": (load_settings, SettingsError),
    "theme": (read_theme, ValueError),
    "scenario": (load_general_probes, ScenarioError),
    "audience": (load_audience, ScenarioError),
    "catalogue": (lambda file: read_catalogue([file]), ModelError),
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("reader", READERS)
def test_text_without_end_is_refused_in_a_sentence(reader: str, content: str, tmp_path: Path) -> None:
    read, refusal = READERS[reader]
    file = tmp_path / "odd.toml"
    file.write_bytes(CONTENTS[content])
    with pytest.raises(refusal) as told:
        read(file)
    assert len(str(told.value)) < 1_000


@pytest.mark.timeout(20)
@pytest.mark.parametrize("reader", ["settings", "theme", "scenario", "audience"])
def test_what_is_no_regular_file_is_not_waited_for(reader: str, tmp_path: Path) -> None:
    read, refusal = READERS[reader]
    pipe, device, large = (tmp_path / name for name in ("pipe.toml", "device.toml", "large.toml"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    with large.open("wb") as file:
        file.truncate(20_000_000_000)
    for odd in (pipe, device, large, tmp_path):
        with pytest.raises(refusal):
            read(odd)


@pytest.mark.timeout(20)
def test_records_that_are_no_files_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "deep.json").write_bytes(CONTENTS["nested JSON"])
    assert Records(tmp_path).all() == []
