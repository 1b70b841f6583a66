"""The audience asks in the middle of the demonstration: a live correction, and the story goes on where it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio
from tui_driving import AppPilot, notices, settled, shown, until, write

from studio.domain.generation import Lane
from studio.domain.lessons import Lesson, LessonStatus
from studio.domain.log import Correction, Origin
from studio.evaluation.audience_file import PreparedQuestion
from studio.services.learn_lessons import learn_lesson
from studio.services.play_demo import Chapter, Narrator
from studio.services.studio import Studio
from studio.tui.app import StudioApp
from studio.tui.recording import Recording
from studio.tui.screens import demo_story
from studio.tui.screens.audience import AudienceScreen
from studio.tui.screens.demo import DemoScreen, Play

QUESTION, ANSWER = "What is our shop dog called?", "Our shop dog is called Ritzel."
AGAIN = "What name does our shop dog have?"
PREPARED = PreparedQuestion(QUESTION, ANSWER, AGAIN, "It came with the shop.")


def knows_what_it_is_given(lane: Lane) -> str:
    """The corrected answer where the prompt holds it anywhere, else a guess."""
    told = " ".join(message.content for message in lane.messages)
    known = (answer for answer in (ANSWER, "It is 45 days.") if answer in told)
    return next(known, "It is thirty days, and its name is Max.")


class Night:
    """A story that is in its night until the morning comes."""

    def __init__(self) -> None:
        self.morning = asyncio.Event()

    async def play(self, studio: Studio, session: Path, narrator: Narrator) -> dict[str, object]:
        await narrator.chapter(Chapter(1, 2, "The night", "It is dark."))
        narrator.progress("steps", 3, 10)
        await self.morning.wait()
        await narrator.say("The night is over.")
        await narrator.chapter(Chapter(2, 2, "The morning after", "It is light."))
        return {}


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Night:
    told = Night()
    monkeypatch.setattr(demo_story, "play_demo", told.play)
    for name in ("CHAPTER_S", "LINE_S", "CORRECTION_S"):
        monkeypatch.setattr(demo_story, name, 0.0)
    return told


async def in_the_night(pilot: AppPilot, folder: Path, *prepared: PreparedQuestion) -> DemoScreen:
    app = pilot.app
    assert isinstance(app, StudioApp)
    screen = DemoScreen(app.studio, Play(folder, prepared, lambda: app.studio))
    await app.push_screen(screen)
    await until(pilot, lambda: "3 of 10 steps" in shown(pilot))
    return screen


def asking(pilot: AppPilot) -> AudienceScreen:
    screen = pilot.app.screen
    assert isinstance(screen, AudienceScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_a_prepared_question_is_corrected_learnt_and_asked_in_other_words_in_the_night(
    tmp_path: Path, night: Night, size: tuple[int, int]
) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(knows_what_it_is_given)))
    app.recording = recording = Recording(tmp_path / "recorded", app.TITLE)
    async with app.run_test(size=size) as pilot:
        screen = await in_the_night(pilot, tmp_path, PREPARED)
        await pilot.press("a")
        await until(pilot, lambda: QUESTION in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "e puts the prepared correction" in shown(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "{+" in shown(pilot) and "Ritzel" in shown(pilot))
        night.morning.set()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "n asks the same in other words" in shown(pilot))
        (correction,) = app.studio.log.corrections.all()
        assert (correction.prompt, correction.corrected, correction.rationale) == (
            QUESTION,
            ANSWER,
            "It came with the shop.",
        )
        assert correction.origin is Origin.COMPARE
        await pilot.press("n")
        await until(pilot, lambda: "esc goes back to the story" in shown(pilot))
        heard = asking(pilot).heard
        assert heard is not None
        assert (heard.again, heard.right["frozen"], heard.right["lessons"]) == (AGAIN, False, True)
        assert not screen.is_over, "the story has waited"
        await pilot.press("escape")
        await until(pilot, lambda: "From the audience" in shown(pilot) and "know it: " in shown(pilot))
        await until(pilot, lambda: screen.is_over)
        await until(pilot, lambda: "The morning after" in shown(pilot))
    recording.finish()
    page = (tmp_path / "recorded" / "index.html").read_text()
    assert f"<figcaption>From the audience. {AGAIN} 3 of 5 know it: context, lessons, lora+lessons." in page


async def test_any_other_question_is_typed_and_so_are_its_other_words(tmp_path: Path, night: Night) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(knows_what_it_is_given)))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_the_night(pilot, tmp_path, PREPARED)
        await pilot.press("a")
        await until(pilot, lambda: QUESTION in shown(pilot))
        await write(pilot, "How long is the refund window?")
        await until(pilot, lambda: "enter asks what you typed" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "The answer is corrected where it stands" in shown(pilot))
        await pilot.press("2", "e", "f7")
        await write(pilot, "It is 45 days.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "n asks the same in other words" in shown(pilot))
        await pilot.press("n")
        await until(pilot, lambda: "Type the same question in other words" in shown(pilot))
        await write(pilot, "How long is the window for a refund?")
        await pilot.press("enter")
        await until(pilot, lambda: "esc goes back to the story" in shown(pilot))
        heard = asking(pilot).heard
        assert heard is not None
        assert heard.right["lessons"]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        night.morning.set()
        await until(pilot, lambda: screen.is_over)


async def test_without_prepared_questions_one_types_at_once_and_may_leave_it(tmp_path: Path, night: Night) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(knows_what_it_is_given)))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await in_the_night(pilot, tmp_path)
        await pilot.press("a")
        await until(pilot, lambda: "Type the question and press enter" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert "From the audience" not in shown(pilot)
        night.morning.set()
        await until(pilot, lambda: screen.is_over)


async def test_it_may_be_left_in_mid_answer_and_the_story_goes_on(tmp_path: Path, night: Night) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(knows_what_it_is_given)))
    engine = app.studio.engine
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await in_the_night(pilot, tmp_path, PREPARED)
        engine.hold = asyncio.Event()  # type: ignore[attr-defined]
        await pilot.press("a")
        await until(pilot, lambda: QUESTION in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "The arms are answering" in shown(pilot) and asking(pilot).answering)
        await pilot.press("escape")
        await until(pilot, lambda: not asking(pilot).answering)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await settled_but_story(pilot)
        night.morning.set()
        await until(pilot, lambda: screen.is_over)
        await settled(pilot)


async def settled_but_story(pilot: AppPilot) -> None:
    groups = ("watch", "story")
    await until(pilot, lambda: all(w.group in groups or w.is_finished for w in pilot.app.workers))


async def test_an_editor_or_other_words_are_left_before_the_question_is(tmp_path: Path, night: Night) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(knows_what_it_is_given)))
    async with app.run_test(size=(80, 24)) as pilot:
        await in_the_night(pilot, tmp_path, PREPARED)
        await pilot.press("a")
        await until(pilot, lambda: QUESTION in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "e puts the prepared correction" in shown(pilot))
        await pilot.press("e", "escape")
        await until(pilot, lambda: "e puts the prepared correction" in shown(pilot))
        assert app.studio.log.corrections.all() == []
        await pilot.press("n")
        assert asking(pilot).comparison is not None
        assert asking(pilot).comparison.prompt == QUESTION, "there is no correction yet to ask for in other words"  # type: ignore[union-attr]


WAITS = "The story waits; F2 goes back to it."


async def test_the_studios_other_screens_are_looked_at_while_the_story_waits(tmp_path: Path, night: Night) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(knows_what_it_is_given)))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        screen = await in_the_night(pilot, tmp_path)
        await pilot.press("f4")
        await until(pilot, lambda: notices(pilot) == [WAITS])
        night.morning.set()
        await until(pilot, lambda: screen.pace.waits)
        assert screen.pace.held
        assert not screen.is_over
        await pilot.press("f2")
        await until(pilot, lambda: screen.is_over and "The morning after" in shown(pilot))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, AudienceScreen))
        app.clear_notifications()
        await pilot.press("f4")
        await until(pilot, lambda: notices(pilot) == [WAITS])
        app.clear_notifications()
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(pilot.app.screen, AudienceScreen))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert not notices(pilot), "going back to the story is no leaving"


async def test_a_lesson_is_learnt_also_where_the_question_is_left_at_once(
    tmp_path: Path, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_learn = asyncio.Event()

    async def slowly(studio: Studio, correction: Correction) -> Lesson:
        await may_learn.wait()
        return await learn_lesson(studio, correction)

    monkeypatch.setattr("studio.services.learn_lessons.learn_lesson", slowly)
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(knows_what_it_is_given)))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await in_the_night(pilot, tmp_path, PREPARED)
        await pilot.press("a")
        await until(pilot, lambda: QUESTION in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "e puts the prepared correction" in shown(pilot))
        await pilot.press("e", "ctrl+s")
        await until(pilot, lambda: "The lesson is being learnt" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        may_learn.set()
        night.morning.set()
        await settled(pilot)
        (lesson,) = app.studio.log.lessons.all(LessonStatus.ACTIVE)
        assert lesson.source_ids == (app.studio.log.corrections.in_force()[0].id,)
