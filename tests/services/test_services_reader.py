"""The reader reads where a lesson is given, stands aside elsewhere, and where it is missing nothing breaks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from made_reader import make_reader
from studio_fakes import FakeEngine, fake_studio, promoted, scripted

from studio.domain.arms import FROZEN, LESSONS, LORA_LESSONS, READER_LESSONS, ArmRecipe, Memory
from studio.domain.generation import Sampling
from studio.errors import NoReaderError, SettingsError
from studio.services.answer_with_arms import ArmFinished, answer_with_arms
from studio.services.ask_many import Ask, ask_many
from studio.services.converse import start_conversation
from studio.services.examine import examine
from studio.services.learn_lessons import learn_lesson, prove_lesson
from studio.services.prepare_lanes import PreparedLane, Question, prepare_lanes
from studio.services.reader import answering_arms, reader_of
from studio.services.record_correction import record_correction
from studio.services.studio import Studio
from studio.settings import ArmSettings, Settings, load_settings
from studio.tui.widgets.given import describe_given

QUESTION = "What is the refund window at our store?"
WEIGHTS = hashlib.sha256(b"weights").hexdigest()


async def taught(folder: Path, engine: FakeEngine | None = None) -> Studio:
    """A studio that has learnt one lesson."""
    studio = fake_studio(folder, engine=engine)
    correction = await record_correction(
        studio, answer=None, prompt=QUESTION, original="It is unknown.", corrected="45 days."
    )
    await learn_lesson(studio, correction)
    return studio


async def lane(studio: Studio, question: str = QUESTION, recipe: ArmRecipe = READER_LESSONS) -> PreparedLane:
    (prepared,) = await prepare_lanes(studio, Question(question), [recipe], Sampling())
    return prepared


async def test_it_reads_the_lesson_whatever_the_dial_says_and_the_log_names_it(tmp_path: Path) -> None:
    studio = await taught(tmp_path)
    folder = make_reader(studio.workspace.readers)
    studio.scale_dial = 0.3
    conversation = await start_conversation(studio)
    events = answer_with_arms(studio, QUESTION, [READER_LESSONS], conversation_id=conversation.id)
    (answer,) = [event.answer async for event in events if isinstance(event, ArmFinished)]
    assert "45 days." in answer.messages[-1].content
    assert "(adapter x1.00)" in answer.text
    kept = studio.log.answers.get(answer.id)
    assert kept.given.reader_sha256 == WEIGHTS
    assert kept.given.lessons
    assert not kept.given.note
    (attached,) = (await lane(studio)).lane.adapters
    assert attached.path == folder / "adapter.gguf"


async def test_where_no_lesson_fits_the_model_as_shipped_answers(tmp_path: Path) -> None:
    engine = FakeEngine(scripted("Shakespeare."))
    studio = await taught(tmp_path, engine)
    make_reader(studio.workspace.readers)
    question = "Who wrote Romeo and Juliet?"
    frozen, reading = await ask_many(studio, [Ask(question, arm) for arm in (FROZEN, READER_LESSONS)])
    assert frozen.text == reading.text
    assert len(engine.asked) == 1, "what is alike is decoded once"
    assert reading.given.reader_sha256 is None
    assert "stood aside" in reading.given.note


async def test_without_one_the_arm_answers_as_lessons_and_says_how_to_train_one(tmp_path: Path) -> None:
    studio = await taught(tmp_path)
    prepared, plain = await lane(studio), await lane(studio, recipe=LESSONS)
    assert prepared.lane.messages == plain.lane.messages
    assert not prepared.lane.adapters
    assert "without a reader" in prepared.given.note
    folder = studio.workspace.readers / ("f" * 12)
    assert f"--model {studio.model_path} --out {folder}" in prepared.given.note


async def test_one_that_is_damaged_or_another_models_is_refused_in_words(tmp_path: Path) -> None:
    studio = await taught(tmp_path)
    folder = make_reader(studio.workspace.readers)
    manifest = folder / "manifest.json"
    whole = json.loads(manifest.read_text())
    for words, text, weights in (
        ("cannot be read", "{", b"weights"),
        ("another model", json.dumps({**whole, "model_sha256": "e" * 64}), b"weights"),
        ("damaged", json.dumps(whole), b"weights changed since"),
    ):
        manifest.write_text(text)
        (folder / "adapter.gguf").write_bytes(weights)
        prepared = await lane(studio)
        assert not prepared.lane.adapters
        assert words in prepared.given.note
        assert [found.ok for found in await examine(studio) if found.what == "reader"] == [False]
    (folder / "adapter.gguf").unlink()
    assert "cannot be read" in (await lane(studio)).given.note


async def test_a_lesson_that_the_reader_alone_can_use_is_not_weak(tmp_path: Path) -> None:
    studio = await taught(tmp_path, FakeEngine(lambda lane: "45 days." if lane.adapters else "30 days."))
    (lesson,) = studio.log.lessons.all()
    assert (await prove_lesson(studio, lesson)).weak
    make_reader(studio.workspace.readers)
    assert not (await prove_lesson(studio, lesson)).weak
    off = {recipe.name: ArmSettings(off=True) for recipe in studio.settings.arm_recipes() if recipe.reader}
    studio.settings = msgspec.structs.replace(studio.settings, arms=off)
    assert (await prove_lesson(studio, lesson)).weak, "nothing in use reads with it"


async def test_the_users_own_comes_before_the_one_that_ships(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path / "workspace")
    shipped = tmp_path / "shipped"
    studio.reader_folders = (studio.workspace.readers, shipped)
    with pytest.raises(NoReaderError, match=str(studio.workspace.readers)):
        await reader_of(studio)
    there = make_reader(shipped)
    assert (await reader_of(studio)).file == there / "adapter.gguf"
    own = make_reader(studio.workspace.readers, content=b"own")
    assert (await reader_of(studio)).file == own / "adapter.gguf"
    (own / "adapter.gguf").write_bytes(b"damaged")
    assert (await reader_of(studio)).file == there / "adapter.gguf"


async def test_an_arm_that_could_only_repeat_another_is_left_out_with_the_reason(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    arms, reason = await answering_arms(studio)
    assert READER_LESSONS not in arms
    assert len(arms) == 5
    assert reason.startswith("reader+lessons is left out: There is no reader")
    make_reader(studio.workspace.readers)
    assert await answering_arms(studio) == (studio.settings.arm_recipes(), "")


def test_an_arm_is_switched_off_and_one_of_ones_own_reads(tmp_path: Path) -> None:
    file = tmp_path / "studio.toml"
    file.write_text(
        '[arms."reader+lessons"]\noff = true\n[arms.half]\nmemory = "lessons"\nadapter = "2"\nreader = true\n'
    )
    recipes = load_settings(file).arm_recipes()
    assert READER_LESSONS not in recipes
    assert recipes[-1] == ArmRecipe("half", Memory.LESSONS, "2", reader=True)
    file.write_text("[arms.bare]\nreader = true\n")
    with pytest.raises(SettingsError, match="a reader reads lessons"):
        load_settings(file)


def test_the_standard_arms_and_chat_are_what_they_were() -> None:
    settings = Settings(arms={"mine": ArmSettings(memory=Memory.LESSONS, reader=True)})
    assert [recipe.name for recipe in settings.arm_recipes()][-2:] == ["reader+lessons", "mine"]
    assert settings.chat.arm == LORA_LESSONS.name
    assert not READER_LESSONS.uses_adapter


async def test_beside_an_adapter_of_a_nights_it_is_attached_as_well(tmp_path: Path) -> None:
    studio = await taught(tmp_path)
    reader = make_reader(studio.workspace.readers) / "adapter.gguf"
    await promoted(studio, studio.log.corrections.in_force())
    studio.scale_dial = 0.3
    prepared = await lane(studio, recipe=LORA_LESSONS)
    assert [(use.path.name, use.scale) for use in prepared.lane.adapters] == [("v1.gguf", 0.3), (reader.name, 1.0)]
    assert (prepared.given.adapter_version, prepared.given.reader_sha256) == (1, WEIGHTS)
    assert describe_given(prepared.given).startswith("adapter v1 at 0.30, near 1.00 · reader · lesson")
    far = await lane(studio, "Who wrote Romeo and Juliet?", LORA_LESSONS)
    assert not far.lane.adapters


async def test_where_there_is_no_reader_an_arm_with_an_adapter_does_not_miss_it(tmp_path: Path) -> None:
    studio = await taught(tmp_path)
    await promoted(studio, studio.log.corrections.in_force())
    prepared = await lane(studio, recipe=LORA_LESSONS)
    assert [use.path.name for use in prepared.lane.adapters] == ["v1.gguf"]
    assert not prepared.given.note
