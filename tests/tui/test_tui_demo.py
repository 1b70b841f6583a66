"""The demonstration in the app: it is told at the presenter's pace, begun again, and left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from studio_fakes import fake_studio
from tui_driving import AppPilot, chat, shown, until
from tui_values import add_correction, add_night

from studio.domain.nights import NightState
from studio.services.play_demo import Chapter, Narrator
from studio.services.studio import Studio
from studio.tui.app import StudioApp
from studio.tui.screens import demo_story
from studio.tui.screens.demo import DemoScreen, Play

TITLES = ("The first chapter", "The second chapter", "The third chapter")


class Story:
    """Three chapters in the place of the real ones; a chapter's work takes until `works` is set."""

    def __init__(self) -> None:
        self.works = asyncio.Event()
        self.works.set()

    async def play(self, studio: Studio, session: Path, narrator: Narrator) -> dict[str, object]:
        for number, title in enumerate(TITLES, 1):
            await narrator.chapter(Chapter(number, len(TITLES), title, f"It is number {number}."))
            narrator.progress("questions asked", number, 10)
            await self.works.wait()
            await narrator.say(f"What came of {number}.")
        return {}


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    """Told without haste or waits: only the presenter decides."""
    told = Story()
    monkeypatch.setattr(demo_story, "play_demo", told.play)
    for name in ("CHAPTER_S", "LINE_S", "CORRECTION_S"):
        monkeypatch.setattr(demo_story, name, 0.0)
    return told


async def begin(app: StudioApp, folder: Path) -> DemoScreen:
    scenes = iter(range(1, 100))
    play = Play(folder, (), lambda: fake_studio(folder / f"scene-{next(scenes)}"))
    screen = DemoScreen(app.studio, play)
    await app.push_screen(screen)
    return screen


def telling(pilot: AppPilot) -> DemoScreen:
    screen = pilot.app.screen
    assert isinstance(screen, DemoScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_it_is_told_to_its_end_with_all_its_keys_in_sight(
    tmp_path: Path, story: Story, size: tuple[int, int]
) -> None:
    app = StudioApp(fake_studio(tmp_path))
    story.works.clear()
    async with app.run_test(size=size) as pilot:
        await begin(app, tmp_path)
        await until(pilot, lambda: "1 of 10 questions asked" in shown(pilot))
        assert TITLES[0] in shown(pilot).splitlines()[1], "a short story begins at the top"
        assert "chapter 1 of 3" in shown(pilot)
        for key in ("space Pause", "pgdn Next", "pgup Back", "a Audience", "- Slower", "+ Faster", "h By hand"):
            assert key in shown(pilot)
        for key in ("b Blank", "r Restart", "tab Figures", "esc Leave", "f1 Help", "^q Quit"):
            assert key in shown(pilot)
        story.works.set()
        await until(pilot, lambda: "The end." in shown(pilot))
        assert "%" not in shown(pilot), "nothing goes on any more"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is chat(pilot))


async def test_paused_it_goes_on_by_steps_with_a_clicker_and_then_by_itself(tmp_path: Path, story: Story) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        story.works.clear()
        screen = await begin(app, tmp_path)
        await until(pilot, lambda: "1 of 10" in shown(pilot))
        await pilot.press("space")
        assert "paused" in shown(pilot)
        story.works.set()
        await until(pilot, lambda: screen.pace.waits)
        assert "What came of 1." in shown(pilot), "what it computes is told all the same"
        for key, told in (("right", "chapter 1"), ("pagedown", TITLES[1]), ("n", "What came of 2.")):
            await until(pilot, lambda: screen.pace.waits)
            assert told == "chapter 1" or told not in shown(pilot)
            await pilot.press(key)
            await until(pilot, lambda told=told: told in shown(pilot))  # type: ignore[misc]
        assert "paused" in shown(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "The end." in shown(pilot))
        assert "paused" not in shown(pilot)


async def test_by_hand_every_chapter_waits_for_the_presenter(tmp_path: Path, story: Story) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        story.works.clear()
        screen = await begin(app, tmp_path)
        await until(pilot, lambda: "1 of 10" in shown(pilot))
        await pilot.press("h")
        story.works.set()
        for title in TITLES[1:]:
            await until(pilot, lambda: screen.pace.waits_for_presenter)
            assert "waits for the presenter" in shown(pilot)
            assert title not in shown(pilot), "what came of the chapter stands until the presenter goes on"
            await pilot.press("pagedown")
            await until(pilot, lambda title=title: title in shown(pilot))  # type: ignore[misc]
        await until(pilot, lambda: "The end." in shown(pilot))


async def test_what_is_told_stands_longer_or_shorter_as_the_presenter_wants(
    tmp_path: Path, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_story, "CHAPTER_S", 3600.0)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(app, tmp_path)
        await until(pilot, lambda: screen.pace.waits)
        await pilot.press("minus", "minus", "minus")
        assert screen.pace.factor == 4
        assert "slower ×4" in shown(pilot)
        await pilot.press("plus", "plus", "plus", "plus")
        assert "faster ×4" in shown(pilot)
        monkeypatch.setattr(demo_story, "CHAPTER_S", 0.0)
        assert "What came of 1." not in shown(pilot)
        await pilot.press("pagedown")
        await until(pilot, lambda: "The end." in shown(pilot))


