"""Review as a user drives it: accept, edit, feedback, skip, undo, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio, scripted
from textual.widgets import Input
from tui_driving import AppPilot, ask, notices, settled, shown, type_at_once, until, write
from tui_values import HOSTILE, MORNING, QUESTION, add_correction

from studio.domain.generation import ChatMessage, FinishReason, Role
from studio.domain.identity import new_id
from studio.domain.log import Answer, Conversation, Feedback, Given, Turn
from studio.errors import StorageError
from studio.services.review_answers import ReviewItem, open_item, review_queue
from studio.services.studio import Studio
from studio.settings import ModelSettings, Settings
from studio.storage.answers import AnswerTable
from studio.tui.app import StudioApp
from studio.tui.screens import review, review_work
from studio.tui.screens.compare import CompareScreen
from studio.tui.screens.review import ReviewScreen
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.feedback_line import FeedbackLine
from studio.tui.widgets.text_input import PlainTextArea

SIZES = [(80, 24), (120, 36), (200, 50)]


def answered(studio: Studio, prompt: str, text: str = "It is 30 days.", *, sure: float | None = -0.5) -> str:
    """A question the user asked an hour after MORNING, and its answer; returns the answer's id."""
    when = MORNING + timedelta(hours=1)
    conversation = Conversation(new_id(), "", when, when)
    turn = Turn(new_id(), conversation.id, 0, prompt, when)
    chat = (ChatMessage(Role.USER, prompt),)
    reason = FinishReason.STOP
    answer = Answer(new_id(), turn.id, "lora+lessons", text, reason, Given(), chat, 3, 4, 0.1, 0.2, when, sure)
    studio.log.conversations.add(conversation)
    studio.log.conversations.add_turn(turn)
    studio.log.answers.add([answer])
    return answer.id


async def test_of_a_long_conversation_only_what_fits_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(tmp_path, settings=Settings(model=ModelSettings(context_tokens=512)))
    conversation = Conversation(new_id(), "", MORNING, MORNING)
    studio.log.conversations.add(conversation)
    stop = FinishReason.STOP
    answers = []
    for at in range(100):
        turn = Turn(new_id(), conversation.id, at, f"Question {at}?", MORNING)
        studio.log.conversations.add_turn(turn)
        text = f"Answer {at}."
        answers.append(Answer(new_id(), turn.id, "lora+lessons", text, stop, Given(), (), 3, 4, 0.1, 0.2, MORNING))
    studio.log.answers.add(answers)
    read: list[int] = []
    whole = AnswerTable.of_turns

    def counted(table: AnswerTable, turn_ids: Sequence[str]) -> dict[str, list[Answer]]:
        read.append(len(turn_ids))
        return whole(table, turn_ids)

    monkeypatch.setattr(AnswerTable, "of_turns", counted)
    queue = await review_queue(studio)
    opened = await open_item(studio, next(item for item in queue if item.id == answers[90].id))
    assert read == [64]
    assert [message.content for message in opened.history[-2:]] == ["Question 89?", "Answer 89."]


def accepted(studio: Studio) -> list[str]:
    return [turn.prompt for _, turn in studio.log.answers.accepted()]


def screen(pilot: AppPilot) -> ReviewScreen:
    app = pilot.app
    assert isinstance(app, StudioApp)
    base = app.base_screen("review")
    assert isinstance(base, ReviewScreen)
    return base


def question(pilot: AppPilot) -> str | None:
    opened = screen(pilot).card.opened
    return opened.item.prompt if opened else None


def area(pilot: AppPilot) -> PlainTextArea:
    return screen(pilot).query_one(AnswerEditor).query_one(PlainTextArea)


async def open_review(pilot: AppPilot) -> None:
    await pilot.press("f9")
    await until(pilot, lambda: isinstance(pilot.app.screen, ReviewScreen))
    await settled(pilot)


