"""The review queue: what is in it, in which order, and what accepting, correcting and taking back do to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio, scripted

from benchmarks.ageing import fill
from studio.domain.arms import FROZEN, LESSONS, LORA_LESSONS
from studio.domain.generation import ChatMessage, FinishReason, Role
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Answer, Conversation, Given, Origin, Turn
from studio.domain.nights import ProbeResult
from studio.errors import UsageError
from studio.evaluation.forms_exam import EXAM
from studio.prompting.prompt_forms import LessonForm, ShownForm
from studio.services.answer_with_arms import answer_with_arms
from studio.services.converse import start_conversation
from studio.services.learn_lessons import learn_lesson
from studio.services.measured_forms import MeasuredForms, keep_measured
from studio.services.record_correction import prefer_answer, record_correction, undo_correction
from studio.services.review_answers import (
    ReviewItem,
    ReviewReason,
    accept_item,
    correct_item,
    open_item,
    review_queue,
    take_back,
)
from studio.services.studio import Studio
from studio.storage import unjudged


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return fake_studio(tmp_path, engine=FakeEngine(scripted("It is 30 days.")))


def answered(
    studio: Studio,
    prompt: str,
    *,
    sure: float | None = None,
    minutes: float = 0,
    origin: Origin = Origin.CHAT,
    reason: FinishReason = FinishReason.STOP,
    arms: tuple[str, ...] = ("lora+lessons",),
) -> list[str]:
    """A question and its answers in the log; returns their ids."""
    when = utc_now() + timedelta(minutes=minutes)
    conversation = Conversation(new_id(), "", when, when, origin)
    turn = Turn(new_id(), conversation.id, 0, prompt, when)
    chat = (ChatMessage(Role.USER, prompt),)
    answers = [
        Answer(new_id(), turn.id, arm, "It is 30 days.", reason, Given(), chat, 3, 4, 0.1, 0.2, when, sure)
        for arm in arms
    ]
    studio.log.conversations.add(conversation)
    studio.log.conversations.add_turn(turn)
    studio.log.answers.add(answers)
    return [answer.id for answer in answers]


def probed(studio: Studio, correction_id: str, *, ok: bool, arm: str = "lora+lessons") -> None:
    result = ProbeResult(correction_id, arm, "It is 30 days.", ok, 0.0, "idle:1", utc_now(), None, correction_id)
    studio.log.probes.add_results([result])


async def prompts(studio: Studio) -> list[str]:
    return [item.prompt for item in await review_queue(studio)]


async def first(studio: Studio) -> ReviewItem:
    return (await review_queue(studio))[0]


async def test_wrong_ones_come_first_then_the_unsure_then_the_newest(studio: Studio) -> None:
    answered(studio, "old?", minutes=1)
    answered(studio, "new?", minutes=2)
    answered(studio, "sure?", sure=-0.1, minutes=3)
    answered(studio, "unsure?", sure=-2.0, minutes=-3)
    await record_correction(studio, answer=None, prompt="wrong again?", original="30.", corrected="It is 45 days.")
    answered(studio, "Wrong  again?", sure=-0.01, minutes=1)
    forgotten = await record_correction(studio, answer=None, prompt="forgotten?", original="3.", corrected="Nine days.")
    probed(studio, forgotten.id, ok=True)
    probed(studio, forgotten.id, ok=False)
    queue = await review_queue(studio)
    assert [item.prompt for item in queue] == ["Wrong  again?", "forgotten?", "unsure?", "sure?", "new?", "old?"]
    assert [item.reason for item in queue[:3]] == [
        ReviewReason.WRONG,
        ReviewReason.NOT_LEARNT,
        ReviewReason.UNJUDGED,
    ]
    assert queue[2].confidence == pytest.approx(0.135, abs=0.001)


async def test_its_beginning_read_alone_is_the_beginning_of_all_of_it(studio: Studio) -> None:
    """However the questions are written: what SQL does not fold as Python does must be among the first too."""
    asked = [
        "Straße?",
        "STRASSE?",
        "  where is  it? ",
        "Where is it?",
        "Und ÄRGER?",
        "plain?",
        "Plain?",
        "other?",
        "x\ty?",
    ]
    for at, prompt in enumerate(asked):
        answered(studio, prompt, sure=(None, -0.5, -2.0, 0.1)[at % 4], minutes=at - 20)
    for number, prompt in enumerate(("straße?", "where is it?", "und ärger?", "X Y?", "plain?")):
        made = await record_correction(studio, answer=None, prompt=prompt, original="30.", corrected=f"At {number}.")
        if prompt == "plain?":
            await undo_correction(studio, made.id)
    for at, prompt in enumerate([*asked, "new?", "newer?"]):
        answered(studio, prompt, sure=(-0.5, -3.0, None)[at % 3], minutes=at % 5 + 1)
    for number in range(4):
        old = await record_correction(studio, answer=None, prompt=f"p{number}?", original="3.", corrected="Nine days.")
        probed(studio, old.id, ok=number == 1)
    await undo_correction(studio, old.id)
    whole = await review_queue(studio)
    assert [item.reason for item in whole].count(ReviewReason.WRONG) >= 5
    assert len(whole) > 15
    for most in (1, 2, 5, 9, 13, len(whole), 100):
        assert await review_queue(studio, most) == whole[:most]


async def test_judged_broken_and_played_answers_are_not_in_it(studio: Studio) -> None:
    answered(studio, "demo?", origin=Origin.DEMO)
    answered(studio, "cancelled?", reason=FinishReason.CANCELLED)
    frozen, _ = answered(studio, "preferred?", arms=("frozen", "lora"), origin=Origin.COMPARE)
    await prefer_answer(studio, frozen)
    (corrected,) = answered(studio, "corrected?")
    correction = await record_correction(
        studio, answer=studio.log.answers.get(corrected), prompt="corrected?", corrected="It is 45 days."
    )
    answered(studio, "corrected later?")
    later = await record_correction(studio, answer=None, prompt="corrected later?", original="30.", corrected="45.")
    known = await record_correction(studio, answer=None, prompt="learnt?", original="30.", corrected="45.")
    probed(studio, known.id, ok=False)
    probed(studio, known.id, ok=True)
    probed(studio, known.id, ok=False, arm="frozen")
    assert await prompts(studio) == []
    await undo_correction(studio, correction.id)
    await undo_correction(studio, later.id)
    assert sorted(await prompts(studio)) == ["corrected later?", "corrected?"]


async def test_a_question_is_asked_about_once_however_many_arms_answered(studio: Studio) -> None:
    answered(studio, "compared?", arms=("frozen", "lora+lessons", "context"), origin=Origin.COMPARE)
    (item,) = await review_queue(studio)
    assert item.arm == "lora+lessons", "the arm that answers in Chat"


async def test_accepting_is_kept_and_taken_back(studio: Studio) -> None:
    (answer,) = answered(studio, "fine?")
    judgement = await accept_item(studio, await open_item(studio, await first(studio)))
    assert [accepted.id for accepted, _ in studio.log.answers.accepted()] == [answer]
    assert await prompts(studio) == []
    await take_back(studio, judgement)
    assert await prompts(studio) == ["fine?"]


async def test_a_correction_belongs_to_the_answer_and_its_history(studio: Studio) -> None:
    conversation = await start_conversation(studio)
    for prompt in ("One?", "And the other?"):
        async for _ in answer_with_arms(studio, prompt, [LORA_LESSONS], conversation_id=conversation.id):
            pass
    item = await first(studio)
    opened = await open_item(studio, item)
    assert [message.content for message in opened.history] == ["One?", "It is 30 days."]
    judgement = await correct_item(studio, opened, "It is 45 days.", rationale="new", origin=Origin.CHAT)
    made = judgement.made
    assert made is not None
    assert (made.answer_id, made.history, made.rationale) == (item.id, opened.history, "new")
    assert await prompts(studio) == ["One?"]
    await take_back(studio, judgement)
    assert await prompts(studio) == ["And the other?", "One?"]


async def test_a_comparison_asked_from_chat_keeps_the_messages_it_was_given(studio: Studio) -> None:
    conversation = await start_conversation(studio, origin=Origin.COMPARE)
    before = (ChatMessage(Role.USER, "One?"), ChatMessage(Role.ASSISTANT, "Yes."))
    async for _ in answer_with_arms(
        studio, "And the other?", [FROZEN], conversation_id=conversation.id, history=before
    ):
        pass
    assert (await open_item(studio, await first(studio))).history == before


@pytest.mark.parametrize(
    ("form", "shown"),
    [(LessonForm.SHOWN, ["45 days.", "One?", "Yes."]), (LessonForm.AFTER, ["45 days.", "days?", "45 days."])],
)
async def test_what_came_before_a_comparison_is_kept_apart_from_what_a_lesson_showed(
    studio: Studio, form: LessonForm, shown: list[str]
) -> None:
    facts = await studio.model()
    measured = MeasuredForms(
        model_sha256=facts.sha256,
        model_name=facts.name,
        exam=EXAM,
        measured_at=utc_now(),
        lesson=form,
        corrections=ShownForm.TWICE,
        lessons=(),
        context=(),
    )
    keep_measured(studio, measured)
    old = await record_correction(studio, answer=None, prompt="days?", original="30 days.", corrected="45 days.")
    await learn_lesson(studio, old)
    conversation = await start_conversation(studio, origin=Origin.COMPARE)
    before = (ChatMessage(Role.USER, "One?"), ChatMessage(Role.ASSISTANT, "Yes."))
    async for _ in answer_with_arms(studio, "days?", [LESSONS], conversation_id=conversation.id, history=before):
        pass
    opened = await open_item(studio, await first(studio))
    assert opened.answer is not None
    assert [message.content for message in opened.answer.messages][-4:-1] == shown
    assert opened.history == before
    judgement = await correct_item(studio, opened, "50 days.", origin=Origin.CHAT)
    assert judgement.made is not None
    assert judgement.made.history == before


async def test_what_was_not_learnt_is_corrected_anew_or_given_up(studio: Studio) -> None:
    old = await record_correction(studio, answer=None, prompt="days?", original="It is 3 days.", corrected="45 days.")
    probed(studio, old.id, ok=False)
    opened = await open_item(studio, await first(studio))
    with pytest.raises(UsageError, match="saved before"):
        await correct_item(studio, opened, "45 days.", origin=Origin.CHAT)
    judgement = await correct_item(studio, opened, "45 days.", rationale="since March", origin=Origin.CHAT)
    assert judgement.made is not None
    assert judgement.made.supersedes == old.id
    assert await prompts(studio) == []
    await take_back(studio, judgement)
    judgement = await accept_item(studio, await open_item(studio, await first(studio)))
    assert [one.corrected for one in studio.log.corrections.in_force()] == ["It is 30 days."]
    await take_back(studio, judgement)
    assert [one.corrected for one in studio.log.corrections.in_force()] == ["45 days."]


async def test_accepting_what_was_corrected_undoes_the_correction(studio: Studio) -> None:
    old = await record_correction(studio, answer=None, prompt="days?", original="It is 30 days.", corrected="45 days.")
    probed(studio, old.id, ok=False)
    judgement = await accept_item(studio, await open_item(studio, await first(studio)))
    assert studio.log.corrections.in_force() == []
    await take_back(studio, judgement)
    assert [one.id for one in studio.log.corrections.in_force()] == [old.id]


async def test_an_accepted_answer_stays_judged_where_its_correction_gave_way(studio: Studio) -> None:
    await record_correction(studio, answer=None, prompt="days?", original="3 days.", corrected="45 days.")
    answered(studio, "days?", minutes=1)
    judgement = await accept_item(studio, await open_item(studio, await first(studio)))
    assert judgement.accepted
    assert await prompts(studio) == []
    await take_back(studio, judgement)
    assert (await first(studio)).reason is ReviewReason.WRONG


async def test_the_first_are_found_however_many_more_doubtful_ones_were_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake_studio(tmp_path)
    fill(studio.workspace, turns=400, corrections=80)
    whole = await review_queue(studio)
    assert len(whole) > 100
    for read_for_one in (1, 100):
        monkeypatch.setattr(unjudged, "_READ_FOR_ONE", read_for_one)
        for most in (1, 7, len(whole) + 1):
            assert await review_queue(studio, most) == whole[:most]
