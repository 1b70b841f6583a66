"""Conversations of other programs in the log: each is there once, however often a client sends it, and reviewed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio

from studio.domain.arms import FROZEN, LESSONS
from studio.domain.clients import ClientQuestion
from studio.domain.generation import ChatMessage, Lane, Role
from studio.domain.log import Answer, Origin
from studio.services import place_question
from studio.services.answer_clients import ServedArms
from studio.services.answer_with_arms import answer_with_arms
from studio.services.converse import conversations, exchanges, history_of, start_conversation
from studio.services.learn_lessons import learn_lesson
from studio.services.record_correction import record_correction
from studio.services.review_answers import correct_item, open_item, review_queue
from studio.services.studio import Studio


def echo(lane: Lane) -> str:
    return f"To {lane.messages[-1].content}"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return fake_studio(tmp_path, engine=FakeEngine(echo))


class Client:
    """A program that sends the whole conversation each time."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.arms = ServedArms(studio, LESSONS)

    async def ask(self, prompt: str, *before: str, arm: str = "frozen", system: str | None = None) -> Answer:
        """`before` are in turns the user's messages and the answers to them."""
        history = tuple(
            ChatMessage((Role.USER, Role.ASSISTANT)[number % 2], text) for number, text in enumerate(before)
        )
        question = ClientQuestion(arm, prompt, self.arms.sampling, history, system)
        *_, answer = [piece async for piece in self.arms.answer(question)]
        assert isinstance(answer, Answer)
        return answer

    async def log(self) -> list[list[tuple[str, int]]]:
        """Of each conversation, oldest first, its questions and how many answers each has."""
        found = sorted(await conversations(self.studio), key=lambda one: one.created_at)
        assert {one.origin for one in found} <= {Origin.API}
        return [
            [(exchange.turn.prompt, len(exchange.answers)) for exchange in await exchanges(self.studio, one.id)]
            for one in found
        ]


@pytest.fixture
def client(studio: Studio) -> Client:
    return Client(studio)


async def test_a_conversation_is_logged_once_however_often_it_is_sent(client: Client) -> None:
    told: list[str] = []
    for prompt in ("One?", "Two?", "Three?"):
        answer = await client.ask(prompt, *told)
        # Clients strip what they keep, and their system message changes with the hour.
        told += [prompt, f" {answer.text}\n"]
        client = Client(client.studio)  # started anew: it is known by content
    assert await client.log() == [[("One?", 1), ("Two?", 1), ("Three?", 1)]]


async def test_a_branch_begins_a_conversation_which_goes_on_by_itself(client: Client) -> None:
    await client.ask("One?")
    await client.ask("Two?", "One?", "To One?")
    await client.ask("Two, that is?", "One?", "To One?")
    assert await client.log() == [[("One?", 1), ("Two?", 1)], [("Two, that is?", 1)]]
    last = await client.ask("And?", "One?", "To One?", "Two, that is?", "To Two, that is?")
    await client.ask("And?", "One?", "To One?", "Two?", "To Two?")
    assert await client.log() == [
        [("One?", 1), ("Two?", 1), ("And?", 1)],
        [("Two, that is?", 1), ("And?", 1)],
    ]
    assert last.given.history_messages == 4


async def test_an_answer_that_was_edited_in_the_client_is_a_branch(client: Client) -> None:
    await client.ask("One?")
    await client.ask("Two?", "One?", "Something else.")
    assert await client.log() == [[("One?", 1)], [("Two?", 1)]]


async def test_asked_again_and_of_another_arm_it_is_one_question_with_more_answers(client: Client) -> None:
    await client.ask("One?")
    await client.ask("Two?", "One?", "To One?")
    await client.ask("Two?", "One?", "To One?", arm="lora")
    await client.ask("Three?", "One?", "To One?", "Two?", "To Two?")
    assert await client.log() == [[("One?", 1), ("Two?", 2), ("Three?", 1)]]