@pytest.mark.parametrize("size", [*SIZES, (40, 10)])
async def test_says_what_to_do_where_there_is_nothing(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=size) as pilot:
        await open_review(pilot)
        assert "Nothing to review." in shown(pilot)
        await pilot.press("a", "e", "f", "s", "u", "c")
        assert "Nothing to review." in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_shows_the_most_doubtful_answer_first(tmp_path: Path, size: tuple[int, int]) -> None:
    studio = fake_studio(tmp_path)
    add_correction(studio)
    answered(studio, "How sure?", sure=-0.01)
    answered(studio, f"How unsure? {HOSTILE}", sure=-2.3)
    answered(studio, QUESTION)
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await open_review(pilot)
        text = shown(pilot)
        for words in ("3 left", "wrong by your correction", QUESTION, "It is 30 days.", "It is [-30-]{+45+} days."):
            assert words in text
        assert ("How sure?" in text) is (size[0] >= 100), "what follows stands beside it where there is room"
        await pilot.press("s")
        await until(pilot, lambda: "How unsure?" in shown(pilot))
        assert "the model was 10% sure" in shown(pilot)
        assert "[bold]markup[/bold]" in shown(pilot)
        assert "\x1b" not in shown(pilot)


async def test_the_first_answer_is_shown_and_judged_before_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake_studio(tmp_path)
    for number in range(4):
        answered(studio, f"Which of them is {number}?", sure=-float(number))
    monkeypatch.setattr(review, "LISTED", 1)
    may_go_on = asyncio.Event()

    async def slowly(studio: Studio, most: int | None = None) -> list[ReviewItem]:
        found = await review_queue(studio, most)
        if most is None:
            await may_go_on.wait()
        return found

    monkeypatch.setattr(review_work, "review_queue", slowly)
    async with StudioApp(studio).run_test(size=(120, 36)) as pilot:
        await pilot.press("f9")
        await until(pilot, lambda: question(pilot) == "Which of them is 3?")
        assert "Counting what is left" in shown(pilot)
        await pilot.press("a", "a")
        await until(pilot, lambda: "Reading answers" in shown(pilot))
        may_go_on.set()
        await until(pilot, lambda: question(pilot) == "Which of them is 1?")
        assert "2 left · 2 accepted" in shown(pilot)
        assert accepted(studio) == ["Which of them is 3?", "Which of them is 2?"]


async def test_shows_what_was_said_before(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(scripted("It is far."))))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "How far is it?")
        await ask(pilot, "And back?")
        await open_review(pilot)
        assert question(pilot) == "And back?"
        assert "you: How far is it?" in shown(pilot)
        assert "model: It is far." in shown(pilot)


