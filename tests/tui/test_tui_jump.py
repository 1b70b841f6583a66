"""Jumping: a letter over everything that can be focused or clicked, on every screen and in every dialog."""

from __future__ import annotations

from pathlib import Path

import pytest
from colour_vision import contrast
from studio_fakes import FakeEngine, fake_studio, scripted
from textual.color import Color
from textual.widget import Widget
from textual.widgets import DataTable, Input, Tabs
from tui_driving import AppPilot, ask, chat, go, leave, settled, shown, until
from tui_values import QUESTION, a_lesson, add_correction, add_lessons, add_night

from studio.domain.nights import NightState
from studio.services.studio import Studio
from studio.settings import Settings, UiSettings
from studio.tui.app import StudioApp
from studio.tui.commands import commands_of
from studio.tui.jump_targets import LETTERS, codes
from studio.tui.screens.jump import JumpLabel, JumpScreen
from studio.tui.themes import load_themes
from studio.tui.widgets.answer_view import AnswerView
from studio.tui.widgets.header import MODES, ModeTab
from studio.tui.widgets.text_input import Composer


def a_studio(folder: Path, ui: UiSettings | None = None) -> Studio:
    engine = FakeEngine(scripted("It is 30 days."))
    studio = fake_studio(folder, engine=engine, settings=Settings(ui=ui or UiSettings()))
    add_correction(studio)
    add_lessons(studio, a_lesson(), a_lesson("Another"))
    add_night(studio, NightState.PROMOTED, "better", version=1)
    return studio


async def overlay(pilot: AppPilot, key: str = "ctrl+l") -> JumpScreen:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen))
    assert isinstance(pilot.app.screen, JumpScreen)
    return pilot.app.screen


def label_of(overlay: JumpScreen, kind: type[Widget]) -> JumpLabel:
    return next(label for label in overlay.query(JumpLabel) if isinstance(label.target.widget, kind))


def misplaced(pilot: AppPilot, overlay: JumpScreen) -> list[str]:
    """Letters that are not seen in the row where their target begins."""
    rows = shown(pilot).split("\n")
    return [
        f"{label.target.code}: {label.target.widget}"
        for label in overlay.query(JumpLabel)
        if label.region.y != label.target.widget.region.y
        or not rows[label.region.y][label.region.x :].startswith(label.target.code)
    ]


async def gone(pilot: AppPilot) -> None:
    await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))


async def test_every_screen_and_dialog_has_letters_where_things_are(tmp_path: Path) -> None:
    """Its commands have names of their own, too."""
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape")
        for place in (*MODES, "help", "palette", "themes"):
            await go(pilot, place)
            beneath = app.screen
            titles = [command.title for command in commands_of(app, beneath)]
            assert len(titles) == len(set(titles)), (place, sorted(titles))
            letters = await overlay(pilot)
            in_sight = {one for one in beneath.focus_chain if beneath.find_widget(one).visible_region}
            assert {label.target.widget for label in letters.query(JumpLabel)} >= in_sight != set(), place
            assert misplaced(pilot, letters) == [], place
            assert "esc leaves" in shown(pilot)
            await pilot.press("escape")
            await gone(pilot)
            await leave(pilot)


async def test_a_letter_focuses_and_esc_leaves_all_as_it_was(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, QUESTION)
        await write_nothing_into(pilot, AnswerView)
        await write_nothing_into(pilot, Composer)
        assert chat(pilot).query_one(Composer).text == ""
        await overlay(pilot)
        await pilot.press("escape")
        await gone(pilot)
        assert isinstance(app.focused, Composer)
        await overlay(pilot)
        await pilot.press("ctrl+l")
        await gone(pilot)


async def write_nothing_into(pilot: AppPilot, kind: type[Widget]) -> None:
    """Jump to the first of its kind: it has the focus then, and the letter is not typed into it."""
    letters = await overlay(pilot)
    await pilot.press(label_of(letters, kind).target.code)
    await until(pilot, lambda: isinstance(pilot.app.focused, kind))


async def test_tabs_lists_and_fields_are_reached(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        letters = await overlay(pilot)
        nights = next(label for label in letters.query(JumpLabel) if "Nights" in str(label.target.widget.render()))
        assert isinstance(nights.target.widget, ModeTab)
        await pilot.press(nights.target.code)
        await until(pilot, lambda: app.current_mode == "nights")
        await settled(pilot)
        await write_nothing_into(pilot, DataTable)
        await go(pilot, "lessons")
        for kind in (Input, Tabs):
            await write_nothing_into(pilot, kind)


async def test_the_mouse_opens_it_in_the_footer_and_chooses(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await ask(pilot, QUESTION)
        row = shown(pilot).split("\n")[-1]
        await pilot.click(offset=(row.index("^l Jump"), 35))
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        assert isinstance(app.screen, JumpScreen)
        await pilot.click(label_of(app.screen, AnswerView))
        await until(pilot, lambda: isinstance(app.focused, AnswerView))
        await overlay(pilot)
        await pilot.click(offset=(60, 20))
        await gone(pilot)


async def test_the_palette_has_it_and_the_key_can_be_another(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path, UiSettings(keys={"app.jump": "f11"})))
    async with app.run_test(size=(80, 24)) as pilot:
        await overlay(pilot, "f11")
        await pilot.press("escape")
        await gone(pilot)
        await pilot.press("ctrl+p", *"jump")
        await until(pilot, lambda: "typing it goes there" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        assert isinstance(app.screen, JumpScreen)
        assert label_of(app.screen, Composer)


async def test_letters_follow_what_they_stand_for_and_can_be_read_in_every_theme(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    themes = load_themes(tmp_path)[0]
    async with app.run_test(size=(120, 36)) as pilot:
        letters = await overlay(pilot)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: label_of(letters, Composer).region.y == chat(pilot).query_one(Composer).region.y)
        assert misplaced(pilot, letters) == []
        for theme in themes:
            app.theme = theme.name
            await pilot.pause()
            style = letters.query(JumpLabel).first().rich_style
            assert style.color is not None
            assert style.bgcolor is not None
            if "ansi" in theme.name:
                assert style.reverse
                continue
            ratio = contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor))
            assert ratio >= (7 if theme.name in ("studio-contrast", "studio-stage") else 4.5), theme.name


@pytest.mark.parametrize("count", [0, 1, 26, 27, 51, 52, 90])
def test_no_code_begins_another(count: int) -> None:
    made = codes(count)
    assert len(set(made)) == count
    assert not any(other != one and other.startswith(one) for one in made for other in made)
    assert {*"".join(made)} <= {*LETTERS}
