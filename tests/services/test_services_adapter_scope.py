"""An adapter answers what is near to the corrections it was trained on, and only while they stand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio, promoted, scripted

from studio.domain.arms import FROZEN, LORA, ArmRecipe
from studio.domain.generation import Sampling
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.domain.nights import Adapter
from studio.errors import EmbedderError
from studio.services.adapters import adapter_file
from studio.services.ask_many import Ask, ask_many
from studio.services.prepare_lanes import PreparedLane, Question, prepare_lanes
from studio.services.record_correction import record_correction, undo_correction
from studio.services.studio import Studio

QUESTION = "What is the refund window at our store?"


async def corrected(studio: Studio, prompt: str, answer: str) -> Correction:
    return await record_correction(studio, answer=None, prompt=prompt, original="It is unknown.", corrected=answer)


async def lane(studio: Studio, question: str, recipe: ArmRecipe = LORA) -> PreparedLane:
    (prepared,) = await prepare_lanes(studio, Question(question), [recipe], Sampling())
    return prepared


async def test_it_answers_its_own_question_also_in_other_words(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await promoted(studio, [await corrected(studio, QUESTION, "45 days.")])
    for question in (QUESTION, "How long is the refund window at our store?"):
        prepared = await lane(studio, question)
        assert prepared.lane.adapters
        assert prepared.given.adapter_version == 1
        assert prepared.given.adapter_nearness is not None
        assert prepared.given.adapter_nearness > studio.settings.night.scope


async def test_it_stands_aside_elsewhere_and_says_so(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await promoted(studio, [await corrected(studio, QUESTION, "45 days.")])
    prepared = await lane(studio, "Who wrote Romeo and Juliet?")
    assert not prepared.lane.adapters
    assert prepared.given.adapter_version is None
    assert "stood aside" in prepared.given.note


async def test_where_it_stands_aside_the_answer_is_the_frozen_models(tmp_path: Path) -> None:
    engine = FakeEngine(scripted("Shakespeare."))
    studio = fake_studio(tmp_path, engine=engine)
    await promoted(studio, [await corrected(studio, QUESTION, "45 days.")])
    frozen, lora = await ask_many(studio, [Ask("Who wrote Romeo and Juliet?", arm) for arm in (FROZEN, LORA)])
    assert frozen.text == lora.text
    assert len(engine.asked) == 1, "what is alike is decoded once"


async def test_an_undone_correction_is_answered_by_the_model_as_shipped(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    correction = await corrected(studio, QUESTION, "45 days.")
    await promoted(studio, [correction])
    assert (await lane(studio, QUESTION)).lane.adapters
    await undo_correction(studio, correction.id)
    assert not (await lane(studio, QUESTION)).lane.adapters


async def test_what_was_corrected_after_the_night_is_not_its_own(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await promoted(studio, [await corrected(studio, QUESTION, "45 days.")])
    await corrected(studio, "When does the kitchen close?", "At nine.")
    assert not (await lane(studio, "When does the kitchen close?")).lane.adapters


async def test_an_adapter_whose_night_is_not_in_the_log_stands_aside(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await corrected(studio, QUESTION, "45 days.")
    facts = await studio.model()
    adapter = Adapter(new_id(), 1, facts.sha256, new_id(), "v1.gguf", "0" * 64, "lora", 16, 1.0, utc_now())
    studio.log.adapters.add(adapter)
    studio.log.adapters.activate(facts.sha256, adapter.id, "by hand", utc_now())
    adapter_file(studio, adapter).write_bytes(b"weights")
    prepared = await lane(studio, QUESTION)
    assert not prepared.lane.adapters
    assert "stood aside" in prepared.given.note


async def test_an_arm_may_use_it_everywhere(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    await promoted(studio, [await corrected(studio, QUESTION, "45 days.")])
    everywhere = dataclasses.replace(LORA, name="everywhere", scope=-1.0)
    prepared = await lane(studio, "Who wrote Romeo and Juliet?", everywhere)
    assert prepared.lane.adapters
    assert prepared.given.adapter_nearness is None


async def test_without_an_embedder_it_stands_aside_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake_studio(tmp_path)
    await promoted(studio, [await corrected(studio, QUESTION, "45 days.")])

    async def refuse(texts: object) -> list[list[float]]:
        raise EmbedderError("It is not installed.")

    monkeypatch.setattr(studio.embedder, "embed", refuse)
    prepared = await lane(studio, QUESTION)
    assert not prepared.lane.adapters
    assert "without the embedder" in prepared.given.note
