"""Chat as a user drives it: ask, read, correct in place, judge, take back, resume."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio, scripted
from textual import events
from textual.widgets import Input, OptionList
from tui_driving import ask, chat, notices, settled, shown, type_at_once, until, write

from studio.domain.generation import FinishReason, Lane, LaneEvent, Priority
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Conversation, Feedback
from studio.errors import StorageError
from studio.settings import Settings, UiSettings
from studio.tui.app import StudioApp
from studio.tui.screens.sessions import SessionsScreen
from studio.tui.widgets import first_word
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.dialogs import ConfirmDialog, LineDialog
from studio.tui.widgets.feedback_line import FeedbackLine
from studio.tui.widgets.text_input import MAX_CHARACTERS, Composer, PlainTextArea

QUESTION = "How many days?"
ANSWER = "It is thirty days."


def make_app(folder: Path, reply: str = ANSWER, engine: FakeEngine | None = None) -> StudioApp:
    return StudioApp(fake_studio(folder, engine=engine or FakeEngine(scripted(reply))))


def editor(app: StudioApp) -> AnswerEditor:
    return app.screen.query_one(AnswerEditor)


def area(app: StudioApp) -> PlainTextArea:
    return editor(app).query_one(PlainTextArea)


async def test_an_answer_streams_and_is_kept_with_its_status(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        text = shown(pilot)
        assert QUESTION in text
        assert ANSWER in text
        assert "lora+lessons" in text
        assert "read 10, wrote 4 tokens" in text
        assert chat(pilot).query_one(Composer).text == ""
        assert [turn.prompt for turn in app.studio.log.conversations.turns(chat(pilot).conversation.id)] == [QUESTION]  # type: ignore[union-attr]


async def test_a_correction_is_given_labels_and_given_others_later(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        area(app).load_text("It is 45 days.")
        await pilot.press("tab", "tab")
        await write(pilot, "number, our policy,")
        await pilot.press("enter")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        assert "corrected by you [number, our policy]" in shown(pilot)
        await pilot.press("e")
        await until(pilot, lambda: area(app).has_focus)
        await pilot.click("AnswerEditor .labels")
        await pilot.press("end")
        await write(pilot, ", contract")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        first, second = sorted(app.studio.log.corrections.all(), key=lambda correction: correction.created_at)
        assert first.labels == ("number", "our policy")
        assert second.labels == ("number", "our policy", "contract")
        assert second.supersedes == first.id


async def test_an_answer_is_corrected_in_place(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        assert area(app).text == ANSWER
        area(app).load_text("It is 45 days.")
        await until(pilot, lambda: "[-thirty-]{+45+}" in shown(pilot).replace(" ", ""))
        await pilot.press("tab")
        await write(pilot, "new contract")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        (correction,) = app.studio.log.corrections.all()
        assert correction.corrected == "It is 45 days."
        assert correction.original == ANSWER
        assert correction.rationale == "new contract"
        assert correction.arm == "lora+lessons"
        assert any("Saved. Lesson learnt" in notice for notice in notices(pilot))
        assert app.status.corrections == 1
        text = shown(pilot)
        assert "It is 45 days." in text
        assert "corrected by you (new contract)" in text
        await pilot.press("d")
        assert "[-thirty-]" in shown(pilot)
        await pilot.press("d")
        assert "[-thirty-]" not in shown(pilot)


async def test_a_question_begun_while_an_answer_is_selected_is_typed_and_acted_on_by_no_key(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape")
        await type_at_once(pilot, "e", "f7", "45 days.", "ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        await type_at_once(pilot, "What due date?")
        composer = chat(pilot).query_one(Composer)
        assert composer.text == "What due date?"
        assert composer.has_focus
        assert [correction.undone for correction in app.studio.log.corrections.all()] == [False]


async def test_an_undo_is_carried_out_whatever_is_pressed_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path)
    slow, done = asyncio.Event(), asyncio.Event()

    async def follow(*_: object) -> None:
        await slow.wait()
        done.set()

    async with app.run_test() as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape")
        await type_at_once(pilot, "e", "f7", "45 days.", "ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        await ask(pilot, "Another?")
        await pilot.press("escape")
        monkeypatch.setattr("studio.services.learn_lessons.follow_correction", follow)
        await pilot.press("u", "a")
        await until(pilot, lambda: "accepted as good" in shown(pilot))
        slow.set()
        await until(pilot, done.is_set)
        await until(pilot, lambda: chat(pilot).undone)


async def test_who_comes_back_to_chat_types_a_question_and_a_correction_goes_on(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "f5", "f2")
        await type_at_once(pilot, "and due when")
        assert chat(pilot).query_one(Composer).text == "and due when"
        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        await pilot.press("f5", "f2")
        assert area(app).has_focus


async def test_an_edit_begins_with_what_its_marks_mean(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        await until(pilot, lambda: "What you change is marked here" in shown(pilot))
        assert "f7 selects all" in shown(pilot)


@pytest.mark.parametrize(("text", "told"), [("  \n ", "empty"), (ANSWER, "same as the answer")])
async def test_a_correction_that_says_nothing_is_refused(tmp_path: Path, text: str, told: str) -> None:
    app = make_app(tmp_path)
    async with app.run_test(notifications=True) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        area(app).load_text(text)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any(told in notice for notice in notices(pilot)))
        assert area(app).text == text
        assert app.studio.log.corrections.all() == []


async def test_a_full_disk_is_told_and_the_text_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path)
    async with app.run_test(notifications=True) as pilot:
        await ask(pilot, QUESTION)

        def full(*_: object) -> None:
            raise StorageError("The log cannot be written: the disk is full.", "Make room, then save again.")

        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        area(app).load_text("It is 45 days.")
        with monkeypatch.context() as patch:
            patch.setattr(app.studio.log.corrections, "add", full)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: any("disk is full" in notice for notice in notices(pilot)))
        assert area(app).text == "It is 45 days."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        assert len(app.studio.log.corrections.all()) == 1


async def test_leaving_an_edit_asks_only_where_words_would_be_lost(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await pilot.press("e")
        await until(pilot, lambda: area(app).has_focus)
        await write(pilot, "x")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is chat(pilot))
        assert area(app).text == ANSWER + "x"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: not chat(pilot).query(AnswerEditor))
        assert app.studio.log.corrections.all() == []


async def test_feedback_lets_the_model_try_again_before_the_edit(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "f")
        await until(pilot, lambda: isinstance(app.focused, Input))
        app.studio.engine.reply = scripted("It is 45 days, then.")  # type: ignore[attr-defined]
        await write(pilot, "45 days")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query(AnswerEditor) and not editor(app).writing)
        assert area(app).text.strip()
        area(app).load_text("It is 45 days.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        (correction,) = app.studio.log.corrections.all()
        assert correction.feedback == "45 days"
        assert correction.corrected == "It is 45 days."


async def test_esc_leaves_the_line_for_feedback_and_the_answer_is_selected_again(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "f")
        await until(pilot, lambda: isinstance(app.focused, FeedbackLine))
        await until(pilot, lambda: "Try again" in shown(pilot) and "Leave" in shown(pilot))
        await write(pilot, "no")
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(FeedbackLine))
        assert app.focused is chat(pilot).answers[-1]
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query(AnswerEditor))


async def test_saving_while_the_model_still_tries_again_is_told_to_wait(tmp_path: Path) -> None:
    engine = FakeEngine(scripted(ANSWER))
    app = make_app(tmp_path, engine=engine)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "f")
        await until(pilot, lambda: isinstance(app.focused, Input))
        engine.reply, engine.hold = scripted("It is 45 days, then."), asyncio.Event()
        await write(pilot, "45 days")
        await pilot.press("enter")
        await until(pilot, lambda: "The model tries again" in shown(pilot))
        assert "esc stops it" in shown(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("still writing" in told for told in notices(pilot)))
        assert app.studio.log.corrections.all() == []
        await pilot.press("escape")
        await until(pilot, lambda: not editor(app).writing)
        assert "ctrl+s saves" in shown(pilot)


async def test_says_so_when_the_model_tries_again_with_the_same_words(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        app.studio.engine.reply = scripted("It is 30 days.")  # type: ignore[attr-defined]
        await ask(pilot, QUESTION)
        await pilot.press("escape", "f")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert "enter lets the model try again" in shown(pilot)
        await write(pilot, "45 days")
        await pilot.press("enter")
        await until(pilot, lambda: any("the same as its answer" in told for told in notices(pilot)))
        assert not editor(app).writing


async def test_accept_undo_and_redo(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "a")
        await until(pilot, lambda: "accepted as good" in shown(pilot))
        answer = chat(pilot).answers[0].answer
        assert answer is not None
        assert app.studio.log.answers.feedback_of([answer.id]) == {answer.id: Feedback.ACCEPTED}
        await pilot.press("a")
        await until(pilot, lambda: "accepted as good" not in shown(pilot))
        await pilot.press("e")
        await until(pilot, lambda: area(app).has_focus)
        area(app).load_text("It is 45 days.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "corrected by you" in shown(pilot))
        await settled(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "corrected by you" not in shown(pilot))
        assert ANSWER in shown(pilot)
        assert app.studio.log.corrections.in_force() == []
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "corrected by you" in shown(pilot))
        assert len(app.studio.log.corrections.in_force()) == 1


async def test_undo_pressed_twice_at_once_takes_back_two_corrections_and_redo_brings_both_back(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        for question in ("First?", "Second?"):
            await ask(pilot, question)
            await pilot.press("escape", "e")
            await until(pilot, lambda: area(app).has_focus)
            area(app).load_text(f"Right: {question}")
            await pilot.press("ctrl+s")
            await until(pilot, lambda: not app.screen.query(AnswerEditor))
            await settled(pilot)
        await type_at_once(pilot, "u", "u", "u")
        await settled(pilot)
        assert app.studio.log.corrections.in_force() == []
        await type_at_once(pilot, "U", "U", "U")
        await settled(pilot)
        assert len(app.studio.log.corrections.in_force()) == 2
        assert not any("undone" in told and "U brings it back" not in told for told in notices(pilot))


async def test_what_was_corrected_is_not_accepted_as_good_too(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "a")
        await until(pilot, lambda: "accepted as good" in shown(pilot))
        await type_at_once(pilot, "e", "f7", "It is 45 days.", "ctrl+s")
        await until(pilot, lambda: "corrected by you" in shown(pilot))
        await settled(pilot)
        assert app.studio.log.answers.accepted() == []
        await pilot.press("a")
        await settled(pilot)
        assert app.studio.log.answers.accepted() == []
        assert any("was corrected" in notice for notice in notices(pilot))


async def test_a_question_cancelled_before_its_answer_began_goes_back_to_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.status.engine == "ready")
        with monkeypatch.context() as patch:
            patch.setattr("studio.services.answer_with_arms.prepare_lanes", never)
            await write(pilot, QUESTION)
            await pilot.press("enter")
            await until(pilot, lambda: chat(pilot).answers)
            await pilot.press("escape")
            await until(pilot, lambda: not chat(pilot).answers)
        composer = chat(pilot).query_one(Composer)
        await until(pilot, lambda: composer.text == QUESTION)
        await pilot.press("enter")
        await until(pilot, lambda: ANSWER in shown(pilot))


async def test_escape_cancels_and_keeps_what_had_arrived(tmp_path: Path) -> None:
    engine = FakeEngine(scripted("It is thirty days or so"))
    engine.hold = asyncio.Event()
    app = make_app(tmp_path, engine=engine)
    async with app.run_test(size=(100, 30)) as pilot:
        await write(pilot, QUESTION)
        await pilot.press("enter")
        await until(pilot, lambda: engine.asked and chat(pilot).answering and chat(pilot).answers[-1].begun)
        await until(pilot, lambda: "esc Cancel" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "cancelled; what had arrived is kept" in shown(pilot))
        assert engine.cancelled
        answer = chat(pilot).answers[0].answer
        assert answer is not None
        assert answer.finish_reason is FinishReason.CANCELLED


async def test_an_engine_that_dies_is_told_in_words_and_the_turn_is_kept(tmp_path: Path) -> None:
    app = make_app(tmp_path, engine=FakeEngine(scripted("one two three four"), die_after=2))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        text = shown(pilot)
        assert "one two" in text
        assert "The engine stopped unexpectedly. Ask again." in text
        await pilot.press("escape", "r")
        await until(pilot, lambda: len(chat(pilot).answers) == 2 and chat(pilot).answers[-1].answer is not None)
        assert len(app.studio.log.conversations.turns(chat(pilot).conversation.id)) == 1  # type: ignore[union-attr]


async def test_what_is_corrected_while_another_answer_streams_is_shown_at_once(tmp_path: Path) -> None:
    engine = FakeEngine(scripted(ANSWER))
    app = make_app(tmp_path, engine=engine)
    async with app.run_test(size=(100, 40)) as pilot:
        await ask(pilot, QUESTION)
        engine.reply, engine.hold = scripted("A long story."), asyncio.Event()
        chat(pilot).query_one(Composer).focus()
        await write(pilot, "Tell me more.")
        await pilot.press("enter")
        await until(pilot, lambda: len(chat(pilot).answers) == 2 and chat(pilot).answers[1].begun)
        await pilot.press("ctrl+up", "ctrl+up", "e")
        await until(pilot, lambda: area(app).has_focus)
        area(app).load_text("It is 45 days.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "It is 45 days." in shown(pilot) and "corrected by you" in shown(pilot))
        assert chat(pilot).answering
        engine.hold.set()
        await until(pilot, lambda: "A long story." in shown(pilot) and not chat(pilot).answering)
        await settled(pilot)
        assert "A long story." in shown(pilot)
        assert "corrected by you" in shown(pilot)


async def test_feedback_waits_while_another_answer_streams(tmp_path: Path) -> None:
    engine = FakeEngine(scripted(ANSWER))
    app = make_app(tmp_path, engine=engine)
    async with app.run_test(size=(100, 40)) as pilot:
        await ask(pilot, QUESTION)
        engine.hold = asyncio.Event()
        chat(pilot).query_one(Composer).focus()
        await write(pilot, "Tell me more.")
        await pilot.press("enter")
        await until(pilot, lambda: len(chat(pilot).answers) == 2 and chat(pilot).answers[1].begun)
        await pilot.press("ctrl+up", "ctrl+up", "f")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await write(pilot, "45 days")
        await pilot.press("enter")
        await until(pilot, lambda: any("still being answered" in told for told in notices(pilot)))
        assert isinstance(app.focused, Input)
        assert app.focused.value == "45 days"
        engine.hold.set()
        await until(pilot, lambda: not chat(pilot).answering)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query(AnswerEditor))


async def test_an_answer_that_ended_before_its_first_word_claims_to_have_kept_none(tmp_path: Path) -> None:
    app = make_app(tmp_path, engine=FakeEngine(die_after=0))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not chat(pilot).answers)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        await pilot.press("enter")
        await until(pilot, lambda: "failed before its first word" in shown(pilot))
        assert "is kept" not in shown(pilot)


async def test_a_question_that_cannot_be_asked_comes_back_into_the_input(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    app.studio.model_path = None
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await write(pilot, QUESTION)
        await pilot.press("enter")
        await until(pilot, lambda: chat(pilot).query_one(Composer).text == QUESTION)
        assert any("No model was found" in notice for notice in notices(pilot))
        assert app.status.engine == "no model"
        await until(pilot, lambda: "Ask something below." in shown(pilot))
        await until(pilot, lambda: "esc Cancel" not in shown(pilot))


async def test_letters_are_typed_while_an_editor_has_the_focus(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await ask(pilot, QUESTION)
        await pilot.press(*"earfucds")
        assert chat(pilot).query_one(Composer).text == "earfucds"
        assert not app.screen.query(AnswerEditor)


async def test_what_is_typed_at_once_after_e_goes_into_the_editor_and_is_saved(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape")
        await type_at_once(pilot, "e", "f7", "It is asserted: 45.", "ctrl+s")
        await settled(pilot)
        assert [c.corrected for c in app.studio.log.corrections.all()] == ["It is asserted: 45."]
        assert app.screen is chat(pilot)


async def test_what_is_typed_at_once_after_f_is_the_feedback(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape")
        await type_at_once(pilot, "f", "as years", "enter")
        await settled(pilot)
        assert editor(app).feedback == "as years"
        assert app.screen is chat(pilot)


async def test_what_is_typed_at_once_after_s_filters_the_sessions(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape")
        await type_at_once(pilot, "s", "fear")
        await until(pilot, lambda: "No title contains that." in shown(pilot))
        assert app.screen.query_one(Input).value == "fear"


async def test_what_is_typed_at_once_after_enter_stays_in_the_input(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await type_at_once(pilot, QUESTION, "enter", "next")
        await until(pilot, lambda: chat(pilot).answers)
        await settled(pilot)
        assert chat(pilot).query_one(Composer).text == "next"
        assert app.studio.log.answers.to_prompt(QUESTION)


async def test_letters_are_no_commands_while_the_model_tries_again(tmp_path: Path) -> None:
    engine = FakeEngine(scripted(ANSWER))
    app = make_app(tmp_path, engine=engine)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        engine.hold = asyncio.Event()
        await pilot.press("escape", "f", "x", "enter")
        await until(pilot, lambda: editor(app).writing)
        await type_at_once(pilot, "sac")
        assert app.screen is chat(pilot)
        engine.hold.set()
        await settled(pilot)
        assert chat(pilot).answers[0].feedback is None


async def test_the_answer_of_a_retry_is_selected(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "r")
        await settled(pilot)
        second = chat(pilot).answers[1]
        assert chat(pilot).selected is second


async def test_ctrl_j_begins_a_new_line(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("a", "ctrl+j", "b")
        assert chat(pilot).query_one(Composer).text == "a\nb"


async def test_a_giant_paste_is_refused_in_one_sentence_and_a_large_one_taken(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(notifications=True) as pilot:
        composer = chat(pilot).query_one(Composer)
        composer.post_message(events.Paste("x" * 200_000))
        await until(pilot, lambda: any("200,000" in notice for notice in notices(pilot)))
        assert composer.text == ""
        composer.post_message(events.Paste("word " * (MAX_CHARACTERS // 5)))
        await until(pilot, lambda: len(composer.text) == MAX_CHARACTERS)


async def test_text_is_never_taken_for_markup_or_control(tmp_path: Path) -> None:
    nasty = "[bold]no[/bold] {{ x }} \x1b[31mred\x1b[0m [@click=app.quit]quit[/]"
    app = make_app(tmp_path, reply=nasty)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        composer = chat(pilot).query_one(Composer)
        composer.post_message(events.Paste("[red]why[/red] \x1b[2J{{ y }}?"))
        await until(pilot, lambda: composer.text)
        await pilot.press("enter")
        await until(pilot, lambda: chat(pilot).answers and chat(pilot).answers[-1].answer is not None)
        await settled(pilot)
        text = shown(pilot)
        assert "[red]why[/red] [2J{{ y }}?" in text
        assert "[bold]no[/bold] {{ x }} ␛[31mred␛[0m [@click=app.quit]quit[/]" in text
        assert "\x1b" not in text
        app.notify(nasty)
        await until(pilot, lambda: "[bold]no[/bold]" in "".join(notices(pilot)))


async def test_sessions_are_listed_filtered_renamed_and_resumed(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "First question")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not chat(pilot).answers)
        await ask(pilot, "Second question")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        options = app.screen.query_one(OptionList)
        assert options.option_count == 2
        assert "ctrl+r renames" in shown(pilot)
        await pilot.press("f6")
        assert isinstance(app.screen, SessionsScreen), "an open dialog is answered first"
        await write(pilot, "first")
        await until(pilot, lambda: options.option_count == 1)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, LineDialog))
        app.screen.query_one(Input).value = "Renamed"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        assert "Renamed" in shown(pilot)
        await write(pilot, "renamed")
        await pilot.press("enter")
        await until(pilot, lambda: chat(pilot).query("ExchangeView") and "First question" in shown(pilot))
        assert ANSWER in shown(pilot)
        assert chat(pilot).conversation is not None


async def test_of_many_sessions_the_latest_are_listed_and_each_is_found_by_its_title(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    now = utc_now()
    sessions = [Conversation(new_id(), f"Contract {number}", now, now, turns=1) for number in range(5000)]
    async with app.run_test(size=(100, 30)) as pilot:
        app.push_screen(SessionsScreen(sessions, None, asyncio.Event()))
        await until(pilot, lambda: "The latest 100 of 5,000: type more" in shown(pilot))
        await write(pilot, "4999")
        await until(pilot, lambda: "The latest 100" not in shown(pilot))
        assert "Contract 4999" in shown(pilot)


async def test_a_session_with_a_long_title_takes_one_line_of_the_list(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "How many days does a customer have who wants to send the goods back to us?")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        line = next(line for line in shown(pilot).splitlines() if "│ How many days" in line)
        assert "(open)" in line


async def test_answers_are_chosen_with_the_arrows(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "First")
        await ask(pilot, "Second")
        screen = chat(pilot)
        await pilot.press("escape")
        assert screen.selected is screen.answers[1]
        await pilot.press("up")
        assert screen.selected is screen.answers[0]
        await pilot.press("ctrl+down")
        assert screen.selected is screen.answers[1]
        await pilot.press("i")
        assert isinstance(app.focused, Composer)


@pytest.mark.parametrize("size", [(40, 10), (80, 20), (80, 24), (120, 36), (200, 50)])
async def test_every_size_shows_the_answer_the_editor_and_the_input(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: ANSWER in shown(pilot))
        assert chat(pilot).query_one(Composer).region.bottom <= size[1]
        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        await until(pilot, lambda: ANSWER in shown(pilot))
        assert area(app).region.right <= size[0]
        assert ANSWER in shown(pilot).splitlines()[area(app).cursor_screen_offset.y]
        assert "Why? (optional)" in shown(pilot)


@pytest.mark.parametrize("size", [(40, 10), (80, 20), (80, 24), (120, 36), (200, 50)])
async def test_a_long_text_in_the_editor_leaves_its_cursor_and_its_end_in_sight(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        await until(pilot, lambda: area(app).has_focus)
        await write(pilot, "\n".join(f"Line {number}." for number in range(100)))
        await until(pilot, lambda: "Line 99." in shown(pilot) and "{+" in shown(pilot))
        assert "Why? (optional)" in shown(pilot)
        assert editor(app).region.height < size[1]


class SlowReader(FakeEngine):
    """Says nothing before it is let."""

    async def generate(
        self, lanes: Sequence[Lane], *, priority: Priority = Priority.INTERACTIVE
    ) -> AsyncGenerator[LaneEvent]:
        assert self.hold is not None
        await self.hold.wait()
        async for event in super().generate(lanes, priority=priority):
            yield event


@pytest.mark.parametrize("calm", [False, True])
async def test_until_the_first_word_it_is_told_that_the_question_is_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calm: bool
) -> None:
    monkeypatch.setattr(first_word, "TOLD_EACH_S", 0.05)
    monkeypatch.setattr(first_word, "TOLD_EACH_CALMLY_S", 0.05)
    engine = SlowReader(scripted(ANSWER))
    engine.hold = asyncio.Event()
    app = StudioApp(fake_studio(tmp_path, engine=engine, settings=Settings(ui=UiSettings(reduced_motion=calm))))
    async with app.run_test(size=(100, 30)) as pilot:
        chat(pilot).query_one(Composer).focus()
        await write(pilot, QUESTION)
        await pilot.press("enter")
        await until(pilot, lambda: re.search(r"reading the question, \d+ s", shown(pilot)))
        engine.hold.set()
        await until(pilot, lambda: ANSWER in shown(pilot))
        assert "reading the question" not in shown(pilot)


async def test_a_correction_corrected_again_keeps_what_was_said_of_it(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "f")
        await write(pilot, "too short")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query(AnswerEditor) and not editor(app).writing)
        area(app).load_text("It is 45 days.")
        await pilot.press("tab")
        await write(pilot, "always in days")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        await pilot.press("e")
        await until(pilot, lambda: area(app).has_focus)
        area(app).load_text("It is 46 days.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        (correction,) = app.studio.log.corrections.in_force()
        assert correction.corrected == "It is 46 days."
        assert (correction.rationale, correction.feedback) == ("always in days", "too short")


async def test_words_on_what_is_wrong_are_not_lost_to_a_new_session(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "f")
        await write(pilot, "too short")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: any("leave it with esc" in told for told in notices(pilot)))
        assert app.screen.query_one(FeedbackLine).value == "too short"
