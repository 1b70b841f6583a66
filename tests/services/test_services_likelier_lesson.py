"""Of facts that fit about equally well the numbers asked about choose, then the model, and else likeness."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio

from studio.domain.generation import Completion, FinishReason, Lane, LaneEvent, LaneFailed, LaneFinished, Priority
from studio.domain.identity import new_id, utc_now
from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson
from studio.lessons.retrieve import LessonIndex
from studio.services.find_lessons import fitting_lessons
from studio.services.studio import Studio
from studio.settings import PromptSettings, Settings

QUESTION = "which key"
NORTH, SOUTH = "The north shed: which key?", "The south shed: which key?"


class Telling(FakeEngine):
    """Tells log likelihoods by the question of the lesson that was put before it."""

    def __init__(self, likely: Mapping[str, float]) -> None:
        super().__init__()
        self.likely = likely
        self.priorities: list[Priority] = []

    async def generate(
        self, lanes: Sequence[Lane], *, priority: Priority = Priority.INTERACTIVE
    ) -> AsyncGenerator[LaneEvent]:
        for lane in lanes:
            self.asked.append(lane)
            self.priorities.append(priority)
            assert lane.forced
            assert lane.messages[-1].content.startswith(QUESTION)
            if (total := self.likely.get(lane.messages[0].content)) is None:
                yield LaneFailed(lane.key, "A server does not tell.", "")
            else:
                yield LaneFinished(lane.key, Completion("", FinishReason.STOP, 9, 0, 4, 0.0, 0.1, total / 4))


def lesson(question: str, kind: LessonKind = LessonKind.FACT, answer: str = "") -> Lesson:
    now = utc_now()
    answer = answer or f"The one that hangs beside '{question}'."
    return Lesson(new_id(), question, question, answer, question, answer, (), now, now, kind)


def studio_with(folder: Path, engine: FakeEngine, given: int = 1) -> Studio:
    prompt = PromptSettings(lessons_given=given, lessons_threshold=0.1)
    return fake_studio(folder, engine=engine, settings=Settings(prompt=prompt))


async def found(
    studio: Studio, *lessons: Lesson, question: str = QUESTION, priority: Priority = Priority.INTERACTIVE
) -> list[RetrievedLesson]:
    return await fitting_lessons(studio, await index_of(studio, lessons), question, priority=priority)


async def index_of(studio: Studio, lessons: Sequence[Lesson]) -> LessonIndex:
    vectors = await studio.embedder.embed([one.example_question for one in lessons])
    return LessonIndex.build(lessons, [(one.id, "q", vector) for one, vector in zip(lessons, vectors, strict=True)])


def questions(lessons: Sequence[RetrievedLesson]) -> list[str]:
    return [one.lesson.example_question for one in lessons]


@pytest.mark.parametrize("likelier", [NORTH, SOUTH])
async def test_the_lesson_after_which_the_question_is_likelier_is_given(tmp_path: Path, likelier: str) -> None:
    engine = Telling({NORTH: -20.0, SOUTH: -20.0} | {likelier: -12.0})
    studio = studio_with(tmp_path, engine)
    given = await found(studio, lesson(NORTH), lesson(SOUTH), priority=Priority.IDLE)
    assert questions(given) == [likelier]
    assert given[0].rank == 1
    assert set(engine.priorities) == {Priority.IDLE}


async def test_it_is_asked_once_for_a_question_and_a_lesson_and_again_for_an_edited_one(tmp_path: Path) -> None:
    engine = Telling({NORTH: -20.0, SOUTH: -12.0})
    studio = studio_with(tmp_path, engine, given=2)
    lessons = lesson(NORTH), lesson(SOUTH)
    assert questions(await found(studio, *lessons)) == [SOUTH, NORTH]
    assert questions(await found(studio, *lessons)) == [SOUTH, NORTH]
    assert len(engine.asked) == 2
    await found(studio, lessons[0], replace(lessons[1], revision=2))
    assert len(engine.asked) == 3


async def test_where_likeness_tells_them_apart_or_there_is_but_one_the_model_is_not_asked(tmp_path: Path) -> None:
    engine = Telling({})
    studio = studio_with(tmp_path, engine)
    far = lesson("Somewhere else, in quite another house of theirs, which key opens the small green door?")
    assert questions(await found(studio, lesson(NORTH), far)) == [NORTH]
    assert questions(await found(studio, lesson(NORTH))) == [NORTH]
    assert questions(await found(studio, lesson(NORTH), lesson(SOUTH, LessonKind.STYLE))) == [NORTH, SOUTH]
    assert not engine.asked


async def test_an_engine_that_cannot_tell_leaves_the_order_of_likeness(tmp_path: Path) -> None:
    lessons = lesson(SOUTH), lesson(NORTH)
    studio = studio_with(tmp_path, Telling({NORTH: -20.0}), given=2)
    (vector,) = await studio.embedder.embed([QUESTION])
    by_likeness = (await index_of(studio, lessons)).fitting(QUESTION, vector, k=2, threshold=0.1, rules=0)
    assert questions(await found(studio, *lessons)) == questions(by_likeness)
    assert studio.question_likelihoods == {}


async def test_what_is_pinned_stays_beside_what_the_model_chose(tmp_path: Path) -> None:
    pinned = replace(lesson("Pinned: opening hours?"), pinned=True)
    engine = Telling({NORTH: -20.0, SOUTH: -12.0})
    given = await found(studio_with(tmp_path, engine), lesson(NORTH), pinned, lesson(SOUTH))
    assert sorted(questions(given)) == sorted([SOUTH, "Pinned: opening hours?"])


async def test_the_very_question_that_was_corrected_is_given_its_own_lesson_alone_and_what_is_pinned(
    tmp_path: Path,
) -> None:
    pinned = replace(lesson("Pinned: opening hours?"), pinned=True)
    own, rule = lesson(" Which  KEY"), lesson("which key, as a list", LessonKind.STYLE)
    engine = Telling({})
    given = await found(studio_with(tmp_path, engine, given=3), own, rule, lesson(NORTH), lesson("key which"), pinned)
    assert not engine.asked, "there is nothing to choose"
    assert sorted(questions(given)) == sorted([" Which  KEY", "Pinned: opening hours?"])
    assert [one.rank for one in given] == [1, 2]


async def test_only_the_two_best_are_compared(tmp_path: Path) -> None:
    engine = Telling({NORTH: -20.0, SOUTH: -12.0})
    third = lesson("The third shed: which key?")
    given = await found(studio_with(tmp_path, engine, given=3), lesson(NORTH), lesson(SOUTH), third)
    assert len(engine.asked) == 2
    assert len(given) == 3


async def test_between_equal_answers_there_is_nothing_to_choose(tmp_path: Path) -> None:
    engine = Telling({})
    lessons = [lesson(asked, answer="The brass one.") for asked in (NORTH, SOUTH)]
    assert len(await found(studio_with(tmp_path, engine), *lessons)) == 1
    assert not engine.asked


@pytest.mark.parametrize("number", range(5))
async def test_the_lesson_that_names_the_numbers_asked_about_is_given_without_asking_the_model(
    tmp_path: Path, number: int
) -> None:
    engine = Telling({})
    sheds = [lesson(f"shed-{shed} in row 9 which key") for shed in range(5)]
    given = await found(studio_with(tmp_path, engine), *sheds, question=f"which key in row 9 (shed {number})")
    assert questions(given) == [f"shed-{number} in row 9 which key"]
    assert not engine.asked


async def test_numbers_that_no_lesson_names_choose_nothing(tmp_path: Path) -> None:
    engine = Telling({})
    given = await found(
        studio_with(tmp_path, engine), lesson(NORTH), lesson(SOUTH), question="which key opens the old shed number 7"
    )
    assert len(given) == 1
    assert len(engine.asked) == 2, "the model is asked"
