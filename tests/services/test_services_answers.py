"""What the user sees of asking: answers kept with provenance, cancelled and broken ones too; history as corrected."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
from studio_fakes import FakeEngine, fake_studio, scripted

from studio.domain.arms import CONTEXT, FROZEN, LORA, STANDARD_ARMS, Memory
from studio.domain.generation import FinishReason
from studio.errors import PromptTooLongError, UsageError
from studio.services.answer_with_arms import ArmDelta, ArmFailed, ArmFinished, ArmStarted, answer_with_arms
from studio.services.converse import conversations, exchanges, rename_conversation, start_conversation
from studio.services.learn_lessons import learn_pending
from studio.services.record_correction import record_correction
from studio.settings import ModelSettings, Settings


async def test_answers_stream_and_are_kept_with_what_they_were_given(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    conversation = await start_conversation(studio)
    events = [e async for e in answer_with_arms(studio, "Hello?", [FROZEN, LORA], conversation_id=conversation.id)]
    assert [type(e) for e in events[:2]] == [ArmStarted, ArmStarted]
    finished = {e.arm: e.answer for e in events if isinstance(e, ArmFinished)}
    for arm, answer in finished.items():
        assert answer.text == "".join(e.text for e in events if isinstance(e, ArmDelta) and e.arm == arm)
        assert answer.given.model_sha256 == "f" * 64
    assert "No adapter" in finished["lora"].given.note
    (exchange,) = await exchanges(studio, conversation.id)
    assert {answer.arm for answer in exchange.answers} == {"frozen", "lora"}


async def test_where_no_night_can_train_the_model_an_arm_with_an_adapter_says_so_and_the_rest_works(
    tmp_path: Path,
) -> None:
    engine = FakeEngine()
    engine.architecture = "falcon"
    studio = fake_studio(tmp_path, engine=engine)
    correction = await record_correction(studio, answer=None, prompt="How long is notice?", corrected="45 days.")
    assert await learn_pending(studio) == 1
    conversation = await start_conversation(studio)
    asked = answer_with_arms(studio, "How long is notice?", STANDARD_ARMS, conversation_id=conversation.id)
    answers = {e.arm: e.answer async for e in asked if isinstance(e, ArmFinished)}
    why = "No adapter is in use, and a night cannot train this model: its architecture is 'falcon', and a night can"
    for recipe in STANDARD_ARMS:
        answer = answers[recipe.name]
        assert ("45 days." in answer.text) == (recipe.memory is not Memory.NONE)
        assert (why in answer.given.note) == recipe.uses_adapter
        assert not answer.given.adapter_id
    assert answers["context"].given.correction_ids == (correction.id,)


async def test_a_cancelled_answer_is_kept_as_far_as_it_came(tmp_path: Path) -> None:
    engine = FakeEngine(scripted("one two three"))
    engine.hold = asyncio.Event()
    studio = fake_studio(tmp_path, engine=engine)
    conversation = await start_conversation(studio)
    async with aclosing(answer_with_arms(studio, "Count", [FROZEN], conversation_id=conversation.id)) as events:
        async for event in events:
            if isinstance(event, ArmDelta):
                break
    assert engine.cancelled
    (exchange,) = await exchanges(studio, conversation.id)
    assert [(a.text, a.finish_reason) for a in exchange.answers] == [("one", FinishReason.CANCELLED)]


async def test_a_dying_engine_is_told_and_the_turn_kept(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, engine=FakeEngine(scripted("one two three"), die_after=2))
    conversation = await start_conversation(studio)
    events = [e async for e in answer_with_arms(studio, "Count", [FROZEN], conversation_id=conversation.id)]
    assert isinstance(events[-1], ArmFailed)
    assert "stopped unexpectedly" in events[-1].message
    (exchange,) = await exchanges(studio, conversation.id)
    assert [(a.text, a.finish_reason) for a in exchange.answers] == [("one two", FinishReason.FAILED)]


async def test_history_goes_on_from_the_corrected_answer(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, engine=FakeEngine(scripted("30 days.")))
    conversation = await start_conversation(studio)
    async for event in answer_with_arms(studio, "Refunds?", [FROZEN], conversation_id=conversation.id):
        if isinstance(event, ArmFinished):
            await record_correction(studio, answer=event.answer, prompt="Refunds?", corrected="45 days.")
    async for event in answer_with_arms(studio, "And returns?", [FROZEN], conversation_id=conversation.id):
        if isinstance(event, ArmFinished):
            said = [message.content for message in event.answer.messages]
            assert said[-3:] == ["Refunds?", "45 days.", "And returns?"]
            assert event.answer.given.history_messages == 2


async def test_history_that_does_not_fit_is_left_out_oldest_first_and_said(tmp_path: Path) -> None:
    settings = Settings(model=ModelSettings(context_tokens=256))
    studio = fake_studio(tmp_path, engine=FakeEngine(scripted("word " * 60)), settings=settings)
    conversation = await start_conversation(studio)
    last = None
    for number in range(5):
        events = answer_with_arms(studio, f"Question {number}?", [FROZEN], conversation_id=conversation.id)
        async for event in events:
            last = event
    assert isinstance(last, ArmFinished)
    assert last.answer.given.history_trimmed == 4
    assert "left out" in last.answer.given.note
    assert last.answer.messages[-1].content == "Question 4?"


async def test_a_question_longer_than_the_context_is_refused_before_anything_is_logged(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    conversation = await start_conversation(studio)
    with pytest.raises(PromptTooLongError, match="tokens"):
        async for _ in answer_with_arms(studio, "word " * 200_000, [FROZEN], conversation_id=conversation.id):
            pass
    with pytest.raises(UsageError, match="empty"):
        async for _ in answer_with_arms(studio, "  ", [FROZEN], conversation_id=conversation.id):
            pass
    assert await exchanges(studio, conversation.id) == []


async def test_the_context_arm_keeps_to_its_budget_newest_first(tmp_path: Path) -> None:
    prompt = msgspec.structs.replace(Settings().prompt, context_budget_tokens=1024)
    studio = fake_studio(tmp_path, settings=Settings(prompt=prompt))
    for number in range(100):
        await record_correction(
            studio, answer=None, prompt=f"Which shelf holds box {number}?", original="?", corrected=f"Shelf {number}."
        )
    conversation = await start_conversation(studio)
    async for event in answer_with_arms(studio, "Which shelf?", [CONTEXT], conversation_id=conversation.id):
        if isinstance(event, ArmStarted):
            given = event.given
    assert 0 < len(given.correction_ids) < 100
    assert given.corrections_left_out == 100 - len(given.correction_ids)
    newest = [c.id for c in studio.log.corrections.in_force()][-len(given.correction_ids) :]
    assert list(given.correction_ids) == newest


async def test_conversations_are_listed_named_and_renamed(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    conversation = await start_conversation(studio)
    async for _ in answer_with_arms(studio, "What is our\nrefund window?", [FROZEN], conversation_id=conversation.id):
        pass
    (listed,) = await conversations(studio)
    assert (listed.title, listed.turns) == ("What is our refund window?", 1)
    await rename_conversation(studio, conversation.id, "Refunds")
    assert (await conversations(studio))[0].title == "Refunds"
    with pytest.raises(UsageError):
        await rename_conversation(studio, conversation.id, " ")
