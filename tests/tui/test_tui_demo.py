"""The demonstration in the app: it can be paused and left, and tells its story from the top."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from studio_fakes import fake_studio
from tui_driving import chat, shown, until
from tui_values import add_correction

from studio.services.play_demo import Narrator
from studio.services.studio import Studio
from studio.tui.app import StudioApp
from studio.tui.screens import demo
from studio.tui.screens.demo import DemoScreen


async def two_chapters(studio: Studio, session: Path, narrator: Narrator) -> dict[str, object]:
    narrator.progress("questions asked", 3, 10)
    await narrator.chapter("The first chapter", "It begins.")
    narrator.progress("questions asked", 7, 10)
    await narrator.chapter("The second chapter", "It ends.")
    return {}


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_it_is_paused_goes_on_and_is_left_for_the_studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(demo, "play_demo", two_chapters)
    monkeypatch.setattr(demo, "CHAPTER_S", 0.2)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=size) as pilot:
        screen = DemoScreen(app.studio, tmp_path, None)
        await app.push_screen(screen)
        await until(pilot, lambda: "The first chapter" in shown(pilot))
        await pilot.press("space")
        await until(pilot, lambda: "Paused" in shown(pilot))
        assert "The first chapter" in shown(pilot).splitlines()[1], "a short story begins at the top"
        assert "of 10 questions asked" in shown(pilot), "what is going on is told all the same"
        assert "0%" in shown(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "The end." in shown(pilot))
        assert "Paused" not in shown(pilot)
        assert "%" not in shown(pilot), "nothing goes on any more"
        assert "The second chapter" in shown(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is chat(pilot))


async def one_correction(studio: Studio, session: Path, narrator: Narrator) -> dict[str, object]:
    narrator.progress("answers", 10, 10)
    await narrator.chapter("Corrections", "One.")
    correction = add_correction(studio)
    await narrator.correction(correction.prompt, correction.original, correction.corrected)
    await asyncio.Event().wait()
    return {}


async def test_what_it_has_learnt_is_counted_on_the_other_screens_and_what_it_does_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "play_demo", one_correction)
    monkeypatch.setattr(demo, "CHAPTER_S", 0.0)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await app.push_screen(DemoScreen(app.studio, tmp_path, None))
        await until(pilot, lambda: "Corrections…" in shown(pilot))
        assert "10 of 10 answers" not in shown(pilot), "those are over"
        await until(pilot, lambda: app.status.corrections == 1)
        await pilot.press("f4")
        await until(pilot, lambda: "1 correction" in shown(pilot))
        await pilot.press("f2")
        await until(pilot, lambda: "Corrections…" in shown(pilot))


async def with_figures(studio: Studio, session: Path, narrator: Narrator) -> dict[str, object]:
    for number in range(12):
        await narrator.say(f"Line {number} of the story.")
    await narrator.tallies({kind: {"before": {"frozen": [True]}} for kind in ("one", "two", "three", "the last")})
    return {}


async def test_story_and_figures_are_scrolled_by_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "play_demo", with_figures)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(DemoScreen(app.studio, tmp_path, None))
        await until(pilot, lambda: "Line 11" in shown(pilot) and "The end." in shown(pilot))
        assert "Line 0 " not in shown(pilot)
        await pilot.press("home")
        await until(pilot, lambda: "Line 0 " in shown(pilot))
        assert "the last" not in shown(pilot)
        await pilot.press("tab", "end")
        await until(pilot, lambda: "the last" in shown(pilot))
