"""The tour as a newcomer takes it: offered, never forced; every step is the user's own and waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio
from tui_driving import AppPilot, ask, chat, notices, settled, shown, until, write
from tui_values import a_lesson, add_lessons

from studio.domain.generation import Lane
from studio.tui.app import StudioApp
from studio.tui.screens.compare import CompareScreen
from studio.tui.screens.lesson_form import LessonForm
from studio.tui.screens.lessons import LessonsScreen
from studio.tui.tour import TourStrip
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.text_input import Composer, PlainTextArea

SIZES = [(80, 24), (120, 36), (200, 50)]
QUESTION = "What is my cat called?"


def told(pilot: AppPilot) -> str:
    strips = pilot.app.screen.query(TourStrip)
    return str(strips.first().content) if strips else ""


def from_correction(lane: Lane) -> str:
    """Says what the prompt holds of the correction, be it as an earlier turn or as a lesson."""
    told = any("Minka" in message.content for message in lane.messages)
    return "Your cat is called Minka." if told else "I guess it is Tom."


async def test_is_offered_where_nothing_was_ever_asked(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "ctrl+t takes you through it" in " ".join(shown(pilot).split()))
        assert not told(pilot)
        await ask(pilot, QUESTION)
    again = StudioApp(studio)
    async with again.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "ctrl+t takes" not in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_leads_to_ones_own_first_correction_and_what_it_taught(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(from_correction)))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "Ask something that no model can know" in told(pilot))
        assert "Tour 1/5" in shown(pilot)
        await ask(pilot, QUESTION)
        await until(pilot, lambda: "press e to put it right" in told(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "Write what is true" in told(pilot))
        app.screen.query_one(AnswerEditor).query_one(PlainTextArea).load_text("Your cat is called Minka.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ask the same in other words" in told(pilot))
        await settled(pilot)
        assert [one.corrected for one in app.studio.log.corrections.all()] == ["Your cat is called Minka."]
        await pilot.press("f3")
        await until(pilot, lambda: "Tour 4/5" in shown(pilot))
        await write(pilot, "Tell me what my cat is called?")
        await pilot.press("enter")
        await until(pilot, lambda: "know it now" in told(pilot))
        for arm in ("context", "lessons", "lora+lessons"):
            assert arm in told(pilot)
        assert "frozen" not in told(pilot)
        await settled(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not told(pilot))
        await pilot.press("f2")
        await pilot.pause(0.3)
        assert not told(pilot)


async def test_esc_ends_it_at_once_but_for_what_is_nearer(tmp_path: Path) -> None:
    engine = FakeEngine()
    app = StudioApp(fake_studio(tmp_path, engine=engine))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: told(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: not told(pilot))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: told(pilot))
        await ask(pilot, QUESTION)
        await until(pilot, lambda: "press e" in told(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "Write what is true" in told(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        assert told(pilot), "esc left the editor only"
        await pilot.press("escape")
        await until(pilot, lambda: not told(pilot))
        assert any("ctrl+t begins it again" in notice for notice in notices(pilot))
        await pilot.press("i")
        assert chat(pilot).query_one(Composer).has_focus
        await pilot.press("escape")
        assert chat(pilot).answers[-1].has_focus, "esc is as it was"


async def test_esc_in_a_lessons_form_leaves_the_form_and_not_the_tour(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_lessons(studio, a_lesson())
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "esc leaves the tour" in told(pilot))
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, LessonsScreen) and "Refund window" in shown(pilot))
        await pilot.press("e")
        await until(pilot, lambda: told(pilot) and "esc leaves the tour" not in told(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query_one(LessonForm).display)
        await until(pilot, lambda: "esc leaves the tour" in told(pilot))


async def test_is_in_the_palette_and_begins_with_an_empty_session(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "Something else?")
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        assert any(command.title == "Tour" for command in app.get_system_commands(app.screen))
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "Tour 1/5" in shown(pilot))
        assert app.screen is chat(pilot)
        assert "Something else?" not in shown(pilot)