async def test_a_first_question_is_the_same_only_for_a_while(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await client.ask("Hi")
    await client.ask("Hi")
    assert await client.log() == [[("Hi", 2)]]
    monkeypatch.setattr(place_question, "SAME_BEGINNING", timedelta(0))
    await client.ask("Hi")
    assert await client.log() == [[("Hi", 2)], [("Hi", 1)]]


async def test_what_was_said_elsewhere_is_not_logged_but_goes_along(client: Client) -> None:
    elsewhere = ("Who are you?", "Another assistant.")
    await client.ask("One?", *elsewhere)
    await client.ask("One?", *elsewhere)
    await client.ask("Two?", *elsewhere, "One?", "To One?")
    assert await client.log() == [[("One?", 2), ("Two?", 1)]]
    (conversation,) = await conversations(client.studio)
    assert [message.content for message in await history_of(client.studio, conversation.id)] == [
        *elsewhere, "One?", "To One?", "Two?", "To Two?",
    ]  # fmt: skip
    # Without what was said elsewhere it is another conversation.
    await client.ask("Two?", "One?", "To One?")
    assert [len(turns) for turns in await client.log()] == [2, 1]


async def test_a_question_shown_as_answered_by_its_lesson_begins_one_conversation(client: Client) -> None:
    correction = await record_correction(
        client.studio, answer=None, prompt="What is our refund window?", original="30 days.", corrected="45 days."
    )
    await learn_lesson(client.studio, correction)
    elsewhere = ("Who are you?", "Another assistant.")
    first = await client.ask("What is our refund window?", *elsewhere, arm="lessons")
    assert first.given.lessons
    await client.ask("And for shoes?", *elsewhere, "What is our refund window?", first.text)
    assert await client.log() == [[("What is our refund window?", 1), ("And for shoes?", 1)]]
    (conversation,) = await conversations(client.studio)
    history = await history_of(client.studio, conversation.id)
    assert [message.content for message in history][:3] == [*elsewhere, "What is our refund window?"]


async def test_a_conversation_that_went_on_in_the_app_is_a_branch_for_the_client(client: Client) -> None:
    await client.ask("One?")
    (conversation,) = await conversations(client.studio)
    async for _ in answer_with_arms(client.studio, "In Chat?", [FROZEN], conversation_id=conversation.id):
        pass
    await client.ask("Two?", "One?", "To One?")
    assert await client.log() == [[("One?", 1), ("In Chat?", 1)], [("Two?", 1)]]


async def test_conversations_of_the_app_are_not_gone_on_with(client: Client) -> None:
    studio = client.studio
    own = await start_conversation(studio)
    async for _ in answer_with_arms(studio, "One?", [FROZEN], conversation_id=own.id):
        pass
    await client.ask("One?")
    await client.ask("Two?", "One?", "To One?")
    assert len(await exchanges(studio, own.id)) == 1


async def test_lessons_work_under_the_clients_system_message(client: Client) -> None:
    correction = await record_correction(
        client.studio, answer=None, prompt="What is our refund window?", original="30 days.", corrected="45 days."
    )
    await learn_lesson(client.studio, correction)
    answer = await client.ask("What is our refund window?", arm="lessons", system="You are a pirate.")
    assert answer.messages[0] == ChatMessage(Role.SYSTEM, "You are a pirate.")
    assert "45 days." in answer.messages[-2].content
    assert [lesson.title for lesson in answer.given.lessons]
    silent = await client.ask("What else?", arm="frozen", system="")
    assert [message.role for message in silent.messages] == [Role.USER]


async def test_it_comes_up_in_review_and_is_corrected_with_its_history(client: Client) -> None:
    await client.ask("Two?", "One?", "Said elsewhere.")
    (item,) = await review_queue(client.studio)
    opened = await open_item(client.studio, item)
    assert [message.content for message in opened.history] == ["One?", "Said elsewhere."]
    judged = await correct_item(client.studio, opened, "Not two.", origin=Origin.CHAT)
    assert judged.made is not None
    assert [message.content for message in judged.made.history] == ["One?", "Said elsewhere."]
    assert await review_queue(client.studio) == []


async def test_an_unfinished_answer_is_known_by_what_reached_the_client(client: Client) -> None:
    question = ClientQuestion("frozen", "One more time?", client.arms.sampling)
    pieces = client.arms.answer(question)
    got = [await anext(pieces) for _ in range(4)]
    await pieces.aclose()
    seen = "".join(piece for piece in got[:3] if isinstance(piece, str))
    await client.ask("Two?", "One more time?", seen)
    assert await client.log() == [[("One more time?", 1), ("Two?", 1)]]


async def test_history_too_long_for_the_model_is_still_known(client: Client) -> None:
    elsewhere = [text for number in range(60) for text in (f"Question {number}? " + "word " * 90, "Answer. " * 9)]
    first = await client.ask("One?", *elsewhere)
    assert first.given.history_trimmed > 0
    await client.ask("Two?", *elsewhere, "One?", first.text)
    assert await client.log() == [[("One?", 1), ("Two?", 1)]]
