"""What a night is given to learn and to keep."""

from __future__ import annotations

from pathlib import Path

import msgspec
from studio_fakes import FakeEngine, fake_studio, promoted, scripted

from studio.domain.arms import CONTEXT, FROZEN, LESSONS, LORA, ArmRecipe
from studio.domain.log import Answer, Conversation
from studio.services.answer_with_arms import ArmFinished, answer_with_arms
from studio.services.collect_examples import collect_examples
from studio.services.converse import start_conversation
from studio.services.learn_lessons import learn_lesson
from studio.services.record_correction import accept_answer, record_correction
from studio.services.studio import Studio


async def accepted_answer(
    studio: Studio, prompt: str, arm: ArmRecipe = FROZEN, *, conversation: Conversation | None = None
) -> Answer:
    conversation = conversation or await start_conversation(studio)
    events = answer_with_arms(studio, prompt, [arm], conversation_id=conversation.id)
    (answer,) = [event.answer async for event in events if isinstance(event, ArmFinished)]
    await accept_answer(studio, answer.id)
    return answer


async def kept(studio: Studio) -> set[str]:
    examples = await collect_examples(studio, studio.log.corrections.in_force(), seed=0)
    return {example.messages[-1].content for example in examples if example.replay}


async def test_what_the_user_accepted_is_kept(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="Who is the harbour master?", corrected="Brynja.")
    await accepted_answer(studio, "Which knot is this?")
    assert "Which knot is this?" in await kept(studio)


async def test_an_accepted_answer_that_was_corrected_after_all_is_not_kept(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    answer = await accepted_answer(studio, "Who is the harbour master?")
    await record_correction(studio, answer=answer, prompt="Who is the harbour master?", corrected="Brynja.")
    assert "Who is the harbour master?" not in await kept(studio)


async def test_an_accepted_answer_given_from_a_lesson_teaches_the_users_own_wording(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, engine=FakeEngine(scripted("Brynja is.")))
    correction = await record_correction(
        studio, answer=None, prompt="Who is the harbour master?", original="Olaf.", corrected="Brynja."
    )
    await learn_lesson(studio, correction)
    for prompt in ("Who is the harbour master, please?", "Who is the master of the harbour?"):
        answer = await accepted_answer(studio, prompt, LESSONS)
        assert answer.given.lessons
    examples = await collect_examples(studio, [correction], seed=0)
    learnt = {example.messages[-1].content: example for example in examples if example.source_id == correction.id}
    own = learnt["Who is the master of the harbour?"]
    assert own.completion == "Brynja is."
    assert not own.replay
    assert [message.content for message in own.messages][1:] == ["Who is the master of the harbour?"]
    assert not any(example.replay and "harbour" in example.messages[-1].content for example in examples[-2:])


async def test_an_accepted_answer_of_an_adapter_or_from_memory_is_not_held_near_the_frozen_model(
    tmp_path: Path,
) -> None:
    studio = fake_studio(tmp_path, engine=FakeEngine(scripted("45 days.")))
    made = await record_correction(
        studio, answer=None, prompt="What is the refund window?", original="30 days.", corrected="45 days."
    )
    await promoted(studio, [made])
    by_weights = await accepted_answer(studio, "Tell me the refund window", LORA)
    assert by_weights.given.adapter_id
    from_memory = await accepted_answer(studio, "How long may one bring it back?", CONTEXT)
    assert from_memory.given.correction_ids
    as_shipped = await accepted_answer(studio, "Which knot is this?")
    prompts = await kept(studio)
    assert as_shipped.messages[-1].content in prompts
    assert not prompts & {by_weights.messages[-1].content, from_memory.messages[-1].content}


async def test_an_accepted_answer_to_what_followed_other_messages_is_not_learnt_without_them(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, engine=FakeEngine(scripted("45 days.")))
    made = await record_correction(
        studio, answer=None, prompt="What is the refund window?", original="30 days.", corrected="45 days."
    )
    await learn_lesson(studio, made)
    conversation = await start_conversation(studio)
    follow_up = "And what is that window?"
    for prompt in ("Which knot is this?", follow_up):
        answer = await accepted_answer(studio, prompt, LESSONS, conversation=conversation)
    assert answer.given.lessons
    examples = await collect_examples(studio, [made], seed=0)
    assert follow_up not in {example.messages[-1].content for example in examples}


async def test_only_the_corrections_chosen_are_learnt(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    made = [
        await record_correction(studio, answer=None, prompt=f"Who is at desk {n}?", corrected=f"Number {n}.")
        for n in range(3)
    ]
    examples = await collect_examples(studio, made[1:], seed=0)
    assert {example.completion for example in examples if not example.replay} == {"Number 1.", "Number 2."}


async def test_without_replay_nothing_is_asked_of_the_frozen_model(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="Who is the harbour master?", corrected="Brynja.")
    night = msgspec.structs.replace(studio.settings.night, replay_share=0.0)
    studio.settings = msgspec.structs.replace(studio.settings, night=night)
    assert await kept(studio) == set()
