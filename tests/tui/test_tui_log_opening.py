"""The log is opened after the first paint: what is typed meanwhile waits for it; one refused ends the app."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import duckdb
import pytest
from studio_fakes import fake_studio
from tui_driving import chat, notices, shown, type_at_once, until

from studio.cli.frame import Frame
from studio.errors import StorageError
from studio.services.studio import Studio
from studio.storage import DuckDbLog
from studio.tui.app import StudioApp
from studio.tui.widgets.text_input import Composer
from studio.workspace import Workspace


class SlowLog(DuckDbLog):
    """A log that is opened only when it is let."""

    let = threading.Event()

    def open(self) -> None:
        assert self.let.wait(20)
        super().open()


def slow_studio(folder: Path) -> Studio:
    studio = fake_studio(folder)
    log = SlowLog.of(studio.workspace)
    log.let = threading.Event()
    studio.log = log
    return studio


def newer_log(folder: Path) -> Path:
    workspace = Workspace(folder).ensure()
    DuckDbLog.of(workspace).open()
    with duckdb.connect(workspace.log_file) as connection:
        connection.execute("INSERT INTO schema_version SELECT 9999, * EXCLUDE (version) FROM schema_version LIMIT 1")
    return workspace.log_file


async def test_a_question_typed_before_the_log_is_open_is_answered_once_it_is(tmp_path: Path) -> None:
    studio = slow_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 30)) as pilot:
        await type_at_once(pilot, "When?", "enter")
        await until(pilot, lambda: app.status.engine == "ready")
        await type_at_once(pilot, "And then?")
        assert "When?" in shown(pilot)
        assert chat(pilot).query_one(Composer).text == "And then?", "the keys wait for nothing"
        assert not studio.workspace.log_file.exists()
        assert isinstance(studio.log, SlowLog)
        studio.log.let.set()
        await until(pilot, lambda: chat(pilot).answers and chat(pilot).answers[-1].answer is not None)
        assert notices(pilot) == []
    assert [turn.prompt for turn in studio.log.conversations.turns(studio.log.conversations.recent()[0].id)] == [
        "When?"
    ]


async def test_a_log_of_a_newer_studio_ends_the_app_before_anything_else_complains(tmp_path: Path) -> None:
    newer_log(tmp_path)
    studio = slow_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 30)) as pilot:
        await type_at_once(pilot, "When?", "enter")
        assert isinstance(studio.log, SlowLog)
        studio.log.let.set()
        # Not by the pilot, which waits for widgets to answer that are going away.
        async with asyncio.timeout(20):
            while app.failure is None:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
        assert notices(pilot) == []
    assert isinstance(app.failure, StorageError)
    assert "newer studio" in str(app.failure)
    assert app.return_code


async def test_whoever_waited_for_a_log_that_is_held_is_refused_with_it(tmp_path: Path) -> None:
    log = DuckDbLog(newer_log(tmp_path), tmp_path / "backups")
    refusals = await asyncio.gather(
        *(asyncio.to_thread(work) for work in (log.open, log.corrections.all, log.nights.all)), return_exceptions=True
    )
    assert {str(refusal) for refusal in refusals} == {str(refusals[0])}
    assert all(isinstance(refusal, StorageError) for refusal in refusals)


def test_the_failure_reaches_whoever_ran_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer_log(tmp_path)
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda workspace: fake_studio(tmp_path))
    monkeypatch.setattr(StudioApp, "run", lambda app: asyncio.run(app.run_async(headless=True)))
    with pytest.raises(StorageError, match="newer studio"):
        Frame(Workspace(tmp_path)).open_app()
