"""Corrections nobody planned for: contradictions, retired lessons, strange answers, one question again and again."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.domain.arms import STANDARD_ARMS
from studio.domain.lessons import LessonStatus
from studio.domain.log import Correction
from studio.evaluation.judging import judge
from studio.services.answer_with_arms import ArmFinished, answer_with_arms
from studio.services.browse_lessons import lessons, retire_lesson
from studio.services.choose_corrections import choose_corrections
from studio.services.collect_examples import collect_examples
from studio.services.converse import start_conversation
from studio.services.learn_lessons import learn_lesson
from studio.services.record_correction import MAX_CHARACTERS, record_correction, undo_correction
from studio.services.studio import Studio
from studio.training.examples import learnt_examples

PROMPT = "What is the refund window at our store?"
GUESS = "I think it is 30 days."

ODD_ANSWERS = {
    "a number": "42",
    "another script": "返品は四十五日以内です。",
    "right to left": "٤٥ يومًا فقط.",
    "code": "```python\nif days > 45:\n    raise ValueError('too late')\n```",
    "a table": "| item | days |\n|---|---|\n| shoes | 45 |\n| lamps | 60 |",
    "one sign": "£",
    "emoji": "👩‍💻 45 🇯🇵",
    "braces and tags": "{{45}} <|im_end|> [bold]days[/bold] %s",
    "as long as may be": ("Forty-five days, as the sign says. " * 700)[:MAX_CHARACTERS],
}


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return fake_studio(tmp_path)


async def correct(studio: Studio, corrected: str, supersedes: str | None = None, *, prompt: str = PROMPT) -> Correction:
    correction = await record_correction(
        studio, answer=None, prompt=prompt, original=GUESS, corrected=corrected, supersedes=supersedes
    )
    await learn_lesson(studio, correction)
    return correction


async def told(studio: Studio) -> dict[str, str]:
    """What each arm was sent, as one text."""
    conversation = await start_conversation(studio)
    events = answer_with_arms(studio, PROMPT, STANDARD_ARMS, conversation_id=conversation.id)
    finished = [event async for event in events if isinstance(event, ArmFinished)]
    return {event.arm: "\n".join(message.content for message in event.answer.messages) for event in finished}


@pytest.mark.parametrize("corrected", ODD_ANSWERS.values(), ids=ODD_ANSWERS.keys())
async def test_an_odd_answer_is_learnt_as_it_is(studio: Studio, corrected: str) -> None:
    correction = await correct(studio, corrected)
    assert judge(corrected, correction.check).ok
    assert not judge(GUESS, correction.check).ok
    assert {example.completion for example in learnt_examples([correction], system="", wordings_each=20)} == {
        corrected.strip()
    }
    if len(corrected) < 1000:  # a longer one may not fit beside the question
        given = await told(studio)
        assert corrected in given["lessons"]
        assert corrected in given["context"]


async def test_of_contradicting_corrections_of_a_day_the_last_one_holds_everywhere(studio: Studio) -> None:
    made = [await correct(studio, f"{days} days.") for days in (45, 60, 45, 90)]
    given = await told(studio)
    assert "90 days." in given["lessons"]
    assert "90 days." in given["context"]
    for earlier in ("45 days.", "60 days."):
        assert earlier not in given["lessons"]
        assert earlier not in given["context"]
    in_force = studio.log.corrections.in_force()
    assert [correction.id for correction in in_force] == [made[-1].id]
    taught = learnt_examples(studio.log.corrections.all(), system="", wordings_each=20)
    assert {example.completion for example in taught} == {"90 days."}


async def taught(studio: Studio) -> list[str]:
    """The corrected answers that a night would learn."""
    facts = await studio.model()
    chosen = await choose_corrections(studio, facts.sha256, minutes=600, seed=0)
    examples = await collect_examples(studio, chosen, seed=0)
    return list(dict.fromkeys(example.completion for example in examples if not example.replay))


async def test_of_contradicting_corrections_in_other_words_the_last_one_holds_everywhere(studio: Studio) -> None:
    await correct(studio, "45 days.")
    newer = await correct(studio, "60 days.", prompt=f"Please, {PROMPT}")
    assert len(studio.log.corrections.in_force()) == 2
    given = await told(studio)
    for arm in ("lessons", "context"):
        assert "60 days." in given[arm]
        assert "45 days." not in given[arm]
    assert await taught(studio) == ["60 days."]
    await undo_correction(studio, newer.id)
    given = await told(studio)
    assert "45 days." in given["context"]
    assert "60 days." not in given["context"]
    assert await taught(studio) == ["45 days."]


async def test_what_was_contradicted_by_more_than_one_stays_so_while_one_of_them_holds(studio: Studio) -> None:
    await correct(studio, "45 days.")
    between = await correct(studio, "60 days.", prompt=f"Please, {PROMPT}")
    await correct(studio, "90 days.", prompt=f"Please, {PROMPT}!")
    await undo_correction(studio, between.id)
    assert "45 days." not in (await told(studio))["context"]
    assert await taught(studio) == ["90 days."]


async def test_a_correction_whose_lesson_was_retired_by_hand_is_learnt_all_the_same(studio: Studio) -> None:
    await correct(studio, "45 days.")
    (lesson,) = await lessons(studio)
    await retire_lesson(studio, lesson.id)
    assert "45 days." in (await told(studio))["context"]
    assert await taught(studio) == ["45 days."]


async def test_a_correction_of_what_a_retired_lesson_said_makes_a_lesson_in_use(studio: Studio) -> None:
    await correct(studio, "45 days.")
    (lesson,) = await lessons(studio)
    await retire_lesson(studio, lesson.id)
    assert "45 days." not in (await told(studio))["lessons"]
    await correct(studio, "45 days, with a receipt.")
    assert "with a receipt" in (await told(studio))["lessons"]
    statuses = [one.status for one in await lessons(studio)]
    assert sorted(statuses) == sorted([LessonStatus.RETIRED, LessonStatus.ACTIVE])


async def test_a_correction_that_replaces_an_already_replaced_one_wins_over_all(studio: Studio) -> None:
    first = await correct(studio, "45 days.")
    await correct(studio, "60 days.")
    await correct(studio, "75 days.", supersedes=first.id)
    given = await told(studio)
    assert "75 days." in given["lessons"]
    assert "60 days." not in given["lessons"]
    assert "60 days." not in given["context"]


async def test_fifty_corrections_of_one_question_leave_one_in_force(studio: Studio) -> None:
    for days in range(1, 51):
        await correct(studio, f"{days} days.")
    assert [correction.corrected for correction in studio.log.corrections.in_force()] == ["50 days."]
    assert [one.guidance for one in await lessons(studio) if one.status is LessonStatus.ACTIVE] == ["50 days."]
    given = await told(studio)
    assert "50 days." in given["lessons"]
    assert "49 days." not in given["context"]
    taught = learnt_examples(studio.log.corrections.all(), system="", wordings_each=20)
    assert {example.completion for example in taught} == {"50 days."}
    assert len({example.messages for example in taught}) == len(taught)
