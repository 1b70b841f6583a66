"""In Nights: a night that begins by itself, an interrupted one given up, and the last change taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_crontab import no_crontab, put_crontab
from studio_fakes import fake_studio
from textual.widgets import Button, Input
from tui_driving import AppPilot, go, settled, shown, until
from tui_values import MODEL, add_night

from studio.domain.nights import NightProgress, NightState
from studio.services import schedule_night
from studio.services.studio import Studio
from studio.training.job import NightFolder
from studio.tui.app import StudioApp
from studio.tui.screens.night_schedule import ScheduleDialog
from studio.tui.widgets.dialogs import ConfirmDialog


def words(pilot: AppPilot) -> str:
    """What is shown, of a dialog where there is one, as one line without frames."""
    dialogs = pilot.app.screen.query(".dialog")
    area = dialogs.first().region if dialogs else pilot.app.screen.region
    rows = shown(pilot).split("\n")[area.y : area.bottom]
    text = " ".join(row[area.x : area.right] for row in rows)
    return " ".join("".join(" " if "─" <= character <= "╿" else character for character in text).split())


async def dialog(pilot: AppPilot, key: str = "s") -> ScheduleDialog:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleDialog))
    await pilot.pause()
    assert isinstance(pilot.app.screen, ScheduleDialog)
    return pilot.app.screen


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_time_is_set_changed_and_taken_out_after_saying_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    table = put_crontab(tmp_path, monkeypatch)
    monkeypatch.setattr(schedule_night, "cron_runs", lambda: size[0] == 80)
    studio = fake_studio(tmp_path / "w")
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await go(pilot, "nights")
        await until(pilot, lambda: "No night begins by itself; s sets a time for every day." in words(pilot))
        asking = await dialog(pilot)
        assert "Enter writes this line into your crontab, after what is there: 30 2 * * *" in words(pilot)
        assert ("start its service" in words(pilot)) is (size[0] == 200)
        asking.query_one(Input).value = "25:00"
        await until(pilot, lambda: "'25:00' is not a time of day. Write it as HH:MM" in words(pilot))
        await pilot.press("enter")
        assert app.screen is asking
        asking.query_one(Input).value = "3:15"
        await pilot.press("enter")
        await until(pilot, lambda: "A night begins by itself every day at 03:15; s changes that." in words(pilot))
        first = table.read_text(encoding="utf-8")
        assert first.startswith("15 3 * * * ")
        # By mouse, from the line itself.
        await pilot.click("#night-schedule")
        await until(pilot, lambda: isinstance(app.screen, ScheduleDialog))
        assert app.screen.query_one(Input).value == "03:15"
        await pilot.click("#remove")
        await until(pilot, lambda: table.read_text(encoding="utf-8") == "")
        await until(pilot, lambda: "No night begins by itself; s sets" in words(pilot))
        await pilot.press("u")
        await until(pilot, lambda: table.read_text(encoding="utf-8") == first)
        await settled(pilot)
        await pilot.press("u")
        await until(pilot, lambda: table.read_text(encoding="utf-8") == "")
        await dialog(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert table.read_text(encoding="utf-8") == ""


async def test_without_a_scheduler_it_says_what_another_one_can_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_crontab(tmp_path, monkeypatch)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot, "nights")
        await until(pilot, lambda: "There is no crontab on this machine, so no night begins by itself" in words(pilot))
        asking = await dialog(pilot)
        assert "Another scheduler can do it, by running this every day:" in words(pilot)
        assert "-m studio --workspace" in words(pilot)
        assert [button.id for button in asking.query(Button)] == ["leave"]
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not asking)


def interrupted(studio: Studio) -> NightFolder:
    """A night whose process was killed: its lock is free, its last word is that it trains."""
    night = add_night(studio, NightState.TRAINING)
    folder = NightFolder(studio.workspace.nights / night.id)
    folder.path.mkdir(parents=True)
    folder.write_progress(NightProgress(night.id, NightState.TRAINING, step=30, steps=120))
    return folder


async def test_an_interrupted_night_is_given_up_after_asking_and_taken_up_again(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    interrupted(studio)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await go(pilot, "nights")
        await until(pilot, lambda: "or x to give it up" in words(pilot) and "x Give up" in words(pilot))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "The next one begins anew." in words(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert studio.log.nights.all()[0].state is NightState.TRAINING
        await pilot.press("x", "y")
        await until(pilot, lambda: studio.log.nights.all()[0].state is NightState.CANCELLED)
        await until(pilot, lambda: "Last night: cancelled." in words(pilot))
        assert "x Give up" not in words(pilot)
        await pilot.press("u")
        await until(pilot, lambda: studio.log.nights.all()[0].state is NightState.TRAINING)
        await until(pilot, lambda: "The night was interrupted." in words(pilot))


async def test_another_night_since_leaves_it_given_up(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    interrupted(studio)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await go(pilot, "nights")
        await until(pilot, lambda: "x Give up" in words(pilot))
        await pilot.press("x", "y")
        await until(pilot, lambda: "Last night: cancelled." in words(pilot))
        add_night(studio, NightState.KEPT, "No better.", hours=1)
        await pilot.press("u")
        await until(pilot, lambda: "Another night has begun since." in words(pilot))
        assert [night.state for night in studio.log.nights.all()] == [NightState.KEPT, NightState.CANCELLED]


async def test_the_choice_of_an_adapter_is_taken_back(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    for version in (1, 2):
        add_night(studio, NightState.PROMOTED, version=version, hours=version)

    def active() -> int | None:
        adapter = studio.log.adapters.active(MODEL)
        return None if adapter is None else adapter.version

    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await go(pilot, "nights")
        await until(pilot, lambda: app.screen.active_bindings["z"].enabled)
        for key, expected in (("z", 1), ("o", None), ("u", 1), ("u", 2)):
            await pilot.press(key)
            await until(pilot, lambda expected=expected: active() == expected)  # type: ignore[misc]
            await settled(pilot)
        assert "u Undo" not in words(pilot)
