"""Curves as a user sees it: the plot with its table, what was lost, and nothing that steers the terminal."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from rich.cells import cell_len
from story_log import story_log
from studio_fakes import fake_studio
from textual.containers import ScrollableContainer
from textual.widgets import Static
from tui_driving import AppPilot, notices, settled, shown, until
from tui_values import add_correction

from studio.domain.stores import Log
from studio.reporting.log_report import LogStory
from studio.services.report_log import read_story
from studio.tui.app import StudioApp
from studio.tui.screens import curves
from studio.tui.screens.curves import CurvesScreen
from studio.tui.widgets.pick_dialog import PickDialog


async def open_curves(pilot: AppPilot) -> str:
    await pilot.press("f6")
    await until(pilot, lambda: isinstance(pilot.app.screen, CurvesScreen))
    await settled(pilot)
    return str(pilot.app.screen.query_one("#curves-page", Static).content)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_plot_and_table_stand_on_one_page(tmp_path: Path, size: tuple[int, int]) -> None:
    story_log(tmp_path)
    async with StudioApp(fake_studio(tmp_path)).run_test(size=size) as pilot:
        page = await open_curves(pilot)
        assert "Corrected questions right, by corrections made" in shown(pilot)
        assert "A frozen  B lessons" in page
        for told in ("67 [33, 100] (6)", "forgotten", "stale", "Kept: too little gain."):
            assert told in page
        assert "\x1b" not in page
        plot = page.partition("| 95% interval")[0].split("\n")
        assert max(map(len, plot)) <= size[0] - 2
        body = pilot.app.screen.query_one("#curves-body", ScrollableContainer)
        await pilot.press("end")
        await until(pilot, lambda: body.scroll_y > 0)


async def test_what_is_known_at_once_is_shown_while_the_answers_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story_log(tmp_path)
    may_go_on = threading.Event()

    def slowly(log: Log, label: str = "") -> LogStory | None:
        may_go_on.wait(30)
        return read_story(log, label)

    monkeypatch.setattr(curves, "read_story", slowly)
    async with StudioApp(fake_studio(tmp_path)).run_test(size=(120, 36)) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: "Judging the answers" in shown(pilot))
        first = shown(pilot)
        may_go_on.set()
        page = pilot.app.screen.query_one("#curves-page", Static)
        await until(pilot, lambda: "answers in the log" in str(page.content))
        assert "Kept: too little gain." in first
        counted = "Corrections: 6 in force, 2 superseded, 1 undone."
        assert counted in first
        assert counted in str(page.content), "what the log counts is what the story counts"


async def test_in_a_narrow_window_every_sentence_and_table_is_within_it(tmp_path: Path) -> None:
    story_log(tmp_path)
    async with StudioApp(fake_studio(tmp_path)).run_test(size=(80, 24)) as pilot:
        page = await open_curves(pilot)
        assert max(map(cell_len, page.split("\n"))) <= 76
        assert pilot.app.screen.query_one("#curves-body", ScrollableContainer).max_scroll_x == 0


async def test_without_a_correction_it_says_how_to_begin(tmp_path: Path) -> None:
    async with StudioApp(fake_studio(tmp_path)).run_test(size=(80, 24)) as pilot:
        assert "No correction has been made yet" in await open_curves(pilot)

        page = pilot.app.screen.query_one("#curves-page", Static)
        assert page.size.width <= 80, "its sentences are as wide as the window"
        await until(pilot, lambda: "who answers it right." in " ".join(shown(pilot).split()))


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_curves_of_one_label_are_chosen_and_all_again(tmp_path: Path, size: tuple[int, int]) -> None:
    story_log(tmp_path)
    async with StudioApp(fake_studio(tmp_path)).run_test(size=size) as pilot:
        await open_curves(pilot)
        await until(pilot, lambda: "All corrections; l shows those of one label (2)" in shown(pilot))
        await pilot.press("l")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await pilot.press(*"tone", "enter")
        await until(pilot, lambda: "Only label 'tone', 2 questions; l chooses another" in shown(pilot))
        page = str(pilot.app.screen.query_one("#curves-page", Static).content)
        assert "Corrected questions right, by corrections made, label 'tone'" in page
        assert "(2)" in page
        assert "Nights and adapters" not in page
        await pilot.click("#curves-of")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await pilot.press(*"all", "enter")
        await until(pilot, lambda: "All corrections;" in shown(pilot))


async def test_without_labels_it_says_where_they_come_from(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_correction(studio)
    async with StudioApp(studio).run_test(size=(80, 24)) as pilot:
        await open_curves(pilot)
        await pilot.press("l")
        await until(pilot, lambda: any("No correction has a label yet" in told for told in notices(pilot)))