async def test_keys_typed_at_once_act_on_one_answer_each(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    for number in range(6):
        answered(studio, f"Question {number}?", sure=-9.0 + number)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_review(pilot)
        await type_at_once(pilot, "aasa")
        await until(pilot, lambda: len(accepted(studio)) == 3)
        await settled(pilot)
        assert accepted(studio) == ["Question 0?", "Question 1?", "Question 3?"]
        assert question(pilot) == "Question 4?"
        assert "3 left · 3 accepted · 1 skipped" in shown(pilot)
        await pilot.press("a", "a")
        await until(pilot, lambda: question(pilot) == "Question 2?")
        await pilot.press("a")
        await until(pilot, lambda: "All done" in shown(pilot))
        assert "0 left · 6 accepted" in shown(pilot)


async def test_the_next_answer_is_read_before_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(tmp_path)
    answered(studio, "First?", sure=-2.0)
    answered(studio, "Second?", sure=-1.0)
    app = StudioApp(studio)
    async with app.run_test() as pilot:
        await open_review(pilot)

        def broken(_: str) -> Answer:
            raise AssertionError

        monkeypatch.setattr(studio.log.answers, "get", broken)
        await pilot.press("s")
        assert question(pilot) == "Second?"


async def test_an_answer_is_corrected_in_place_and_learnt(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    answer = answered(studio, "How long?", sure=-2.0)
    answered(studio, "How far?")
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await open_review(pilot)
        await type_at_once(pilot, "e", " Or 45.")
        await until(pilot, lambda: area(pilot).text == "It is 30 days. Or 45.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: question(pilot) == "How far?")
        await settled(pilot)
        (correction,) = studio.log.corrections.in_force()
        assert (correction.answer_id, correction.corrected) == (answer, "It is 30 days. Or 45.")
        assert len(studio.log.lessons.all()) == 1
        assert "1 left · 1 corrected" in shown(pilot)
        await pilot.press("u")
        await until(pilot, lambda: question(pilot) == "How long?")
        assert studio.log.corrections.in_force() == []
        assert "2 left" in shown(pilot)


async def test_feedback_lets_the_model_try_again(tmp_path: Path) -> None:
    engine = FakeEngine(scripted("It is 45 days, then."))
    studio = fake_studio(tmp_path, engine=engine)
    answered(studio, "How long?")
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_review(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("escape")
        assert app.focused is screen(pilot).card
        await pilot.press("f")
        await write(pilot, "it is 45")
        await pilot.press("enter")
        await until(pilot, lambda: screen(pilot).card.editor is not None and not area(pilot).read_only)
        assert area(pilot).text == "It is 45 days, then."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "All done" in shown(pilot))
        assert studio.log.corrections.in_force()[0].feedback == "it is 45"


async def test_leaving_an_edit_asks_only_where_words_would_be_lost(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    answered(studio, "How long?")
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_review(pilot)
        await pilot.press("e", "escape")
        await until(pilot, lambda: screen(pilot).card.editor is None)
        assert app.focused is screen(pilot).card
        await pilot.press("e")
        await write(pilot, "x")
        app.log_changed()
        await settled(pilot)
        assert area(pilot).text == "It is 30 days.x", "news of the log leave what is being written alone"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: screen(pilot).card.editor is None)
        assert studio.log.corrections.all() == []


async def test_a_full_disk_is_told_and_the_answer_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(tmp_path)
    answered(studio, "How long?")
    app = StudioApp(studio)
    async with app.run_test(notifications=True) as pilot:
        await open_review(pilot)

        def full(*_: object) -> None:
            raise StorageError("The log cannot be written: the disk is full.", "Make room.")

        with monkeypatch.context() as patch:
            patch.setattr(studio.log.answers, "add_feedback", full)
            await pilot.press("a")
            await until(pilot, lambda: any("disk is full" in notice for notice in notices(pilot)))
        assert question(pilot) == "How long?"
        assert "1 left" in shown(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "All done" in shown(pilot))


async def test_accepting_against_ones_own_correction_takes_its_place_until_undone(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    correction = add_correction(studio)
    answered(studio, QUESTION, "It is 60 days.")
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await open_review(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "All done" in shown(pilot))
        assert [one.corrected for one in studio.log.corrections.in_force()] == ["It is 60 days."]
        assert any("takes the place of your correction" in notice for notice in notices(pilot))
        assert "1 accepted" in shown(pilot)
        await pilot.press("u")
        await until(pilot, lambda: question(pilot) == QUESTION)
        assert [one.id for one in studio.log.corrections.in_force()] == [correction.id]


async def test_what_was_judged_elsewhere_leaves_the_queue(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    first = answered(studio, "First?", sure=-2.0)
    answered(studio, "Second?", sure=-1.0)
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_review(pilot)
        assert question(pilot) == "First?"
        studio.log.answers.add_feedback(first, Feedback.ACCEPTED, MORNING)
        app.log_changed()
        await until(pilot, lambda: question(pilot) == "Second?")
        assert "1 left" in shown(pilot)


async def test_goes_to_the_comparison_of_the_question(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    answered(studio, "How long?")
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_review(pilot)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await settled(pilot)
        assert "How long?" in shown(pilot)


async def test_a_correction_corrected_again_keeps_why(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_correction(studio, rationale="the new policy", labels=("policy",))
    answered(studio, QUESTION, "It is 60 days.")
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_review(pilot)
        await pilot.press("e")
        area(pilot).load_text("It is 46 days.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "All done" in shown(pilot))
        (correction,) = studio.log.corrections.in_force()
        assert (correction.corrected, correction.rationale) == ("It is 46 days.", "the new policy")


async def test_words_on_what_is_wrong_stay_with_their_answer(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    answered(studio, "How long?", sure=-0.9)
    answered(studio, "How wide?", sure=-0.1)
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_review(pilot)
        first = question(pilot)
        await pilot.press("f")
        await write(pilot, "it is 45")
        for key in ("a", "s"):
            screen(pilot).set_focus(screen(pilot).card)
            await pilot.press(key)
            await settled(pilot)
            assert isinstance(app.focused, FeedbackLine), "what is being written goes first"
            assert (question(pilot), app.focused.value) == (first, "it is 45")
        assert accepted(studio) == []
        await pilot.press("enter")
        await until(pilot, lambda: screen(pilot).card.editor is not None and not area(pilot).read_only)
        assert question(pilot) == first
