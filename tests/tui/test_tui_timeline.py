"""The timeline of a question: stations, what held at each, what was said there, and what would be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from studio_fakes import FakeEngine, fake_studio
from textual.geometry import Spacing
from textual.widgets._footer import FooterKey
from tui_driving import AppPilot, settled, shown, until
from tui_values import MODEL, MORNING, QUESTION, add_correction, add_night, an_answer

from studio.domain.arms import LESSONS, LORA, LORA_LESSONS, ArmRecipe, Memory
from studio.domain.generation import Lane
from studio.domain.identity import new_id
from studio.domain.log import Conversation, Correction, Given, Turn
from studio.domain.nights import NightState
from studio.errors import UsageError
from studio.services.studio import Studio
from studio.services.timeline import Station, StationKind, answer_at, recipe_at, timeline
from studio.settings import NightSettings, Settings
from studio.tui.app import StudioApp
from studio.tui.messages import CompareRequested
from studio.tui.screens.compare import CompareScreen
from studio.tui.screens.timeline import ArmChoice, StationTab, TimelineScreen
from studio.tui.widgets.answer_editor import AnswerEditor


def by_adapter(lane: Lane) -> str:
    return f"45 days, says {lane.adapters[0].path.stem}." if lane.adapters else "30 days."


def said_later(studio: Studio, arm: str, text: str, hours: float, given: Given | None = None) -> None:
    """An answer of this arm to QUESTION, so long after MORNING."""
    conversation = Conversation(new_id(), "", MORNING, MORNING)
    turn = Turn(new_id(), conversation.id, 0, QUESTION, MORNING)
    studio.log.conversations.add(conversation)
    studio.log.conversations.add_turn(turn)
    answer = an_answer(turn, arm, text, given or Given())
    studio.log.answers.add([replace(answer, created_at=MORNING + timedelta(hours=hours))])


def from_night(studio: Studio, version: int) -> Given:
    """As an answer with the adapter of this version is logged."""
    (adapter,) = [one for one in studio.log.adapters.all(MODEL) if one.version == version]
    return Given(adapter_id=adapter.id, adapter_version=version)


def a_story(folder: Path) -> tuple[Studio, Correction]:
    """Corrected in the morning, a promoted night an hour later, one that was refused an hour after that."""
    studio = fake_studio(folder, engine=FakeEngine(by_adapter))
    correction = add_correction(studio)
    add_night(studio, NightState.PROMOTED, version=1, hours=1)
    add_night(studio, NightState.KEPT, version=2, hours=2)
    return studio, correction


async def test_a_station_for_the_beginning_each_correction_and_each_adapter(tmp_path: Path) -> None:
    studio, correction = a_story(tmp_path)
    stations = await timeline(studio, QUESTION)
    assert [(one.label, one.corrections, one.own, one.in_use) for one in stations] == [
        ("before", 0, 0, None),
        ("after the correction", 1, 1, None),
        ("night: v1", 1, 1, 1),
        ("night: v2, not promoted", 1, 1, 1),
    ]
    assert stations[1].correction == correction


async def test_answers_stand_where_they_were_given(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    said_later(studio, "lessons", "It is 45 days.", 0.5)
    said_later(studio, "lora", "It is 30 days.", 1.5, from_night(studio, 1))
    said_later(studio, "lora", "It is 45 days.", 2.5, from_night(studio, 2))
    told = [
        {arm: (said.text, said.ok) for arm, said in one.answers.items()} for one in await timeline(studio, QUESTION)
    ]
    assert told == [
        {"frozen": ("It is 30 days.", False)},
        {"lessons": ("It is 45 days.", True)},
        {"lora": ("It is 30 days.", False)},
        {"lora": ("It is 45 days.", True)},
    ]


async def test_what_another_model_said_with_its_adapter_is_not_told_of_this_models_night(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    said_later(studio, "lora", "It is 50 days.", 0.5, Given(adapter_id="another model's", adapter_version=1))
    stations = await timeline(studio, QUESTION)
    assert {one.label for one in stations if "lora" in one.answers} == {"after the correction"}


async def test_what_was_rolled_back_is_a_station_of_its_own(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    studio.log.adapters.activate(MODEL, None, "switched off by hand", MORNING + timedelta(hours=3))
    last = (await timeline(studio, QUESTION))[-1]
    assert (last.kind, last.label, last.in_use, last.adapter) == (StationKind.NOW, "now", None, None)


async def test_any_version_can_be_asked_without_being_logged(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    everywhere = ArmRecipe("lora", adapter="active", scope=-1.0)
    before, _, first, second = await timeline(studio, QUESTION)
    assert (await answer_at(studio, QUESTION, before, everywhere)).text == "30 days."
    one, two = [await answer_at(studio, QUESTION, station, everywhere) for station in (first, second)]
    assert (one.text, one.ok, one.kept) == ("45 days, says v1.", True, False)
    assert two.text == "45 days, says v2."
    assert len(studio.log.answers.to_prompt(QUESTION)) == 1


async def test_each_of_several_corrections_is_a_station(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    first = add_correction(studio)
    again = replace(first, id=new_id(), corrected="It is 60 days.", answer_id=None, supersedes=first.id)
    studio.log.corrections.add(replace(again, created_at=MORNING + timedelta(hours=1)))
    stations = await timeline(studio, QUESTION)
    assert [(one.label, one.corrections, one.own) for one in stations] == [
        ("before", 0, 0),
        ("after correction 1", 1, 1),
        ("after correction 2", 1, 2),
    ]


def test_before_its_correction_a_question_is_asked_without_memory(tmp_path: Path) -> None:
    before = Station(StationKind.BEFORE, MORNING, "before")
    after = Station(StationKind.CORRECTION, MORNING, "after", own=1)
    assert recipe_at(before, LESSONS).memory is Memory.NONE
    assert recipe_at(after, LESSONS).memory is Memory.LESSONS
    assert recipe_at(before, LORA_LESSONS).adapter == "none"
    assert recipe_at(Station(StationKind.NOW, MORNING, "now", in_use=3), LORA).adapter == "3"


async def test_a_question_without_a_past_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no past"):
        await timeline(fake_studio(tmp_path), "Never asked?")


async def on_the_timeline(pilot: AppPilot) -> TimelineScreen:
    pilot.app.screen.post_message(CompareRequested(QUESTION))
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
    await settled(pilot)
    await pilot.press("1", "t")
    await until(pilot, lambda: isinstance(pilot.app.screen, TimelineScreen))
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, TimelineScreen)
    return screen


def words(pilot: AppPilot) -> str:
    """What the dialog says, without its frame and the breaks of lines."""
    area = pilot.app.screen.query(".dialog").first().region.shrink(Spacing(1, 1, 1, 1))
    rows = pilot.app.screen._compositor.render_strips()[area.y : area.bottom]
    return " ".join(" ".join(row.crop(area.x, area.right).text.replace("█", " ") for row in rows).split())


async def test_where_there_is_but_one_station_it_says_why_and_offers_no_other(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    said_later(studio, "frozen", "It is 30 days.", 0.5)
    async with StudioApp(studio).run_test(size=(80, 24)) as pilot:
        await on_the_timeline(pilot)
        await until(pilot, lambda: "This very question was not corrected" in words(pilot))
        assert "Earlier" not in shown(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_one_steps_through_the_stations(tmp_path: Path, size: tuple[int, int]) -> None:
    studio, _ = a_story(tmp_path)
    said_later(studio, "frozen", "It is 30 days, I think.", 0.5)
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await on_the_timeline(pilot)
        await pilot.press("left", "left", "left", "left")
        await until(pilot, lambda: "[before ✗]" in words(pilot))
        assert "nothing corrected yet, no adapter in use" in words(pilot)
        assert "frozen answered wrong ✗ It is 30 days." in words(pilot)
        await pilot.press("right")
        await until(pilot, lambda: "[after the correction ✗]" in words(pilot))
        assert "You put it right: It is 45 days." in words(pilot)
        assert "Changed since 'before': It is 30 days{+, I think+}." in words(pilot)
        assert "Against the correction: It is [-30-]{+45+} days" in words(pilot)
        await pilot.press("right")
        await until(pilot, lambda: "[night: v1 ·]" in words(pilot))
        assert "frozen was not asked then. enter asks it as the model came." in words(pilot)
        assert "adapter v1 in use" in words(pilot)


async def test_an_adapter_of_the_past_is_asked_and_its_answer_copied(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    studio.settings = Settings(night=NightSettings(scope=-1.0))
    app = StudioApp(studio)
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        screen = await on_the_timeline(pilot)
        await pilot.press("left", "a", "a", "a")
        await until(pilot, lambda: "lora was not asked then. enter asks it with adapter v1" in words(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "lora answered right ✓ 45 days, says v1." in words(pilot))
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == "45 days, says v1.")
        await pilot.click(next(iter(screen.query(StationTab))))
        await until(pilot, lambda: "[before" in words(pilot))
        await pilot.click(screen.query_one(ArmChoice))
        await until(pilot, lambda: "arm lora+lessons" in words(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_a_long_row_of_stations_is_scrolled_to_the_one_shown(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    for version in range(3, 12):
        add_night(studio, NightState.PROMOTED, version=version, hours=version)
    app = StudioApp(studio)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_the_timeline(pilot)
        assert "[night: v11" in words(pilot)
        await pilot.press(*["left"] * 12)
        await until(pilot, lambda: "[before" in words(pilot))


async def test_votes_copies_and_corrections_go_by_key_footer_and_palette(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(200, 50)) as pilot:
        app.screen.post_message(CompareRequested(QUESTION))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await settled(pilot)
        await pilot.press("1")
        titles = {command.title: command for command in app.get_system_commands(app.screen)}
        footer = {key.description: key for key in app.screen.query(FooterKey)}
        for name in ("Prefer", "Copy", "Edit", "Then/now", "Diff"):
            assert name in titles
            assert name in footer
        await pilot.click(footer["Copy"])
        await until(pilot, lambda: app.clipboard == "30 days.")
        app.copy_to_clipboard("")
        await pilot.press("1", "y")
        await until(pilot, lambda: app.clipboard == "30 days.")
        await cast("Callable[[], Awaitable[object]]", titles["Prefer"].callback)()
        await until(pilot, lambda: "★ preferred" in shown(pilot))
        await pilot.click({key.description: key for key in app.screen.query(FooterKey)}["Prefer"])
        await until(pilot, lambda: "★ preferred" not in shown(pilot))
        await settled(pilot)
        await pilot.press("1")
        await pilot.click({key.description: key for key in app.screen.query(FooterKey)}["Edit"])
        await until(pilot, lambda: bool(app.screen.query(AnswerEditor)))


async def test_f1_tells_what_the_timeline_is_and_goes_back_to_it(tmp_path: Path) -> None:
    studio, _ = a_story(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        timeline_screen = await on_the_timeline(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: "before anything was learnt" in " ".join(shown(pilot).split()))
        assert "To the station after" in shown(pilot)
        assert "f5" not in shown(pilot), "the app's other keys do not act above a dialog"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is timeline_screen)
