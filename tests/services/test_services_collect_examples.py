"""What a night is given to learn and to keep."""

from __future__ import annotations

from pathlib import Path

import msgspec
from studio_fakes import fake_studio

from studio.domain.arms import FROZEN
from studio.domain.log import Answer
from studio.services.answer_with_arms import ArmFinished, answer_with_arms
from studio.services.collect_examples import collect_examples
from studio.services.converse import start_conversation
from studio.services.record_correction import accept_answer, record_correction
from studio.services.studio import Studio


async def accepted_answer(studio: Studio, prompt: str) -> Answer:
    conversation = await start_conversation(studio)
    events = answer_with_arms(studio, prompt, [FROZEN], conversation_id=conversation.id)
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


async def test_without_replay_nothing_is_asked_of_the_frozen_model(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await record_correction(studio, answer=None, prompt="Who is the harbour master?", corrected="Brynja.")
    night = msgspec.structs.replace(studio.settings.night, replay_share=0.0)
    studio.settings = msgspec.structs.replace(studio.settings, night=night)
    assert await kept(studio) == set()
