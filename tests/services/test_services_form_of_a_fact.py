"""A fact whose form is corrected stays known, in its new words, beside the rule that was learnt from that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from studio_fakes import fake_studio

from studio.domain.identity import utc_now
from studio.domain.lessons import LessonKind, LessonStatus
from studio.domain.log import Correction
from studio.services.browse_lessons import edit_lesson
from studio.services.find_lessons import current_index, embed_questions
from studio.services.learn_lessons import follow_corrections, learn_lesson
from studio.services.record_correction import record_correction, redo_correction, undo_correction
from studio.services.studio import Studio

PROMPT = "When does the last ferry leave on Sundays?"
AT_FIRST, IN_FORM = "It leaves at 6:30 pm.", "It leaves at 18:30."
RULE = "Write times in 24-hour form."


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return fake_studio(tmp_path)


async def correct(studio: Studio, corrected: str, rationale: str = "") -> Correction:
    correction = await record_correction(studio, answer=None, prompt=PROMPT, corrected=corrected, rationale=rationale)
    await learn_lesson(studio, correction)
    return correction


def known(studio: Studio) -> dict[LessonKind, list[str]]:
    """What the active lessons say, by kind."""
    active = studio.log.lessons.all(LessonStatus.ACTIVE)
    return {kind: [one.guidance for one in active if one.kind is kind] for kind in LessonKind}


BOTH = {LessonKind.FACT: [IN_FORM], LessonKind.STYLE: [RULE]}


async def test_the_fact_is_kept_in_its_new_words_and_found_by_them(studio: Studio) -> None:
    await correct(studio, AT_FIRST)
    await correct(studio, IN_FORM, RULE)
    assert known(studio) == BOTH
    index = await current_index(studio)
    assert sorted(one.guidance for one in index.lessons()) == sorted([IN_FORM, RULE])
    question = f"{PROMPT} {IN_FORM}"
    await embed_questions(studio, [question])
    (found,) = index.fitting(question, studio.question_vectors[question], k=1, threshold=0.9, rules=0)
    assert found.lesson.guidance == IN_FORM


async def test_undone_the_fact_has_its_first_words_again_and_redone_the_others(studio: Studio) -> None:
    await correct(studio, AT_FIRST)
    form = await correct(studio, IN_FORM, RULE)
    await undo_correction(studio, form.id)
    assert known(studio) == {LessonKind.FACT: [AT_FIRST], LessonKind.STYLE: []}
    await redo_correction(studio, form.id)
    assert known(studio) == BOTH


async def test_undone_among_many_likewise(studio: Studio) -> None:
    await correct(studio, AT_FIRST)
    form = await correct(studio, IN_FORM, RULE)
    studio.log.corrections.set_undone(form.id, undone=True, at=utc_now())
    await follow_corrections(studio, {form.id})
    assert known(studio) == {LessonKind.FACT: [AT_FIRST], LessonKind.STYLE: []}


async def test_the_form_corrected_twice_leaves_the_newest(studio: Studio) -> None:
    await correct(studio, AT_FIRST)
    await correct(studio, IN_FORM, RULE)
    await correct(studio, "18:30.", "Keep it as short as you can.")
    assert known(studio)[LessonKind.FACT] == ["18:30."]


async def test_another_fact_still_takes_the_place_of_the_old(studio: Studio) -> None:
    await correct(studio, AT_FIRST)
    await correct(studio, IN_FORM, RULE)
    newest = await correct(studio, "It leaves at 19:15.")
    assert known(studio) == {LessonKind.FACT: ["It leaves at 19:15."], LessonKind.STYLE: []}
    await undo_correction(studio, newest.id)
    assert known(studio) == BOTH


async def test_what_the_user_wrote_into_the_lesson_is_not_overwritten(studio: Studio) -> None:
    await correct(studio, AT_FIRST)
    form = await correct(studio, IN_FORM, RULE)
    fact = next(one for one in studio.log.lessons.all() if one.kind is LessonKind.FACT)
    await edit_lesson(studio, replace(fact, guidance="At 18:30, from pier two."))
    await undo_correction(studio, form.id)
    assert known(studio)[LessonKind.FACT] == ["At 18:30, from pier two."]
