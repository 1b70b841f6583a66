"""Questions that mean something only after others: each conversation gets the answer that was given in one like it."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.domain.arms import LESSONS
from studio.domain.generation import ChatMessage, Role
from studio.domain.lessons import LessonStatus
from studio.domain.log import Correction
from studio.services.answer_with_arms import ArmFinished, answer_with_arms
from studio.services.converse import start_conversation
from studio.services.learn_lessons import learn_lesson
from studio.services.record_correction import record_correction, redo_correction, undo_correction
from studio.services.studio import Studio

FOLLOW_UP = "And on Sundays?"


def after(place: str) -> tuple[ChatMessage, ...]:
    return (
        ChatMessage(Role.USER, f"When is the {place} open?"),
        ChatMessage(Role.ASSISTANT, "From nine to five."),
    )


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return fake_studio(tmp_path)


async def correct(
    studio: Studio, corrected: str, history: tuple[ChatMessage, ...] = (), prompt: str = FOLLOW_UP
) -> Correction:
    correction = await record_correction(
        studio, answer=None, prompt=prompt, original="Yes.", corrected=corrected, history=history
    )
    await learn_lesson(studio, correction)
    return correction


async def told(studio: Studio, history: tuple[ChatMessage, ...] = (), prompt: str = FOLLOW_UP) -> set[str]:
    """The answers of lessons that the arm was given."""
    conversation = await start_conversation(studio)
    events = answer_with_arms(studio, prompt, [LESSONS], conversation_id=conversation.id, history=history)
    (given,) = [event.answer.given async for event in events if isinstance(event, ArmFinished)]
    return {studio.log.lessons.get(one.lesson_id).guidance for one in given.lessons}


async def test_a_follow_up_is_answered_as_it_was_corrected_after_the_same_question(studio: Studio) -> None:
    library = await correct(studio, "Closed.", after("library"))
    pool = await correct(studio, "From ten to two.", after("pool"))
    assert await told(studio, after("library")) == {"Closed."}
    assert await told(studio, after("pool")) == {"From ten to two."}
    for correction in (library, pool):
        await undo_correction(studio, correction.id)
        await redo_correction(studio, correction.id)
    assert len(studio.log.lessons.all(LessonStatus.ACTIVE)) == 2


async def test_a_follow_up_that_was_answered_differently_elsewhere_gets_none_of_these_answers(studio: Studio) -> None:
    await correct(studio, "Closed.", after("library"))
    await correct(studio, "From ten to two.", after("pool"))
    assert await told(studio, after("museum")) == set()


async def test_a_question_that_was_corrected_late_in_a_conversation_is_known_in_every_other(studio: Studio) -> None:
    question = "What is the refund window?"
    await correct(studio, "45 days.", after("library"), question)
    assert await told(studio, (), question) == {"45 days."}
    assert await told(studio, after("pool"), question) == {"45 days."}


async def test_a_question_that_makes_sense_by_itself_has_one_answer_whatever_it_followed(studio: Studio) -> None:
    question = "What is the refund window?"
    await correct(studio, "45 days.", (), question)
    await correct(studio, "60 days.", after("pool"), question)
    for history in ((), after("pool"), after("museum")):
        assert await told(studio, history, question) == {"60 days."}


async def test_asked_by_itself_a_question_corrected_in_two_conversations_has_the_newer_answer(studio: Studio) -> None:
    question = "What is the refund window?"
    await correct(studio, "45 days.", after("library"), question)
    await correct(studio, "60 days.", after("pool"), question)
    assert await told(studio, (), question) == {"60 days."}
    await correct(studio, "90 days.", after("library"), question)
    assert await told(studio, (), question) == {"90 days."}
    assert await told(studio, after("pool"), question) == {"60 days."}
