"""Reconciling: the newer answer wins, the older is retired and not lost, a repetition makes no second lesson."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from studio.domain.lessons import Lesson, LessonKind, LessonStatus, Scope, ScopeKind
from studio.lessons.reconcile import reconcile

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def lesson(name: str, question: str, guidance: str, kind: LessonKind = LessonKind.FACT) -> Lesson:
    return Lesson(name, question, "", guidance, question, guidance, (f"c-{name}",), NOW, NOW, kind=kind)


NORTH = lesson("north", "Who keeps the key to the north gate?", "Pilar.")


def test_a_lesson_about_something_else_changes_nothing() -> None:
    south = lesson("south", "Who keeps the key to the south gate?", "Odile.")
    result = reconcile(south, [NORTH], {"north": 0.97}, at=NOW)
    assert (result.keep, result.retired, result.updated) == (south, (), None)


def test_another_answer_to_the_same_question_retires_the_older() -> None:
    newer = lesson("new", "who keeps the key to the north gate", "Ines.")
    result = reconcile(newer, [NORTH], {}, at=NOW)
    assert result.keep == newer
    (old,) = result.retired
    assert (old.id, old.status, old.replaced_by, old.revision) == ("north", LessonStatus.RETIRED, "new", 2)
    assert old.retired_reason


def test_near_wording_with_the_same_content_is_the_same_question() -> None:
    newer = lesson("new", "Tell me who keeps the key to the north gate.", "Ines.")
    assert [old.id for old in reconcile(newer, [NORTH], {"north": 0.93}, at=NOW).retired] == ["north"]
    assert reconcile(newer, [NORTH], {"north": 0.6}, at=NOW).retired == ()


@pytest.mark.parametrize("other", ["Where does the choir meet?", "Who does the choir meet?"])
def test_another_question_word_asks_for_something_else(other: str) -> None:
    day = lesson("day", "When does the choir meet?", "On Tuesdays.")
    assert reconcile(lesson("new", other, "The town hall."), [day], {"day": 0.95}, at=NOW).retired == ()


def test_an_explicitly_superseded_correction_takes_its_lesson_with_it() -> None:
    newer = lesson("new", "Gate keys: who?", "Ines.")
    result = reconcile(newer, [NORTH], {"north": 0.3}, superseded={"c-north"}, at=NOW)
    assert [old.replaced_by for old in result.retired] == ["new"]


def test_a_lesson_with_other_sources_survives_a_supersession() -> None:
    shared = replace(NORTH, source_ids=("c-north", "c-other"))
    newer = lesson("new", "Gate keys: who?", "Ines.")
    assert reconcile(newer, [shared], {}, superseded={"c-north"}, at=NOW).retired == ()


def test_the_same_answer_again_makes_no_second_lesson_but_counts_as_a_source() -> None:
    again = lesson("again", "Who keeps the key to the north gate?", "pilar")
    result = reconcile(again, [NORTH], {}, at=NOW)
    assert (result.keep, result.retired) == (None, ())
    assert result.updated is not None
    assert (result.updated.id, result.updated.source_ids) == ("north", ("c-north", "c-again"))


def test_two_rules_of_style_for_one_task_may_both_hold() -> None:
    one = lesson("one", "Write a note.", "Sign off with Odile.", LessonKind.STYLE)
    two = lesson("two", "Write a note.", "Start with the date.", LessonKind.STYLE)
    assert reconcile(two, [one], {"one": 1.0}, at=NOW).retired == ()


def rule(name: str, guidance: str, kind: ScopeKind = ScopeKind.MESSAGES) -> Lesson:
    return replace(lesson(name, f"Write {name}.", guidance, LessonKind.STYLE), scope=Scope(kind))


@pytest.mark.parametrize(
    ("older", "newer", "kind", "replaced"),
    [
        ("Dates as ISO.", "Dates as 4 May 2026.", ScopeKind.DATES, True),
        ("Messages end with 'Warmly'.", "Messages end with 'Yours, Odile'.", ScopeKind.MESSAGES, True),
        ("Messages end with 'Warmly'.", "Messages begin with 'Good day'.", ScopeKind.MESSAGES, False),
        ("At most twelve words.", "Answer in one sentence.", ScopeKind.QUESTIONS, True),
        ("At most twelve words.", "Explain without jargon.", ScopeKind.QUESTIONS, False),
        ("Sign off with 'Warmly'.", "Sign off with 'Yours'.", ScopeKind.LIKE, False),
    ],
)
def test_the_newer_rule_on_one_matter_replaces_the_older(
    older: str, newer: str, kind: ScopeKind, replaced: bool
) -> None:
    result = reconcile(rule("new", newer, kind), [rule("old", older, kind)], {}, at=NOW)
    assert [one.id for one in result.retired] == ["old"] * replaced
    assert result.keep is not None


def test_a_rule_said_again_on_another_question_is_no_second_rule() -> None:
    result = reconcile(rule("again", "sign off with odile"), [rule("first", "Sign off with Odile.")], {}, at=NOW)
    assert result.keep is None
    assert result.updated is not None
    assert result.updated.id == "first"


@pytest.mark.parametrize(("alike", "scope"), [(0.7, "like numbers"), (0.1, "numbers")])
def test_a_rule_said_of_two_unlike_questions_holds_for_their_whole_sort(alike: float, scope: str) -> None:
    narrow = Scope(ScopeKind.NUMBERS, like=True)
    first, again = (replace(rule(name, "Write it as a word."), scope=narrow) for name in ("first", "again"))
    updated = reconcile(again, [first], {"first": alike}, at=NOW).updated
    assert updated is not None
    assert str(updated.scope) == scope


@pytest.mark.parametrize(
    ("older", "newer", "alike", "replaced"),
    [
        ("like lists", "like lists", 0.7, True),
        ("like lists", "like lists", 0.1, False),
        ("like lists", "lists", 0.1, True),
        ("lists", "like lists", 0.7, False),
    ],
)
def test_a_rule_for_few_questions_leaves_the_others_to_the_older(
    older: str, newer: str, alike: float, replaced: bool
) -> None:
    old = replace(rule("old", "Lists with dashes."), scope=Scope.parse(older))
    new = replace(rule("new", "Lists with stars."), scope=Scope.parse(newer))
    assert [one.id for one in reconcile(new, [old], {"old": alike}, at=NOW).retired] == ["old"] * replaced


def test_rules_for_other_answers_stand_side_by_side() -> None:
    students = replace(rule("students", "End with 'Aprons on!'"), scope=Scope(ScopeKind.MESSAGES, ("student",)))
    patients = replace(rule("patients", "End with 'Warmly'."), scope=Scope(ScopeKind.MESSAGES, ("patient",)))
    assert reconcile(patients, [students], {}, at=NOW).retired == ()


def test_retired_lessons_are_left_alone() -> None:
    retired = replace(NORTH, status=LessonStatus.RETIRED)
    newer = lesson("new", NORTH.example_question, "Ines.")
    assert reconcile(newer, [retired], {"north": 1.0}, superseded={"c-north"}, at=NOW).retired == ()


def test_a_fact_whose_form_is_corrected_is_restated_and_not_retired() -> None:
    rule = lesson("form", "Who keeps the key to the north gate?", "Surname first.", LessonKind.STYLE)
    rule = replace(rule, example_answer="Ortiz, Pilar.")
    result = reconcile(rule, [NORTH], {}, superseded={"c-north"}, at=NOW)
    assert (result.keep, result.retired) == (rule, ())
    assert result.restated is not None
    assert (result.restated.id, result.restated.guidance) == ("north", "Ortiz, Pilar.")
    assert result.restated.source_ids == ("c-north", "c-form")


def test_a_rule_in_the_place_of_another_questions_correction_retires_its_fact() -> None:
    rule = lesson("form", "Write a note.", "Surname first.", LessonKind.STYLE)
    result = reconcile(rule, [NORTH], {}, superseded={"c-north"}, at=NOW)
    assert [old.id for old in result.retired] == ["north"]
    assert result.restated is None