async def test_looking_back_makes_the_story_wait_until_the_presenter_has_come_back(
    tmp_path: Path, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 14)) as pilot:
        await begin(app, tmp_path)
        await until(pilot, lambda: "The end." in shown(pilot))
        assert TITLES[0] not in shown(pilot)
        await pilot.press("pageup")
        await pilot.press("left")
        await until(pilot, lambda: TITLES[0] in shown(pilot))
        assert "looking back" in shown(pilot)
        assert telling(pilot).pace.held
        for _ in TITLES:
            await pilot.press("pagedown")
        await until(pilot, lambda: "What came of 3." in shown(pilot))
        assert not telling(pilot).pace.held
        await pilot.press("home")
        await until(pilot, lambda: TITLES[0] in shown(pilot))


async def test_a_black_screen_is_gone_at_any_key_and_the_story_has_waited(tmp_path: Path, story: Story) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        story.works.clear()
        screen = await begin(app, tmp_path)
        await until(pilot, lambda: "1 of 10" in shown(pilot))
        await pilot.press("b")
        await until(pilot, lambda: not shown(pilot).strip())
        story.works.set()
        await until(pilot, lambda: screen.pace.waits)
        assert not screen.is_over
        await pilot.press("pagedown")
        await until(pilot, lambda: "The end." in shown(pilot))


async def test_begun_again_it_starts_over_an_empty_log_at_the_same_pace(tmp_path: Path, story: Story) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        first = await begin(app, tmp_path)
        await until(pilot, lambda: "The end." in shown(pilot))
        add_correction(app.studio)
        add_night(app.studio, NightState.PROMOTED, version=1)
        app.log_changed()
        await until(pilot, lambda: app.status.corrections == 1)
        await pilot.press("minus", "r")
        await until(pilot, lambda: "1 live correction and the night" in shown(pilot))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is first)
        story.works.clear()
        await pilot.press("r")
        await until(pilot, lambda: "Begin again?" in shown(pilot))
        await pilot.press("y")
        await until(pilot, lambda: app.screen is not first and "1 of 10" in shown(pilot))
        assert "slower ×2" in shown(pilot)
        assert app.studio is telling(pilot).studio is chat(pilot).studio is not first.studio
        assert app.studio.log.corrections.all() == []
        await until(pilot, lambda: app.status.corrections == 0)
        await pilot.press("f3")
        await until(pilot, lambda: "Ask all arms something" in shown(pilot))
        await pilot.press("f2", "r")  # nothing would be lost: at once
        await until(pilot, lambda: "1 of 10" in shown(pilot) and app.studio.workspace.root.name == "scene-2")


async def test_leaving_before_the_end_is_asked_first(tmp_path: Path, story: Story) -> None:
    app = StudioApp(fake_studio(tmp_path))
    story.works.clear()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(app, tmp_path)
        await until(pilot, lambda: "1 of 10" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Leave?" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("escape")
        await until(pilot, lambda: "Leave?" in shown(pilot))
        await pilot.press("y")
        await until(pilot, lambda: app.screen is chat(pilot))
        assert not any(worker.group == "story" and worker.is_running for worker in app.workers)


async def one_correction(studio: Studio, session: Path, narrator: Narrator) -> dict[str, object]:
    narrator.progress("answers", 10, 10)
    await narrator.chapter(Chapter(1, 1, "Corrections", "One."))
    correction = add_correction(studio)
    await narrator.correction(correction.prompt, correction.original, correction.corrected)
    await asyncio.Event().wait()
    return {}


async def test_what_it_has_learnt_is_counted_on_the_other_screens_and_what_it_does_is_told(
    tmp_path: Path, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_story, "play_demo", one_correction)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await begin(app, tmp_path)
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


async def test_story_and_figures_are_scrolled_by_keys(
    tmp_path: Path, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_story, "play_demo", with_figures)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(app, tmp_path)
        await until(pilot, lambda: "Line 11" in shown(pilot) and "The end." in shown(pilot))
        assert "Line 0 " not in shown(pilot)
        await pilot.press("home")
        await until(pilot, lambda: "Line 0 " in shown(pilot))
        assert "the last" not in shown(pilot)
        await pilot.press("tab", "end")
        await until(pilot, lambda: "the last" in shown(pilot))


async def test_keys_are_told_in_help_found_by_name_and_given_others_in_the_settings(
    tmp_path: Path, story: Story
) -> None:
    import msgspec

    from studio.settings import Settings, UiSettings
    from studio.tui.key_names import all_keys

    settings = msgspec.structs.replace(Settings(), ui=UiSettings(keys={"demo.next": "j"}))
    names = {key.name: key for key in all_keys(settings.ui.keys)}
    assert {"demo.pace", "demo.back", "demo.audience", "demo.blank", "demo.restart", "audience.again"} <= set(names)
    assert names["demo.next"].key == "j"
    app = StudioApp(fake_studio(tmp_path, settings=settings))
    story.works.clear()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await begin(app, tmp_path)
        await until(pilot, lambda: "1 of 10" in shown(pilot))
        await pilot.press("f1")
        await until(pilot, lambda: "Look back at the chapter before" in shown(pilot))
        assert "pgup        Look back" in shown(pilot)
        assert "j           Go on at once" in shown(pilot)
        await pilot.press("escape", "space")
        story.works.set()
        await until(pilot, lambda: screen.pace.waits)
        await pilot.press("pagedown")
        assert screen.pace.waits, "the usual key has been given away"
        await pilot.press("j")
        await until(pilot, lambda: TITLES[1] in shown(pilot) or screen.pace.waits)
        titles = {command.title for command in app.get_system_commands(screen)}
        assert {"Pause", "Next", "Back", "Audience", "Blank", "Restart", "Slower", "Faster", "By hand"} <= titles
