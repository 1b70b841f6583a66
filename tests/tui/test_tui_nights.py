"""Nights as a user drives them: start, watch, pause, resume, cancel, and choose the adapter that answers."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio
from textual import events
from textual.widgets import DataTable, Sparkline
from tui_driving import AppPilot, notices, settled, shown, until
from tui_values import HOSTILE, MODEL, MORNING, add_correction, add_night

from studio.domain.generation import EngineOptions, ModelFacts
from studio.domain.nights import Adapter, Night, NightProgress, NightState
from studio.errors import ModelError
from studio.services.studio import Studio
from studio.training.job import NightFolder, Request
from studio.training.launcher import hold_night_lock
from studio.tui.app import StudioApp
from studio.tui.screens.night_words import duration, version_before
from studio.tui.screens.nights import NightsScreen
from studio.tui.widgets.dialogs import ConfirmDialog

SIZES = [(80, 24), (120, 36), (200, 50)]
WIDE = (160, 40)


def folder_of(studio: Studio, night: Night) -> NightFolder:
    folder = NightFolder(studio.workspace.nights / night.id)
    folder.path.mkdir(parents=True, exist_ok=True)
    return folder


def training(night: Night) -> NightProgress:
    return NightProgress(
        night_id=night.id,
        state=NightState.TRAINING,
        step=30,
        steps=120,
        loss=0.75,
        losses=(2.5, 1.5, 0.75),
        elapsed_s=130,
        eta_s=200,
        rss_bytes=812_000_000,
        tokens_per_s=240,
    )


@contextmanager
def running_night(studio: Studio) -> Iterator[tuple[Night, NightFolder]]:
    """A night as its own process would keep it: its row, its progress, its lock."""
    night = add_night(studio, NightState.TRAINING)
    folder = folder_of(studio, night)
    folder.write_progress(training(night))
    with hold_night_lock(studio.workspace.night_lock):
        yield night, folder


def words(pilot: AppPilot) -> str:
    """What is shown, as one line without frames."""
    return " ".join("".join(" " if "─" <= character <= "╿" else character for character in shown(pilot)).split())


def active(studio: Studio) -> int | None:
    adapter = studio.log.adapters.active(MODEL)
    return None if adapter is None else adapter.version


async def open_nights(pilot: AppPilot) -> NightsScreen:
    await pilot.press("f5")
    await until(pilot, lambda: isinstance(pilot.app.screen, NightsScreen))
    await settled(pilot)
    assert isinstance(pilot.app.screen, NightsScreen)
    return pilot.app.screen


@pytest.mark.parametrize("size", [*SIZES, (40, 10)])
async def test_says_what_a_night_is_before_the_first(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=size) as pilot:
        screen = await open_nights(pilot)
        screen.query_one("#nights-body").scroll_home(animate=False)
        await until(pilot, lambda: "No night has run yet." in words(pilot))
        if size != (40, 10):
            assert "There is nothing to train on yet" in words(pilot)
            assert "No adapter yet" in words(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_follows_a_running_night(tmp_path: Path, size: tuple[int, int]) -> None:
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    with running_night(studio) as (night, folder):
        async with app.run_test(size=size) as pilot:
            screen = await open_nights(pilot)
            await until(pilot, lambda: "The night is training, step 30 of 120." in words(pilot))
            text = words(pilot)
            for figure in ("loss 0.75 (began at 2.50)", "2 min 10 s so far", "about 3 min 20 s left", "812 MB", "240"):
                assert figure in text
            assert screen.query_one(Sparkline).data == (2.5, 1.5, 0.75)
            folder.write_progress(replace(training(night), step=31, paused=True, message="cooling down"))
            await until(pilot, lambda: "The night is paused, step 31 of 120." in words(pilot))
            assert "cooling down" in words(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_shows_how_far_the_tests_of_a_night_are(tmp_path: Path, size: tuple[int, int]) -> None:
    """The row of the night too, though the log still has it as training: the child is the first to know."""
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    with running_night(studio) as (night, folder):
        async with app.run_test(size=size) as pilot:
            screen = await open_nights(pilot)
            await until(pilot, lambda: screen.check_action("cancel", ()))
            testing = replace(training(night), state=NightState.EVALUATING, step=40, steps=400, eta_s=None)
            folder.write_progress(replace(testing, message="asking held-back questions"))
            await until(pilot, lambda: "answer 40 of 400" in words(pilot))
            await until(pilot, lambda: "testing" in str(screen.query_one("#nights-table", DataTable).get_row_at(0)[1]))
            assert "asking held-back questions" in words(pilot)
            # Nobody would heed them.
            assert not any(screen.check_action(action, ()) for action in ("pause", "resume", "cancel", "start_night"))


async def test_pauses_resumes_and_cancels_only_after_asking(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    with running_night(studio) as (night, folder):
        async with app.run_test(size=WIDE) as pilot:
            screen = await open_nights(pilot)
            await until(pilot, lambda: screen.check_action("pause", ()))
            await pilot.press("p")
            await until(pilot, lambda: folder.read_request() is Request.PAUSE)
            folder.write_progress(replace(training(night), paused=True))
            await until(pilot, lambda: screen.check_action("resume", ()))
            await pilot.press("r")
            await until(pilot, lambda: folder.read_request() is Request.RUN)
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await pilot.press("n")
            await until(pilot, lambda: app.screen is screen)
            assert folder.read_request() is Request.RUN
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await pilot.press("y")
            await until(pilot, lambda: folder.read_request() is Request.CANCEL)


async def test_a_running_night_is_found_again_by_the_next_app(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    with running_night(studio):
        for _ in range(2):
            app = StudioApp(fake_studio(tmp_path))
            async with app.run_test(size=WIDE) as pilot:
                await open_nights(pilot)
                await until(pilot, lambda: "step 30 of 120" in words(pilot))


async def test_a_night_whose_process_was_killed_can_be_taken_up_again(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    with running_night(studio):
        pass  # its lock is free now, its progress still says that it trains
    app = StudioApp(studio)
    async with app.run_test(size=WIDE) as pilot:
        screen = await open_nights(pilot)
        await until(pilot, lambda: "The night was interrupted." in words(pilot))
        assert screen.check_action("start_night", ())
        assert not screen.check_action("pause", ())
        await until(pilot, lambda: "night interrupted" in words(pilot))  # in the header


async def test_starts_a_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(tmp_path)

    async def start(studio: Studio) -> None:
        night = add_night(studio, NightState.TRAINING)
        folder_of(studio, night).write_progress(training(night))

    async def runs(studio: Studio) -> bool:
        return True

    monkeypatch.setattr("studio.services.follow_night.start_night", start)
    monkeypatch.setattr("studio.services.follow_night.night_runs", runs)
    app = StudioApp(studio)
    async with app.run_test(size=WIDE) as pilot:
        await open_nights(pilot)
        await pilot.press("n")
        await until(pilot, lambda: "step 30 of 120" in words(pilot))


async def test_a_night_that_gets_its_examples_ready_is_shown_and_can_be_cancelled(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    night = add_night(studio, NightState.PREPARING)
    folder = folder_of(studio, night)
    app = StudioApp(studio)
    with hold_night_lock(studio.workspace.night_lock):
        async with app.run_test(size=WIDE) as pilot:
            await open_nights(pilot)
            await until(pilot, lambda: "The night is getting the examples ready." in words(pilot))
            assert "Start a night" not in words(pilot)
            await until(pilot, lambda: app.status.night)
            await pilot.press("x", "y")
            await until(pilot, lambda: folder.read_request() is Request.CANCEL)
            await until(pilot, lambda: "The night ends when what it is at is done." in words(pilot))
            folder.write_progress(NightProgress(night.id, NightState.CANCELLED, message="cancelled"))
            await until(pilot, lambda: "Last night: cancelled." in words(pilot))
            assert "when what it is at" not in words(pilot)


async def test_a_night_just_started_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start_night(studio: Studio) -> None:
        add_night(studio, NightState.PREPARING)

    monkeypatch.setattr("studio.services.follow_night.start_night", start_night)
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    with hold_night_lock(studio.workspace.night_lock):
        async with app.run_test(size=WIDE) as pilot:
            screen = await open_nights(pilot)
            await pilot.press("n")
            await until(pilot, lambda: screen.query_one(DataTable).row_count == 1)
            await until(pilot, lambda: "The night is getting the examples ready." in words(pilot))


async def test_too_few_corrections_are_told_and_stay_told(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        screen = await open_nights(pilot)
        await pilot.press("n")
        await until(pilot, lambda: any("There are no corrections to train on." in told for told in notices(pilot)))
        app.clear_notifications()
        await until(pilot, lambda: "There are no corrections to train on." in words(pilot))
        assert screen.check_action("start_night", ())


async def test_the_history_says_in_words_why(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_night(studio, NightState.PROMOTED, "18 of 20 probes right.", version=1)
    add_night(studio, NightState.KEPT, f"General questions fell. {HOSTILE}", version=2)
    app = StudioApp(studio)
    async with app.run_test(size=WIDE) as pilot:
        await open_nights(pilot)
        await until(pilot, lambda: "promoted" in words(pilot) and "v2" in words(pilot))
        text = words(pilot)
        assert "not promoted" in text
        assert "6.0" in text, "minutes"
        assert "General questions fell. [bold]markup[/bold] ␛[31m" in text
        await pilot.press("down")
        await until(pilot, lambda: "18 of 20 probes right." in words(pilot))


async def test_rolls_back_uses_a_chosen_version_and_switches_off(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    for version in (1, 2, 3):
        add_night(studio, NightState.PROMOTED, version=version)
    app = StudioApp(studio)
    async with app.run_test(size=WIDE) as pilot:
        screen = await open_nights(pilot)
        table = screen.query_one("#adapters-table", DataTable)
        await until(pilot, lambda: table.row_count == 3)
        await until(pilot, lambda: app.screen.active_bindings["a"].enabled)
        await pilot.press("z")
        await until(pilot, lambda: active(studio) == 2)
        await settled(pilot)
        table.focus()
        table.move_cursor(row=2)
        await pilot.press("a")
        await until(pilot, lambda: active(studio) == 1)
        await settled(pilot)
        await pilot.press("z")
        await until(pilot, lambda: any("no earlier adapter" in told for told in notices(pilot)))
        await pilot.press("o")
        await until(pilot, lambda: active(studio) is None)
        await until(pilot, lambda: "No adapter is in use" in words(pilot))


async def test_what_the_command_line_changed_meanwhile_is_seen_on_coming_back(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    for version in (1, 2):
        add_night(studio, NightState.PROMOTED, version=version)
    app = StudioApp(studio)
    async with app.run_test(size=WIDE) as pilot:
        await open_nights(pilot)
        await until(pilot, lambda: "v2 ● yes" in words(pilot))
        one, two = studio.log.adapters.all(MODEL)
        studio.log.adapters.activate(MODEL, one.id, "by another process", MORNING)
        add_correction(studio)
        await pilot.press("f2", "f5")
        await until(pilot, lambda: "v1 ● yes" in words(pilot) and app.status.corrections == 1)
        studio.log.adapters.activate(MODEL, two.id, "by another process", MORNING)
        app.post_message(events.AppFocus())  # as a terminal tells when its window is chosen again
        await until(pilot, lambda: "v2 ● yes" in words(pilot))


async def test_without_a_model_the_nights_are_still_listed(tmp_path: Path) -> None:
    class Broken(FakeEngine):
        async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
            raise ModelError("broken.gguf is no GGUF file.", "Choose another.")

    studio = fake_studio(tmp_path, engine=Broken())
    add_night(studio, NightState.KEPT, "No better.")
    app = StudioApp(studio)
    async with app.run_test(size=WIDE) as pilot:
        await open_nights(pilot)
        await until(pilot, lambda: "not promoted" in words(pilot) and "broken.gguf is no GGUF file." in words(pilot))


async def test_tells_when_it_stands_still_for_the_user(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    with running_night(studio), studio.workspace.interactive_lock.open("w") as lock:
        async with app.run_test(size=WIDE) as pilot:
            await open_nights(pilot)
            await until(pilot, lambda: "The night is training" in words(pilot))
            fcntl.flock(lock, fcntl.LOCK_SH)
            await until(pilot, lambda: "stands still while you are being answered" in words(pilot))
            fcntl.flock(lock, fcntl.LOCK_UN)
            await until(pilot, lambda: "The night is training" in words(pilot))


def polls(screen: NightsScreen) -> bool:
    return screen._timer is not None and screen._timer._active.is_set()


async def test_is_not_polled_out_of_sight(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=WIDE) as pilot:
        screen = await open_nights(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: app.screen is not screen)
        await until(pilot, lambda: not polls(screen))
        await pilot.press("f5")
        await until(pilot, lambda: app.screen is screen and polls(screen))


def test_durations_read_as_people_say_them() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.6, 200, 3900)] == ["0 s", "1 min 0 s", "3 min 20 s", "1 h 5 min"]


def test_rolling_back_skips_adapters_that_were_removed_or_refused(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    for version in (1, 2, 3):
        add_night(studio, NightState.PROMOTED, version=version)
    one, two, three = studio.log.adapters.all(MODEL)
    nights = studio.log.nights.all()

    def before(*known: Adapter, nights: list[Night] = nights) -> Adapter | None:
        return version_before(known, nights)

    assert before(one, two, three) == two
    assert before(one, replace(two, removed=True), three) == one
    assert before(three) is None
    refused = [replace(night, state=NightState.KEPT) if night.adapter_id == two.id else night for night in nights]
    assert before(one, two, three, nights=refused) == one


async def test_without_an_adapter_its_keys_are_not_offered_and_say_why(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await open_nights(pilot)
        await settled(pilot)
        for key in "azo":
            assert key not in app.screen.active_bindings
            app.clear_notifications()
            await pilot.press(key)
            await until(pilot, lambda: any("No adapter yet" in told for told in notices(pilot)))


async def test_rolling_back_from_no_adapter_says_how_to_choose_one(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_night(studio, NightState.KEPT, version=1)
    app = StudioApp(studio)
    async with app.run_test(size=WIDE) as pilot:
        await open_nights(pilot)
        await until(pilot, lambda: app.screen.active_bindings["z"].enabled)
        await pilot.press("z")
        await until(pilot, lambda: any("a puts the chosen one into use" in told for told in notices(pilot)))
        assert active(studio) is None
