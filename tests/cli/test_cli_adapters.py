"""`studio adapters` as a person reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.cli import root
from studio.domain.nights import Adapter


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XST+5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
def test_when_an_adapter_was_made_is_told_in_the_local_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wired = fake_studio(tmp_path)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: wired)
    made = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
    wired.log.adapters.add(Adapter("a", 1, "f" * 64, "n", "v1.gguf", "0" * 64, "lora", 16, 1.0, made))
    assert root.run(["adapters", "list"]) == 0
    assert "2026-02-28 22:30" in capsys.readouterr().out
