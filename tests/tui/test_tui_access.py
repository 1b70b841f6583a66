"""For every terminal and everybody: ASCII where no other sign is shown, nothing that moves, letters of any width."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from studio_fakes import FakeEngine, fake_studio, scripted
from textual import constants
from textual.widgets import Input
from tui_driving import ask, chat, go, leave, shown, until
from tui_values import QUESTION, a_lesson, add_correction, add_lessons, add_night

from studio.domain.nights import NightState
from studio.services.studio import Studio
from studio.settings import Settings, UiSettings
from studio.tui.app import StudioApp
from studio.tui.ascii_signs import in_ascii, needs_ascii_letters, needs_ascii_signs
from studio.tui.plain_text import end_of_line, one_line, padded
from studio.tui.widgets.text_input import Composer

WIDE = "返金期間は何日ですか 👩‍🔬🇯🇵 ñandú Ελληνικά"
PLACES = ("chat", "compare", "lessons", "nights", "curves", "export", "review", "settings", "help", "palette", "themes")


def a_studio(folder: Path, ui: UiSettings | None = None, reply: str = "It is 45 days.") -> Studio:
    studio = fake_studio(folder, engine=FakeEngine(scripted(reply)), settings=Settings(ui=ui or UiSettings()))
    add_correction(studio, rationale="the policy changed")
    add_lessons(studio, a_lesson(), a_lesson(WIDE, pinned=True))
    add_night(studio, NightState.PROMOTED, "better", version=1)
    return studio


@pytest.mark.parametrize(
    ("wanted", "environment", "plain"),
    [
        ("auto", {"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, False),
        ("auto", {"LANG": "de_DE.utf8", "TERM": "screen"}, False),
        ("auto", {"LANG": "en_US.UTF-8", "TERM": "linux"}, True),
        ("auto", {"LANG": "de_DE.ISO-8859-1", "TERM": "xterm"}, True),
        ("auto", {"LC_ALL": "de_DE.ISO-8859-15@euro", "LANG": "de_DE.UTF-8"}, True),
        ("auto", {"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "de_DE.ISO-8859-1"}, False),
        ("unicode", {"LANG": "de_DE.ISO-8859-1", "TERM": "linux"}, False),
        ("ascii", {"LANG": "en_US.UTF-8"}, True),
    ],
)
def test_who_is_drawn_for_in_ascii(wanted: str, environment: dict[str, str], plain: bool) -> None:
    assert needs_ascii_signs(wanted, environment) is plain  # type: ignore[arg-type]


def test_a_locale_without_a_named_encoding_is_asked_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getencoding", lambda: "ANSI_X3.4-1968")
    assert needs_ascii_letters({"LC_ALL": "C"})
    monkeypatch.setattr("locale.getencoding", lambda: "UTF-8")
    assert not needs_ascii_letters({"LANG": "C"})


@pytest.mark.parametrize("text", ["│ ✓ right · “so” … →", "╭─╮⣿⠁█░▁▔", WIDE, "café 漢字 👍🏽"])
@pytest.mark.parametrize("letters", [True, False])
def test_what_becomes_ascii_keeps_its_width(text: str, letters: bool) -> None:
    plain = in_ascii(text, letters=letters)
    assert cell_len(plain) == cell_len(text)
    assert plain.isascii() or not letters


def test_letters_stay_where_only_signs_are_missing() -> None:
    assert in_ascii("✓ café 漢字", letters=False) == "+ café 漢字"
    assert in_ascii("good 👍🏽", letters=False) == "good ??"
    assert in_ascii("✓ café 漢字", letters=True) == "+ cafe ????"


async def test_every_screen_can_be_drawn_in_ascii(tmp_path: Path) -> None:
    studio = a_studio(tmp_path, UiSettings(signs="ascii"))
    app = StudioApp(studio)
    foreign: dict[str, str] = {}
    async with app.run_test(size=(120, 36)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        for place in PLACES:
            await go(pilot, place)
            if found := {sign for sign in shown(pilot) if not sign.isascii() and not sign.isalpha()}:
                foreign[place] = "".join(sorted(found))
            await leave(pilot)
    assert foreign == {}


async def test_where_the_locale_is_latin_letters_are_plain_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.ISO-8859-1")
    app = StudioApp(a_studio(tmp_path, reply=WIDE))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "Wie heißt das?")
        assert shown(pilot).isascii()
        assert "nandu" in shown(pilot)


async def test_signs_and_motion_are_set_while_the_app_runs(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(100, 30)) as pilot:
        composer = chat(pilot).query_one(Composer)
        assert "⏎" in shown(pilot)
        app.dress(UiSettings(signs="ascii", reduced_motion=True))
        await until(pilot, lambda: shown(pilot).isascii())
        assert (app.animation_level, composer.cursor_blink) == ("none", False)
        app.dress(UiSettings())
        await until(pilot, lambda: "⏎" in shown(pilot))
        assert (app.animation_level, composer.cursor_blink) == ("full", True)


async def test_nothing_blinks_or_glides_with_reduced_motion(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path, UiSettings(reduced_motion=True)))
    async with app.run_test(size=(100, 30)) as pilot:
        assert app.animation_level == "none"
        assert not chat(pilot).query_one(Composer).cursor_blink
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.screen.is_modal and isinstance(app.focused, Input))
        assert isinstance(app.focused, Input)
        assert not app.focused.cursor_blink


async def test_textuals_own_wish_for_no_animations_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test() as pilot:
        assert app.animation_level == "none"
        assert not app.moves
        assert not chat(pilot).query_one(Composer).cursor_blink


def test_titles_are_cut_by_cells() -> None:
    assert one_line("返金期間は何日", 9) == "返金期間…"
    assert one_line("abcdef", 4) == "abc…"
    assert all(cell_len(one_line(WIDE, limit)) <= limit for limit in range(1, 60))
    assert end_of_line("/home/漢字/データ", 8) == "…/データ"
    assert end_of_line("/home/漢字/データ", 7) == "…データ"
    assert all(cell_len(end_of_line(WIDE, limit)) <= limit for limit in range(1, 60))
    assert cell_len(padded("漢字", 10)) == 10


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_wide_letters_move_nothing_out_of_its_place(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(a_studio(tmp_path, reply=f"{WIDE}\n\n| 国 | days |\n|---|---|\n| 日本 | 45 |\n"))
    async with app.run_test(size=size) as pilot:
        await ask(pilot, WIDE)
        await pilot.press("escape", "e")
        for place in PLACES:
            await go(pilot, place)
            widths = {cell_len(row.text) for row in app.screen._compositor.render_strips()}
            assert widths == {size[0]}, place
            await leave(pilot)
