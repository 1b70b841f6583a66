"""Settings as a user drives them: read, change in place, be refused in words, take back."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_fakes import fake_studio
from textual.widgets import Input, OptionList
from tui_driving import AppPilot, notices, settled, shown, until, write

from studio.services.settings_that_matter import SETTINGS
from studio.services.studio import Studio
from studio.settings import load_settings
from studio.tui.app import StudioApp
from studio.tui.key_names import all_keys
from studio.tui.screens.settings import SettingsScreen
from studio.tui.screens.theme_picker import ThemePicker
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.pick_dialog import PickDialog

SIZES = [(80, 24), (120, 36), (200, 50)]
NAMES = [fact.name for fact in SETTINGS]


def a_studio(folder: Path, toml: str = "") -> Studio:
    if toml:
        (folder / "studio.toml").write_text(toml)
    return fake_studio(folder, settings=load_settings(folder / "studio.toml"))


async def choose(pilot: AppPilot, name: str) -> None:
    """Open the settings and put the cursor on one."""
    await pilot.press("f10")
    await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
    await settled(pilot)
    pilot.app.screen.query_one("#settings-list", OptionList).highlighted = NAMES.index(name)
    await pilot.pause()


def refused(pilot: AppPilot) -> str:
    return str(pilot.app.screen.query_one("#setting-refused").render())


@pytest.mark.parametrize("size", SIZES)
async def test_tells_what_is_set_to_what_and_by_what(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(a_studio(tmp_path, "[night]\nrank = 8\n[ui.keys]\n'chat.edit' = 'x'\n"))
    async with app.run_test(size=size) as pilot:
        await choose(pilot, "night.rank")
        text = shown(pilot)
        for words in (
            "night.rank",
            "8  (studio.toml)",
            "How large the adapter is.",
            "Default: 16",
            "Set by: studio.toml",
        ):
            assert words in text
        await pilot.press("end")
        await until(pilot, lambda: "chat.edit = x" in shown(pilot))
        assert "1 remapped" in shown(pilot)


async def test_a_change_is_written_felt_and_taken_back(tmp_path: Path) -> None:
    studio = a_studio(tmp_path, "# mine\n[prompt]\nlessons_given = 2 # two\n")
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await choose(pilot, "prompt.lessons_given")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("backspace", "3", "enter")
        await until(pilot, lambda: studio.settings.prompt.lessons_given == 3)
        await settled(pilot)
        assert "lessons_given = 3 # two" in (tmp_path / "studio.toml").read_text()
        assert app.focused is app.screen.query_one(OptionList)
        await pilot.press("u")
        await until(pilot, lambda: studio.settings.prompt.lessons_given == 2)
        await settled(pilot)
        await pilot.press("x")
        await until(pilot, lambda: studio.settings.prompt.lessons_given == 1)
        assert "# mine" in (tmp_path / "studio.toml").read_text()


async def test_what_is_not_valid_is_refused_beside_the_line(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, "night.rank")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, Input))
        app.screen.query_one("#setting-line", Input).value = "[b]large"
        await pilot.press("enter")
        await until(pilot, lambda: "takes a whole number, not '[b]large'" in refused(pilot))
        assert app.screen.query_one("#setting-line").has_focus
        app.screen.query_one("#setting-line", Input).value = "1000"
        await pilot.press("enter")
        await until(pilot, lambda: "256" in refused(pilot))
        await pilot.press("escape")
        assert app.screen.query_one(OptionList).has_focus
        assert not (tmp_path / "studio.toml").exists()


async def test_yes_and_no_change_at_once(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await choose(pilot, "probes.when_idle")
        await pilot.press("enter")
        await until(pilot, lambda: not studio.settings.probes.when_idle)
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: studio.settings.probes.when_idle)


async def test_a_theme_is_shown_while_it_is_chosen(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await choose(pilot, "ui.theme")
        before = app.theme
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThemePicker))
        await write(pilot, "nord")
        await until(pilot, lambda: app.theme == "nord")
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == before)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThemePicker))
        await write(pilot, "nord")
        await pilot.press("enter")
        await until(pilot, lambda: load_settings(tmp_path / "studio.toml").ui.theme == "nord")
        await settled(pilot)
        assert app.theme == "nord"
        await pilot.press("u")
        await until(pilot, lambda: app.theme == before)


async def test_what_the_environment_sets_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_NIGHT__RANK", "4")
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await choose(pilot, "night.rank")
        assert "Set by: STUDIO_NIGHT__RANK" in shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: any("STUDIO_NIGHT__RANK counts more" in notice for notice in notices(pilot)))


def test_every_action_can_be_named() -> None:
    found = {one.name: one for one in all_keys({"chat.edit": "x"})}
    assert found["chat.edit"].key == "x"
    assert found["chat.edit"].default == "e"
    assert {"app.review", "review.accept", "settings.change", "composer.send", "editor.save"} <= set(found)


async def test_the_chosen_row_stays_in_sight_when_the_window_changes(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(200, 50)) as pilot:
        await choose(pilot, "night.rank")
        options = app.screen.query_one("#settings-list", OptionList)
        await pilot.resize_terminal(80, 24)

        def in_sight() -> bool:
            row = (options.highlighted or 0) - round(options.scroll_y)
            return 0 <= row < options.size.height

        await until(pilot, in_sight)


async def test_what_stands_at_its_default_is_not_offered_to_be_put_back(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path, "[night]\nrank = 8\n"))
    async with app.run_test(size=(120, 36)) as pilot:
        await choose(pilot, "night.rank")
        await until(pilot, lambda: "x Default" in shown(pilot))
        await choose(pilot, "ui.theme")
        await until(pilot, lambda: "x Default" not in shown(pilot))


async def test_what_a_server_would_be_sent_is_said_before_it_is_named(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await choose(pilot, "remote.base_url")
        assert "none: nothing leaves this machine" in shown(pilot)
        await pilot.press("enter")
        await write(pilot, "https://gpu.example.org/v1")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Prompts, corrections and lessons go to https://gpu.example.org/v1" in " ".join(shown(pilot).split())
        await pilot.press("escape")
        await settled(pilot)
        assert not studio.workspace.settings_file.exists()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await settled(pilot)
        assert load_settings(studio.workspace.settings_file).remote.base_url == "https://gpu.example.org/v1"


async def test_an_arm_written_by_hand_while_the_studio_runs_is_offered(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await choose(pilot, "chat.arm")
        studio.workspace.settings_file.write_text('[chat]\narm = "mine"\n[arms.mine]\nmemory = "lessons"\n')
        await pilot.press("f2", "f10")
        await until(pilot, lambda: "mine  (studio.toml)" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PickDialog))
        await pilot.press("enter")
        await settled(pilot)
        assert load_settings(studio.workspace.settings_file).chat.arm == "mine", "what is set is marked"


async def test_a_value_goes_to_the_setting_it_was_typed_for(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await choose(pilot, "prompt.context_budget_tokens")
        await pilot.press("e")
        app.screen.query_one("#setting-line", Input).value = "777"
        await pilot.press("shift+tab", "down", "tab", "enter")
        await settled(pilot)
        settings = load_settings(studio.workspace.settings_file)
        assert settings.prompt.context_budget_tokens == 777
        assert settings.sampling == load_settings(tmp_path / "none.toml").sampling
        await pilot.press("down")
        assert app.screen.query_one(OptionList).highlighted == NAMES.index("prompt.context_budget_tokens") + 1
