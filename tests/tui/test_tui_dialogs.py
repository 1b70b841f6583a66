"""Dialogs are answered once, whatever is typed at once, and however late what they show."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studio_fakes import fake_studio
from textual.widgets import Input
from tui_driving import AppPilot, settled, shown, type_at_once, until

from studio.tui.app import StudioApp
from studio.tui.screens.blank import BlankScreen
from studio.tui.screens.help import HelpScreen
from studio.tui.screens.sessions import SessionsScreen
from studio.tui.widgets import file_dialog
from studio.tui.widgets.dialogs import ConfirmDialog, Dialog, LineDialog
from studio.tui.widgets.file_dialog import Entry, FileDialog
from studio.tui.widgets.pick_dialog import Pick, PickDialog


def confirm() -> Dialog[Any]:
    return ConfirmDialog("Leave?", yes="Leave", no="Stay")


def line() -> Dialog[Any]:
    return LineDialog("Rename", "a title")


def pick() -> Dialog[Any]:
    return PickDialog("An arm", [Pick("frozen", "frozen")], ["frozen"], several=False)


@pytest.mark.parametrize("keys", ["enter y", "enter enter", "enter escape"])
@pytest.mark.parametrize("make", [confirm, line, pick])
async def test_what_is_typed_at_once_after_an_answer_is_no_second_one(
    tmp_path: Path, make: Callable[[], Dialog[Any]], keys: str
) -> None:
    app = StudioApp(fake_studio(tmp_path))
    answers: list[object] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(make(), answers.append)
        await settled(pilot)
        await type_at_once(pilot, *keys.split())
        await until(pilot, lambda: not app.screen.is_modal)
    assert len(answers) == 1


async def with_a_slow_disk(pilot: AppPilot, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a folder is listed after half a second."""
    at_once, listed = file_dialog.entries, threading.Event()

    def slowly(folder: Path, begun: str) -> tuple[list[Entry], str]:
        listed.wait(10)
        return at_once(folder, begun)

    await settled(pilot)
    monkeypatch.setattr(file_dialog, "entries", slowly)
    asyncio.get_running_loop().call_later(0.5, listed.set)


@pytest.mark.parametrize("second", ["escape", "enter"])
async def test_a_path_is_taken_once_however_slowly_its_folder_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    app = StudioApp(fake_studio(tmp_path))
    path = tmp_path / "new.gguf"
    taken: list[Path | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(FileDialog("A file", tmp_path), taken.append)
        await with_a_slow_disk(pilot, monkeypatch)
        app.screen.query_one(Input).value = str(path)
        await type_at_once(pilot, "enter", second)
        await until(pilot, lambda: not app.screen.is_modal)
        await settled(pilot)
    assert taken == [None if second == "escape" else path]


async def test_a_list_without_the_present_value_is_shown_and_chosen_from(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    chosen: list[tuple[str, ...] | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        picks = [Pick("frozen", "frozen"), Pick("lessons", "lessons")]
        await app.push_screen(PickDialog("An arm", picks, ["gone"], several=False), chosen.append)
        await until(pilot, lambda: "lessons" in shown(pilot))
        await pilot.press("down", "enter")
        await until(pilot, lambda: not app.screen.is_modal)
    assert chosen == [("lessons",)]


@pytest.mark.parametrize(
    ("keys", "kind", "tells", "typed"),
    [
        ("ctrl+o", SessionsScreen, "Rename", "abc"),
        ("f12 a", FileDialog, "Complete", "/abc"),
    ],
)
async def test_f1_explains_an_open_dialog_and_what_is_typed_in_it_stays(
    tmp_path: Path, keys: str, kind: type[Dialog[Any]], tells: str, typed: str
) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for key in keys.split():
            await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, kind))
        dialog = app.screen
        dialog.query_one(Input).value = typed[:-1]
        dialog.query_one(Input).action_end()
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert tells in shown(pilot)
        assert "esc         Leave" in shown(pilot)
        assert "f5" not in shown(pilot), "the app's other keys do not act above a dialog"
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is dialog)
        await pilot.press(typed[-1])
        assert dialog.query_one(Input).value == typed


@pytest.mark.parametrize("make", [confirm, line, pick])
async def test_f1_answers_no_dialog(tmp_path: Path, make: Callable[[], Dialog[Any]]) -> None:
    app = StudioApp(fake_studio(tmp_path))
    answers: list[object] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(make(), answers.append)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        assert app.screen.is_modal
        assert answers == []


@pytest.mark.parametrize("key", ["f1", "tab", "x", "escape"])
async def test_a_black_screen_goes_at_any_key(tmp_path: Path, key: str) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(BlankScreen())
        await pilot.press(key)
        await until(pilot, lambda: not app.screen.is_modal)
