"""Corrections asked again in idle time: once per change of what the arms know, and seen in the report."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from studio_fakes import FakeEngine, fake_studio, from_memory

from studio.domain.generation import ChatMessage, Role
from studio.domain.identity import utc_now
from studio.domain.nights import ProbeResult
from studio.reporting.log_report import log_report
from studio.services.judge_log import JudgedAnswer
from studio.services.reask_probes import reask_probes
from studio.services.record_correction import record_correction
from studio.services.report_log import read_story
from studio.services.report_models import model_stories
from studio.services.studio import Studio
from studio.settings import ArmSettings

ARMS = 5  # there is no reader


async def corrected(folder: Path, *prompts: str) -> Studio:
    studio = fake_studio(folder)
    for prompt in prompts:
        await record_correction(studio, answer=None, prompt=prompt, original="30 days.", corrected="45 days.")
    return studio


def by_arm(results: list[ProbeResult]) -> dict[str, bool]:
    return {result.arm: result.ok for result in results}


async def test_what_was_corrected_is_asked_of_every_arm_and_judged(tmp_path: Path) -> None:
    studio = await corrected(tmp_path, "How long?")
    assert await reask_probes(studio) == ARMS
    right = by_arm(studio.log.probes.results())
    assert (right["context"], right["frozen"]) == (True, False)


async def test_nothing_is_asked_twice_until_the_arms_know_something_new(tmp_path: Path) -> None:
    studio = await corrected(tmp_path, "How long?")
    await reask_probes(studio)
    assert await reask_probes(studio) == 0
    await record_correction(studio, answer=None, prompt="How far?", original="One mile.", corrected="Two miles.")
    assert await reask_probes(studio) == 2 * ARMS


async def test_in_a_long_log_every_correction_has_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.services.reask_probes.MOST_AT_ONCE", 2)
    studio = await corrected(tmp_path, "How long?", "How far?", "How wide?", "How deep?", "How high?")
    await reask_probes(studio)
    # What was last asked of an arm that is off says nothing of the others.
    studio.settings = structs.replace(studio.settings, arms={"context": ArmSettings(off=True)})
    for change in range(3):
        await record_correction(studio, answer=None, prompt=f"And {change}?", original="No.", corrected="Yes.")
        await reask_probes(studio)
        assert await reask_probes(studio) == 0
    asked = {result.correction_id for result in studio.log.probes.results()}
    assert {one.id for one in studio.log.corrections.all()} - asked == set()


async def test_cancelled_it_keeps_what_was_answered_and_goes_on_later(tmp_path: Path) -> None:
    engine = FakeEngine()
    studio = fake_studio(tmp_path, engine=engine)
    await record_correction(studio, answer=None, prompt="How long?", original="30 days.", corrected="45 days.")
    engine.reply = from_memory
    await reask_probes(studio)
    await record_correction(studio, answer=None, prompt="How far?", original="One mile.", corrected="Two miles.")
    engine.hold = asyncio.Event()  # the engine gives the first word and then nothing
    task = asyncio.create_task(reask_probes(studio))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    engine.hold = None
    kept = len(studio.log.probes.results()) - ARMS
    assert await reask_probes(studio) == 2 * ARMS - kept
    assert len(studio.log.probes.results()) == 3 * ARMS


async def test_a_correction_in_mid_conversation_is_asked_with_what_came_before(tmp_path: Path) -> None:
    engine = FakeEngine()
    studio = fake_studio(tmp_path, engine=engine)
    history = (ChatMessage(Role.USER, "About the ferry:"), ChatMessage(Role.ASSISTANT, "Yes?"))
    await record_correction(
        studio, answer=None, prompt="How long?", original="30 days.", corrected="45 days.", history=history
    )
    await reask_probes(studio)
    assert engine.asked
    assert all(lane.messages[-3:-1] == history for lane in engine.asked)


async def test_the_report_goes_on_where_nobody_asks(tmp_path: Path) -> None:
    studio = await corrected(tmp_path, "How long?")
    await reask_probes(studio)
    story = read_story(studio.log)
    assert story is not None
    assert story.arms["context"].after.mean == 1.0
    assert story.arms["frozen"].after.mean == 0.0


async def test_models_are_compared_by_what_they_learnt_from_the_same_corrections(tmp_path: Path) -> None:
    studio = await corrected(tmp_path, "How long?", "How far?")
    engine = studio.engine
    assert isinstance(engine, FakeEngine)
    await reask_probes(studio)
    told = read_story(studio.log)
    assert told is not None
    assert not told.models  # with one there is nothing to compare
    facts = await studio.model()
    engine.facts = replace(facts, sha256="a" * 64, path=Path("Other-1B-Q4_K_M.gguf"))
    engine.reply = lambda lane: "45 days." if "long" in lane.messages[-1].content else from_memory(lane)
    assert await reask_probes(studio) == 2 * ARMS
    told = read_story(studio.log)
    assert told is not None
    assert {model.title: model.right["frozen"].mean for model in told.models} == {"fake": 0.0, "Other 1B": 0.5}
    assert "What each learnt from the same corrections" in log_report(told).text()


def test_a_model_asked_little_takes_no_questions_from_the_others() -> None:
    def said(model: str, *questions: str, ok: bool) -> list[JudgedAnswer]:
        return [JudgedAnswer(one, "lessons", "", utc_now(), 1, True, ok, None, "c", model, model) for one in questions]

    right = said("a", "1", "2", "3", "4", ok=True)
    judged = [*right, *said("b", "2", "3", "4", "5", ok=False), *said("c", "1", ok=True)]
    found = {model.title: model.right.get("lessons") for model in model_stories(judged)}
    assert (found["a"].mean, found["a"].n) == (1.0, 3)  # type: ignore[union-attr]
    assert (found["b"].mean, found["b"].n) == (0.0, 3)  # type: ignore[union-attr]
    assert found["c"] is None
    assert model_stories(right) == []
