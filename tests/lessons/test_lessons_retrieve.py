"""The index: nearest lessons first, silence below the threshold, never a retired one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from studio.domain.lessons import Lesson, LessonKind, LessonStatus
from studio.lessons.retrieve import LessonIndex

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def lesson(name: str, question: str = "q", *, age: int = 0) -> Lesson:
    at = NOW - timedelta(days=age)
    return Lesson(name, name, "", "a", question, "a", (name,), at, at)


def axis(number: int, dimension: int = 8) -> list[float]:
    return [float(i == number) for i in range(dimension)]


def found(
    index: LessonIndex, vector: list[float], question: str = "q", k: int = 2, threshold: float = 0.5
) -> list[str]:
    return [x.lesson.id for x in index.retrieve(question, vector, k=k, threshold=threshold)]


def test_an_empty_index_finds_nothing() -> None:
    assert found(LessonIndex(), axis(0)) == []


def test_the_best_come_first_and_what_scores_low_not_at_all() -> None:
    vectors = [("a", "q", axis(0)), ("b", "q", [0.6, 0.8, *[0.0] * 6]), ("c", "q", axis(2))]
    index = LessonIndex.build([lesson("a"), lesson("b"), lesson("c")], vectors)
    results = index.retrieve("q", axis(0), k=3, threshold=0.5)
    assert [(x.lesson.id, round(x.score, 3), x.rank) for x in results] == [("a", 1.0, 1), ("b", 0.6, 2)]
    assert found(index, axis(0), k=1) == ["a"]
    assert found(index, axis(5)) == []


def test_a_lesson_scores_the_mean_over_its_keys() -> None:
    index = LessonIndex()
    index.add(lesson("a"), [axis(0), axis(1)])
    (result,) = index.retrieve("q", axis(0), k=1, threshold=0.0)
    assert result.score == pytest.approx(0.5)


def test_equal_scores_prefer_the_newer_lesson() -> None:
    index = LessonIndex.build([lesson("old", age=3), lesson("new")], [("old", "q", axis(0)), ("new", "q", axis(0))])
    assert found(index, axis(0), k=1) == ["new"]


def test_a_question_about_the_askers_own_world_leans_towards_lessons_about_it() -> None:
    index = LessonIndex.build([lesson("own", "What is our fee?")], [("own", "q", [0.45, *[0.0] * 7])])
    assert found(index, axis(0), "What is a fee?") == []
    assert found(index, axis(0), "How much do we pay?") == ["own"]


def fitting(index: LessonIndex, question: str, vector: list[float]) -> list[Lesson]:
    return [one.lesson for one in index.fitting(question, vector, k=8, threshold=0.5, rules=2)]


def test_where_another_thing_is_asked_about_neither_its_lesson_nor_a_less_alike_one_is_given() -> None:
    berlin, hamburg = (
        lesson("berlin", "Who leads the Berlin office?"),
        lesson("hamburg", "Who leads the Hamburg office?"),
    )
    paper = lesson("paper", "Who orders our paper?")
    vectors = [("berlin", "q", axis(0)), ("hamburg", "q", [0.95, *[0.0] * 7]), ("paper", "q", [0.6, *[0.0] * 7])]
    asked = "Who leads the Hamburg office now?"
    assert fitting(LessonIndex.build([berlin, paper], vectors), asked, axis(0)) == []
    assert fitting(LessonIndex.build([berlin, hamburg, paper], vectors), asked, axis(0)) == [hamburg]
    pinned = replace(berlin, pinned=True)
    assert fitting(LessonIndex.build([pinned], vectors), asked, axis(0)) == [pinned]


def test_adding_a_new_revision_replaces_and_retiring_removes() -> None:
    index = LessonIndex.build([lesson("a"), lesson("b")], [("a", "q", axis(0)), ("b", "q", axis(1))])
    index.add(replace(lesson("a"), guidance="newer"), [axis(2)])
    assert len(index) == 2
    assert found(index, axis(0)) == []
    (result,) = index.retrieve("q", axis(2), k=1, threshold=0.5)
    assert result.lesson.guidance == "newer"
    index.add(replace(lesson("b"), status=LessonStatus.RETIRED), [axis(1)])
    assert found(index, axis(1)) == []


def test_removing_any_leaves_the_others_findable() -> None:
    names = [str(i) for i in range(200)]
    draw = np.random.default_rng(1)
    vectors = draw.normal(size=(200, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = LessonIndex.build(
        [lesson(name) for name in names], [(name, "q", vectors[int(name)].tolist()) for name in names]
    )
    for name in names[::3]:
        index.remove(name)
    index.remove("unknown")
    for name in names:
        expected = [] if int(name) % 3 == 0 else [name]
        assert found(index, vectors[int(name)].tolist(), k=1, threshold=0.99) == expected


def test_pinned_lessons_are_always_given_beside_the_others() -> None:
    pinned = replace(lesson("p"), pinned=True)
    index = LessonIndex.build([pinned, lesson("a"), lesson("b")], [("a", "q", axis(0)), ("b", "q", axis(0))])
    assert found(index, axis(0), k=1) == ["a", "p"] or found(index, axis(0), k=1) == ["b", "p"]
    assert found(index, axis(5)) == ["p"]
    only_pinned = LessonIndex.build([pinned], [])
    assert found(only_pinned, axis(0)) == ["p"]


def test_similarities_are_cosines_to_every_lesson() -> None:
    index = LessonIndex.build(
        [lesson("a"), lesson("b")], [("a", "q", axis(0)), ("a", "qa", axis(1)), ("b", "q", axis(2))]
    )
    assert index.similarities([axis(0), axis(1)]) == {"a": pytest.approx(1.0), "b": pytest.approx(0.0)}


def test_what_is_found_is_what_a_plain_search_finds_whatever_was_added_pinned_and_removed() -> None:
    draw = np.random.default_rng(0)
    index, held = LessonIndex(), dict[str, tuple[Lesson, list[float]]]()
    for number in range(300):
        vector = (one := draw.normal(size=8)) / np.linalg.norm(one)
        kind = LessonKind.FACT if number % 3 else LessonKind.STYLE
        added = replace(lesson(str(number % 120)), kind=kind, pinned=number % 40 == 0)
        index.add(added, [vector.tolist()])
        held[added.id] = (added, vector.tolist())
        if number % 7 == 0:
            index.remove(str(number % 50))
            held.pop(str(number % 50), None)
    asked = (one := draw.normal(size=8)) / np.linalg.norm(one)
    scores = {name: float(np.dot(vector, asked)) for name, (_, vector) in held.items()}
    fitting = sorted((name for name, score in scores.items() if score >= 0.2), key=scores.__getitem__, reverse=True)
    pinned = {name for name, (known, _) in held.items() if known.pinned}
    best = [name for name in fitting if name not in pinned][:5]
    found = index.retrieve("What is it?", asked.tolist(), k=5, threshold=0.2)
    assert {one.lesson.id for one in found} == pinned | set(best)
