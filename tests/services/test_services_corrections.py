"""What the user sees of correcting: saved, learnt, undone, replaced; bad input refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio, scripted

from studio.domain.arms import STANDARD_ARMS
from studio.domain.generation import ChatMessage, Role
from studio.domain.identity import utc_now
from studio.domain.lessons import Lesson, LessonStatus
from studio.domain.log import Correction
from studio.errors import UsageError
from studio.services.answer_with_arms import ArmFinished, answer_with_arms
from studio.services.browse_lessons import (
    edit_lesson,
    lesson_sources,
    lesson_uses,
    lessons,
    pin_lesson,
    restore_lesson,
    retire_lesson,
)
from studio.services.converse import start_conversation
from studio.services.find_lessons import current_index
from studio.services.learn_lessons import learn_lesson, learn_pending, prove_lesson
from studio.services.read_ahead import read_ahead
from studio.services.record_correction import MAX_CHARACTERS, record_correction, redo_correction, undo_correction
from studio.services.studio import Studio

PROMPT = "What is the refund window at our store?"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return fake_studio(tmp_path)


async def correct(studio: Studio, corrected: str = "45 days.", prompt: str = PROMPT) -> Correction:
    correction = await record_correction(studio, answer=None, prompt=prompt, original="30 days.", corrected=corrected)
    await learn_lesson(studio, correction)
    return correction


async def ask(studio: Studio, prompt: str = PROMPT) -> dict[str, ArmFinished]:
    conversation = await start_conversation(studio)
    events = answer_with_arms(studio, prompt, STANDARD_ARMS, conversation_id=conversation.id)
    return {event.arm: event async for event in events if isinstance(event, ArmFinished)}


async def test_a_correction_reaches_the_arms_that_remember_and_no_other(studio: Studio) -> None:
    await correct(studio)
    answers = await ask(studio)
    told = {arm: "45 days" in " ".join(m.content for m in one.answer.messages) for arm, one in answers.items()}
    assert told == {
        "frozen": False,
        "context": True,
        "lessons": True,
        "lora": False,
        "lora+lessons": True,
        "reader+lessons": True,
    }
    assert answers["lessons"].answer.given.lessons[0].title == PROMPT
    assert len(answers["context"].answer.given.correction_ids) == 1


async def test_the_verdict_follows_the_correction_in_force(studio: Studio) -> None:
    assert (await ask(studio))["frozen"].verdict is None
    await correct(studio)
    verdict = (await ask(studio))["frozen"].verdict
    assert verdict is not None
    assert not verdict.ok


async def test_an_undone_correction_teaches_nothing_until_redone(studio: Studio) -> None:
    correction = await correct(studio)
    await undo_correction(studio, correction.id)
    assert not (await ask(studio))["lessons"].answer.given.lessons
    with pytest.raises(UsageError, match="already undone"):
        await undo_correction(studio, correction.id)
    await redo_correction(studio, correction.id)
    assert (await ask(studio))["lessons"].answer.given.lessons


async def test_a_correction_undone_before_it_was_learnt_teaches_nothing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    correction = await record_correction(studio, answer=None, prompt=PROMPT, original="30 days.", corrected="45 days.")
    embed = studio.embedder.embed

    async def embed_late(texts: Sequence[str]) -> list[list[float]]:
        await undo_correction(studio, correction.id)
        return await embed(texts)

    with monkeypatch.context() as patch:
        patch.setattr(studio.embedder, "embed", embed_late)
        assert (await learn_lesson(studio, correction)).status is LessonStatus.RETIRED
    assert not (await ask(studio))["lessons"].answer.given.lessons
    await redo_correction(studio, correction.id)
    assert (await ask(studio))["lessons"].answer.given.lessons


async def test_the_newer_correction_wins_and_its_undo_brings_the_older_back(studio: Studio) -> None:
    await correct(studio, "45 days.")
    newer = await correct(studio, "60 days.")
    assert newer.supersedes is not None
    guidance = {lesson.status: lesson.guidance for lesson in await lessons(studio)}
    assert guidance == {LessonStatus.RETIRED: "45 days.", LessonStatus.ACTIVE: "60 days."}
    await undo_correction(studio, newer.id)
    guidance = {lesson.status: lesson.guidance for lesson in await lessons(studio)}
    assert guidance == {LessonStatus.RETIRED: "60 days.", LessonStatus.ACTIVE: "45 days."}
    await redo_correction(studio, newer.id)
    guidance = {lesson.status: lesson.guidance for lesson in await lessons(studio)}
    assert guidance == {LessonStatus.RETIRED: "45 days.", LessonStatus.ACTIVE: "60 days."}


@pytest.mark.parametrize(
    ("corrected", "sentence"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("30 days.", "same as the answer"),
        ("x" * (MAX_CHARACTERS + 1), "characters"),
    ],
)
async def test_a_correction_that_cannot_be_meant_is_refused_in_words(
    studio: Studio, corrected: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        await correct(studio, corrected)
    assert studio.log.corrections.all() == []


@pytest.mark.parametrize(
    "text", ["[bold]45[/bold]", "{{ 45 }}", "{% if %} 45", "\x1b[31m45\x07", "a\x00b 45", "<|im_end|> 45"]
)
async def test_markup_and_control_characters_are_kept_as_data(studio: Studio, text: str) -> None:
    correction = await correct(studio, text, prompt=f"{PROMPT} {text}")
    assert studio.log.corrections.get(correction.id).corrected == text.replace("\x00", "")
    assert (await ask(studio, f"{PROMPT} {text}"))["lessons"].answer.given.lessons


async def test_what_a_crash_left_unlearnt_is_learnt_at_the_next_start(studio: Studio) -> None:
    await record_correction(studio, answer=None, prompt=PROMPT, original="30 days.", corrected="45 days.")
    assert await learn_pending(studio) == 1
    assert await learn_pending(studio) == 0
    assert (await ask(studio))["lessons"].answer.given.lessons


async def other_answer(studio: Studio) -> Correction:
    """In another conversation: it supersedes nothing, but its lesson overrules the earlier one."""
    history = (ChatMessage(Role.USER, "Hello."),)
    made = await record_correction(
        studio, answer=None, prompt=PROMPT, original="30 days.", corrected="60 days.", history=history
    )
    await learn_lesson(studio, made)
    return made


def in_use(studio: Studio) -> set[str]:
    return {source for one in studio.log.lessons.all(LessonStatus.ACTIVE) for source in one.source_ids}


async def test_an_undo_that_a_crash_cut_short_is_finished_at_the_next_start(studio: Studio) -> None:
    first, second = await correct(studio), await other_answer(studio)
    assert in_use(studio) == {second.id}
    studio.log.corrections.set_undone(second.id, True, utc_now())  # and there the crash
    assert await learn_pending(studio) == 0
    assert in_use(studio) == {first.id}
    studio.log.corrections.set_undone(second.id, False, utc_now())
    await learn_pending(studio)
    assert in_use(studio) == {second.id}


async def test_a_lesson_restored_by_hand_stays_though_its_correction_is_undone(studio: Studio) -> None:
    made = await correct(studio)
    await undo_correction(studio, made.id)
    (lesson,) = await lessons(studio)
    await restore_lesson(studio, lesson.id)
    await learn_pending(studio)
    assert in_use(studio) == {made.id}


async def test_a_correction_done_again_overrules_what_it_overruled_before(studio: Studio) -> None:
    first, second = await correct(studio), await other_answer(studio)
    await undo_correction(studio, second.id)
    assert in_use(studio) == {first.id}
    await redo_correction(studio, second.id)
    assert in_use(studio) == {second.id}


async def test_an_undone_correction_does_not_come_back_beside_another_of_its_question(studio: Studio) -> None:
    first = await correct(studio)
    await undo_correction(studio, first.id)
    newer = await correct(studio, "60 days.")
    with pytest.raises(UsageError, match="another correction in force") as refused:
        await redo_correction(studio, first.id)
    assert newer.id in refused.value.hint
    assert studio.log.corrections.in_force_ids() == in_use(studio) == {newer.id}
    await undo_correction(studio, newer.id)
    await redo_correction(studio, first.id)
    assert studio.log.corrections.in_force_ids() == in_use(studio) == {first.id}
    with pytest.raises(UsageError, match="another correction in force"):  # it was made while there was no other
        await redo_correction(studio, newer.id)


async def test_an_undone_correction_does_not_come_back_beside_the_one_in_its_place(studio: Studio) -> None:
    await correct(studio)
    second = await correct(studio, "60 days.")
    await undo_correction(studio, second.id)
    third = await correct(studio, "90 days.")
    with pytest.raises(UsageError, match="another correction in force"):
        await redo_correction(studio, second.id)
    assert studio.log.corrections.in_force_ids() == in_use(studio) == {third.id}


async def test_in_another_conversation_an_undone_correction_comes_back(studio: Studio) -> None:
    first = await correct(studio)
    await undo_correction(studio, first.id)
    history = (ChatMessage(Role.USER, "Hello."), ChatMessage(Role.ASSISTANT, "Hello."))
    other = await record_correction(
        studio, answer=None, prompt=PROMPT, original="30 days.", corrected="60 days.", history=history
    )
    await redo_correction(studio, first.id)
    assert studio.log.corrections.in_force_ids() == {first.id, other.id}


async def test_a_lesson_that_does_not_fix_its_source_is_weak(tmp_path: Path) -> None:
    stubborn = fake_studio(tmp_path / "a", engine=FakeEngine(scripted("30 days.")))
    correction = await record_correction(
        stubborn, answer=None, prompt=PROMPT, original="30 days.", corrected="45 days."
    )
    assert (await prove_lesson(stubborn, await learn_lesson(stubborn, correction))).weak
    docile = fake_studio(tmp_path / "b", engine=FakeEngine(scripted("45 days.")))
    correction = await record_correction(docile, answer=None, prompt=PROMPT, original="30 days.", corrected="45 days.")
    assert not (await prove_lesson(docile, await learn_lesson(docile, correction))).weak


async def test_lessons_lead_back_to_their_source_and_on_to_their_uses(studio: Studio) -> None:
    correction = await correct(studio)
    await ask(studio)
    (lesson,) = await lessons(studio)
    assert [source.id for source in await lesson_sources(studio, lesson.id)] == [correction.id]
    assert {use.arm for use in await lesson_uses(studio, lesson.id)} == {"lessons", "lora+lessons", "reader+lessons"}


async def test_an_edited_lesson_is_given_in_its_new_words_and_a_retired_one_not_at_all(studio: Studio) -> None:
    await correct(studio)
    (lesson,) = await lessons(studio)
    edited = await edit_lesson(studio, replace(lesson, guidance="50 days."))
    assert edited.revision == lesson.revision + 1
    given = (await ask(studio))["lessons"].answer
    assert "50 days" in given.messages[-2].content
    await retire_lesson(studio, lesson.id)
    assert not (await ask(studio))["lessons"].answer.given.lessons


async def test_what_was_just_learnt_is_found_without_reading_all_lessons_anew_and_so_is_what_others_learnt(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await correct(studio)
    read = studio.log.lessons.vectors
    times: list[str] = []

    def counted(embedder: str, ids: Sequence[str] | None = None) -> list[tuple[str, str, Sequence[float]]]:
        times.append(embedder)
        return read(embedder, ids)

    monkeypatch.setattr(studio.log.lessons, "vectors", counted)
    await correct(studio, "Grey.", "Which colour is the tile in our kitchen?")
    assert (await ask(studio, "Which colour is the tile in our kitchen?"))["lessons"].answer.given.lessons
    assert times == []
    beside = fake_studio(tmp_path)  # another process on the same log
    await correct(beside, "At noon.", "When does our kitchen close?")
    await correct(studio, "Oak.", "What is our table made of?")
    for question in ("When does our kitchen close?", "What is our table made of?"):
        assert (await ask(studio, question))["lessons"].answer.given.lessons, question
    assert len(times) == 1


@pytest.mark.parametrize(
    ("first", "again", "same"),
    [
        ("Where is the key?", " where  IS the\tkey? ", True),
        ("Where is the key?", "Where isthe key?", False),
        ("Wo ist die STRASSE?", "wo ist die straße?", True),
        ("How much is 1 K?", "how much is 1 \u212a?", True),  # the Kelvin sign
        ("Where\x1cis\x0bit?", "where is it?", True),
        ("Où est-il ?", "où\u00a0EST-IL ?", True),
    ],
)
async def test_the_same_question_is_known_whatever_its_case_and_white_space(
    studio: Studio, first: str, again: str, same: bool
) -> None:
    await correct(studio, "Here.", first)
    later = await correct(studio, "There.", again)
    assert (later.supersedes is not None) == same
    asked = studio.log.corrections.in_force_of([first])
    assert [one.corrected for one in asked] == (["There."] if same else ["Here."])


async def test_after_a_correction_what_the_context_arm_begins_with_is_read_before_it_is_asked(tmp_path: Path) -> None:
    engine = FakeEngine()
    studio = fake_studio(tmp_path, engine=engine)
    await correct(studio)
    await read_ahead(studio)
    (ahead,) = engine.asked
    assert ahead.sampling.max_tokens == 1
    answer = (await ask(studio))["context"].answer
    *memory, _ = ahead.messages
    assert memory == list(answer.messages)[: len(memory)]
    assert len(memory) == len(answer.messages) - 1


async def test_of_many_lessons_only_the_changed_ones_are_read_anew(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for prompt in (PROMPT, "Who feeds the cat on Sundays?", "Where is the key of the cellar?"):
        await correct(studio, prompt=prompt)
    one, other, third = studio.log.lessons.all()
    await pin_lesson(studio, third.id, pinned=True)
    index = await current_index(studio)
    read: list[str] = []
    of = studio.log.lessons.of

    def counted(ids: Sequence[str]) -> list[Lesson]:
        read.extend(ids)
        return of(ids)

    monkeypatch.setattr(studio.log.lessons, "of", counted)
    monkeypatch.setattr(studio.log.lessons, "all", lambda *_: pytest.fail("all were read"))
    await pin_lesson(studio, one.id, pinned=True)
    await retire_lesson(studio, other.id)
    assert await current_index(studio) is index
    assert read == [one.id]
    assert {lesson.id: lesson.pinned for lesson in index.lessons()}[one.id]
    assert other.id not in {lesson.id for lesson in index.lessons()}


async def test_a_lesson_retired_while_it_was_edited_stays_retired(studio: Studio) -> None:
    correction = await correct(studio)
    (lesson,) = await lessons(studio)
    await undo_correction(studio, correction.id)
    edited = await edit_lesson(studio, replace(lesson, guidance="50 days."))
    assert (edited.status, edited.guidance) == (LessonStatus.RETIRED, "50 days.")
    assert not (await ask(studio))["lessons"].answer.given.lessons
