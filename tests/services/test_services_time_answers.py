"""What a user waits for is measured as a user waits: one question at a time, computed and not remembered."""

from __future__ import annotations

from pathlib import Path

from studio_fakes import FakeEngine, fake_studio

from studio.domain.arms import FROZEN, ArmRecipe, Memory
from studio.services.ask_many import Ask, ask_many
from studio.services.time_answers import QUESTIONS, Wait, time_answers, waiting

LESSONS = ArmRecipe("lessons", memory=Memory.LESSONS)
PROMPTS = [f"When does tram {number} leave?" for number in range(100)]


async def test_questions_are_spread_and_asked_of_every_arm_though_their_answers_are_kept(tmp_path: Path) -> None:
    engine = FakeEngine()
    studio = fake_studio(tmp_path, engine=engine)
    await ask_many(studio, [Ask(prompt, FROZEN) for prompt in PROMPTS], sampling=studio.sampling)
    engine.asked.clear()
    waits = await time_answers(studio, PROMPTS, [FROZEN, LESSONS], studio.sampling)
    assert [wait.arm for wait in waits] == ["frozen"] * QUESTIONS + ["lessons"] * QUESTIONS
    assert len(engine.asked) == 2 * (QUESTIONS + 1)  # the first of each arm wakes the model, and is not timed
    asked = [wait.prompt for wait in waits[:QUESTIONS]]
    assert asked == [wait.prompt for wait in waits[QUESTIONS:]]
    assert PROMPTS.index(asked[0]) < 25
    assert PROMPTS.index(asked[-1]) > 75
    assert all(wait.first_token_s > 0 and wait.latency_s > 0 for wait in waits)


async def test_a_scenario_of_few_questions_is_timed_with_those(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    assert len(await time_answers(studio, PROMPTS[:3], [FROZEN], studio.sampling)) == 2
    assert await time_answers(studio, [], [FROZEN], studio.sampling) == []


def test_an_arms_waits_are_averaged_over_questions_and_orders() -> None:
    waits = [Wait("frozen", "a", 0.1, 1.0), Wait("frozen", "b", 0.3, 2.0), Wait("frozen", "b", 0.5, 6.0)]
    waits.append(Wait("context", "a", 9.0, 9.0))
    told = waiting("frozen", waits)
    assert told["ttft_s"].mean is not None
    assert abs(told["ttft_s"].mean - 0.3) < 1e-9
    assert (told["latency_s"].mean, told["latency_s"].n) == (3.0, 2)
    assert waiting("lora", waits)["ttft_s"].mean is None
