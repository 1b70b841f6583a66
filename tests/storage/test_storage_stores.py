"""What goes into the log comes out of it: every value whole, corrections in force, adapters active."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_values import (
    ANY_TEXT,
    a_conversation,
    a_correction,
    a_lesson,
    a_turn,
    an_adapter,
    an_answer,
    at,
    open_log,
    said,
    undone,
)

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, FinishReason, Role, Sampling
from studio.domain.identity import new_id, utc_now
from studio.domain.lessons import LessonStatus, LessonUse
from studio.domain.log import Answer, Correction, Feedback, Given, GivenLesson, Origin, Turn
from studio.domain.nights import Night, NightState, Probe, ProbeKind, ProbeResult
from studio.domain.stores import Log
from studio.errors import NotFoundError, StorageError
from studio.storage import DuckDbLog


@pytest.fixture
def log(tmp_path: Path) -> DuckDbLog:
    return open_log(tmp_path)


def test_the_log_is_what_services_expect(log: DuckDbLog) -> None:
    as_port: Log = log
    assert as_port.corrections.all() == []


texts = st.one_of(st.text(), st.sampled_from([ANY_TEXT, "[bold]", "{{ x }}", "\x00", "'; DROP TABLE correction; --"]))
messages = st.lists(st.builds(ChatMessage, st.sampled_from(Role), texts), max_size=3).map(tuple)
checks = st.builds(
    Check,
    include=st.lists(st.lists(texts, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    exclude=st.lists(texts, max_size=2).map(tuple),
    pattern=st.none() | texts,
    max_words=st.none() | st.integers(0, 10**6),
)
seconds = st.floats(0, 1e6)
givens = st.builds(
    Given,
    model_name=texts,
    adapter_id=st.none() | texts,
    adapter_version=st.none() | st.integers(0, 100),
    adapter_scale=st.none() | st.floats(0, 4),
    lessons=st.lists(st.builds(GivenLesson, texts, texts, st.floats(-1, 1), st.integers(1, 9)), max_size=2).map(tuple),
    correction_ids=st.lists(texts, max_size=2).map(tuple),
    sampling=st.builds(
        Sampling, temperature=st.floats(0, 5), seed=st.none() | st.integers(0, 2**32), stop=st.tuples(texts)
    ),
    note=texts,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts, arm=texts, given_=givens, chat=messages, latency=seconds, reason=st.sampled_from(FinishReason))
def test_an_answer_comes_back_as_it_was(
    log: DuckDbLog,
    *,
    text: str,
    arm: str,
    given_: Given,
    chat: tuple[ChatMessage, ...],
    latency: float,
    reason: FinishReason,
) -> None:
    turn = Turn(new_id(), new_id(), 0, text, at(0))
    answer = Answer(new_id(), turn.id, arm, text, reason, given_, chat, 3, 4, latency / 2, latency, at(1), -latency)
    log.conversations.add_turn(turn)
    log.answers.add([answer])
    assert log.answers.get(answer.id) == answer
    assert log.conversations.turns(turn.conversation_id) == [turn]
    assert answer in log.answers.to_prompt(text)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts, other=texts, check=checks, chat=messages, labels=st.lists(texts, max_size=3))
def test_a_correction_comes_back_as_it_was(
    log: DuckDbLog, text: str, other: str, check: Check, chat: tuple[ChatMessage, ...], labels: list[str]
) -> None:
    correction = Correction(
        new_id(),
        text,
        other,
        text,
        at(0),
        check,
        history=chat,
        rationale=other,
        feedback=text,
        labels=tuple(labels),
        origin=Origin.IMPORTED,
    )
    log.corrections.add(correction)
    assert log.corrections.get(correction.id) == correction


def test_a_lone_surrogate_is_kept_as_a_question_mark(log: DuckDbLog) -> None:
    correction = dataclasses.replace(a_correction(), corrected="caf\udce9", labels=("\ud800",))
    log.corrections.add(correction)
    kept = log.corrections.get(correction.id)
    assert (kept.corrected, kept.labels) == ("caf?", ("?",))


def test_conversations_are_listed_by_last_activity_without_the_empty_ones(log: DuckDbLog) -> None:
    old, new, empty = a_conversation(0, "old"), a_conversation(5, "new"), a_conversation(9, "empty")
    for conversation in (old, new, empty):
        log.conversations.add(conversation)
    log.conversations.add_turn(a_turn(old, 0, minutes=1))
    log.conversations.add_turn(a_turn(new, 0, minutes=6))
    assert [c.title for c in log.conversations.recent()] == ["new", "old"]
    log.conversations.add_turn(a_turn(old, 1, minutes=7))
    assert [(c.title, c.turns, c.updated_at) for c in log.conversations.recent()] == [
        ("old", 2, at(7)),
        ("new", 1, at(6)),
    ]
    assert [c.title for c in log.conversations.recent(limit=1)] == ["old"]


def test_all_conversations_are_listed(log: DuckDbLog) -> None:
    for number in range(101):
        log.conversations.add(conversation := a_conversation(number))
        log.conversations.add_turn(a_turn(conversation, 0, minutes=number))
    assert len(log.conversations.recent()) == 101


def test_a_conversation_is_renamed_again_and_again(log: DuckDbLog) -> None:
    conversation = a_conversation()
    log.conversations.add(conversation)
    for title in ("[bold]", ANY_TEXT, ""):
        log.conversations.rename(conversation.id, title)
        assert log.conversations.get(conversation.id).title == title
    with pytest.raises(NotFoundError):
        log.conversations.rename("none", "x")
    with pytest.raises(NotFoundError):
        log.conversations.get("none")


def test_answers_are_written_all_or_none(log: DuckDbLog) -> None:
    answer = said(log)
    fresh = dataclasses.replace(answer, id=new_id())
    with pytest.raises(StorageError):
        log.answers.add([fresh, answer])
    with pytest.raises(NotFoundError):
        log.answers.get(fresh.id)
    assert log.answers.of_turns([answer.turn_id, "none"]) == {answer.turn_id: [answer]}


def test_then_and_now_finds_every_answer_to_exactly_this_prompt(log: DuckDbLog) -> None:
    now = said(log, "When?", minutes=9)
    then = said(log, "When?", minutes=1)
    said(log, "when?", minutes=5)
    assert log.answers.to_prompt("When?") == [then, now]


def test_the_latest_feedback_counts_and_can_be_withdrawn(log: DuckDbLog) -> None:
    answer, other = said(log), said(log)
    log.answers.add_feedback(answer.id, Feedback.ACCEPTED, at(1))
    log.answers.add_feedback(other.id, Feedback.PREFERRED, at(1))
    assert [a for a, _ in log.answers.accepted()] == [answer]
    log.answers.withdraw_feedback(answer.id)
    assert log.answers.feedback_of([answer.id, other.id]) == {other.id: Feedback.PREFERRED}
    log.answers.add_feedback(other.id, Feedback.ACCEPTED, at(2))
    [(accepted, turn)] = log.answers.accepted()
    assert (accepted, turn.id) == (other, other.turn_id)
    with pytest.raises(NotFoundError):
        log.answers.add_feedback("none", Feedback.ACCEPTED, at(3))


def test_a_correction_is_undone_and_reinstated(log: DuckDbLog) -> None:
    correction = a_correction()
    log.corrections.add(correction)
    log.corrections.set_undone(correction.id, True, at(1))
    assert log.corrections.all() == [undone(correction)]
    assert log.corrections.in_force() == []
    # A clock that was set back in between does not bring the tombstone back.
    log.corrections.set_undone(correction.id, False, at(-60))
    assert log.corrections.in_force() == [correction]
    with pytest.raises(NotFoundError):
        log.corrections.set_undone("none", True, at(2))


def test_the_older_correction_is_in_force_again_when_the_newer_is_undone(log: DuckDbLog) -> None:
    older = a_correction(minutes=0)
    newer = a_correction(minutes=1, supersedes=older.id)
    log.corrections.add(older)
    log.corrections.add(newer)
    assert [c.superseded_by for c in log.corrections.all()] == [newer.id, None]
    assert log.corrections.in_force() == [newer]
    log.corrections.set_undone(newer.id, True, at(2))
    assert log.corrections.in_force() == [older]
    log.corrections.set_undone(newer.id, False, at(3))
    assert log.corrections.in_force() == [newer]


def test_undoing_one_in_the_middle_leaves_the_newest_alone_in_force(log: DuckDbLog) -> None:
    first = a_correction(minutes=0)
    second = a_correction(minutes=1, supersedes=first.id)
    third = a_correction(minutes=2, supersedes=second.id)
    for correction in (first, second, third):
        log.corrections.add(correction)
    log.corrections.set_undone(second.id, True, at(3))
    assert log.corrections.in_force() == [third]
    log.corrections.set_undone(third.id, True, at(4))
    assert log.corrections.in_force() == [first]


def test_a_correction_is_found_by_its_id_alone(log: DuckDbLog) -> None:
    one = dataclasses.replace(a_correction(), id="01890000-aaaa")
    log.corrections.add(one)
    assert log.corrections.get("01890000-aaaa") == one
    for wrong in ("01890000", "99999999", "", "%%%%%%%%"):
        with pytest.raises(NotFoundError):
            log.corrections.get(wrong)


def test_corrections_are_found_by_the_answers_they_correct(log: DuckDbLog) -> None:
    correction = dataclasses.replace(a_correction(), answer_id="a1", arm="lora")
    log.corrections.add(correction)
    log.corrections.add(a_correction())
    assert log.corrections.of_answers(["a1", "a2"]) == {"a1": [correction]}
    assert log.corrections.of_answers([]) == {}


def test_a_lesson_is_found_by_its_vectors_while_it_is_active(log: DuckDbLog) -> None:
    lesson = a_lesson()
    log.lessons.add(lesson, [("key", [0.5, -0.25]), (ANY_TEXT, [1.0, 0.0])], "minilm")
    assert log.lessons.all() == [lesson]
    found = [(lesson_id, key, list(vector)) for lesson_id, key, vector in log.lessons.vectors("minilm")]
    assert found == [(lesson.id, "key", [0.5, -0.25]), (lesson.id, ANY_TEXT, [1.0, 0.0])]
    assert log.lessons.vectors("other") == []
    assert log.lessons.without_vectors("other") == [lesson]
    assert log.lessons.without_vectors("minilm") == []
    log.lessons.update(dataclasses.replace(lesson, status=LessonStatus.RETIRED, revision=2))
    assert log.lessons.vectors("minilm") == []
    assert log.lessons.all(LessonStatus.ACTIVE) == []


def test_an_edited_lesson_keeps_its_earlier_revisions(log: DuckDbLog) -> None:
    lesson = a_lesson()
    log.lessons.add(lesson, [], "minilm")
    for revision in (2, 3):
        lesson = dataclasses.replace(lesson, title=f"title {revision}", source_ids=("c9",), revision=revision)
        log.lessons.update(lesson)
        assert log.lessons.get(lesson.id) == lesson
    _, rows = log.query("SELECT revision, title FROM lesson_revision ORDER BY revision")
    assert rows == [(1, "Trams leave at ten"), (2, "title 2")]
    with pytest.raises(NotFoundError):
        log.lessons.update(a_lesson())


def test_the_stamp_changes_with_every_change_of_a_lesson(log: DuckDbLog) -> None:
    lesson = a_lesson()
    stamps = [log.lessons.stamp()]
    log.lessons.add(lesson, [("key", [1.0])], "minilm")
    stamps.append(log.lessons.stamp())
    log.lessons.update(lesson)
    stamps.append(log.lessons.stamp())
    log.lessons.set_vectors(lesson.id, [("key", [0.5])], "minilm")
    stamps.append(log.lessons.stamp())
    assert len(set(stamps)) == len(stamps)
    assert log.lessons.stamp() == stamps[-1]


def test_a_lesson_knows_the_answers_it_was_given_to(log: DuckDbLog) -> None:
    answer = said(log)
    assert log.lessons.uses("lesson-1") == [
        LessonUse("lesson-1", answer.id, "When?", "frozen", "At nine.", 0.5, answer.created_at)
    ]


def test_one_adapter_is_active_at_a_time_and_any_can_come_back(log: DuckDbLog) -> None:
    first, second, foreign = an_adapter(1), an_adapter(2), an_adapter(1, "m2")
    for adapter in (first, second, foreign):
        log.adapters.add(adapter)
    assert (log.adapters.next_version("m1"), log.adapters.next_version("m3")) == (3, 1)
    assert log.adapters.active("m1") is None
    for chosen in (first, second, first):
        log.adapters.activate("m1", chosen.id, "better", at(1))
        assert [a.id for a in log.adapters.all() if a.active] == [chosen.id]
    log.adapters.set_scale(first.id, 0.5)
    assert log.adapters.active("m1") == dataclasses.replace(first, scale=0.5, active=True)
    log.adapters.activate("m1", None, "off", at(2))
    assert log.adapters.active("m1") is None
    log.adapters.activate("m1", second.id, "on", at(3))
    log.adapters.mark_removed(second.id)
    assert log.adapters.active("m1") is None
    with pytest.raises(NotFoundError):
        log.adapters.activate("m1", foreign.id, "of another model", at(4))


def test_a_night_is_rewritten_as_it_goes_on(log: DuckDbLog) -> None:
    night = Night(new_id(), NightState.PREPARING, at(0), "m1", ("c1",), {"rank": 16, "nested": {"a": [1, None]}})
    log.nights.add(night)
    log.nights.add(Night(new_id(), NightState.FAILED, at(-9), "m1", ()))
    for state in (NightState.TRAINING, NightState.PROMOTED):
        night = dataclasses.replace(night, state=state, finished_at=at(5), adapter_id="a1", correction_ids=("c1", "c2"))
        log.nights.update(night)
        assert log.nights.get(night.id) == night
    assert [n.state for n in log.nights.all()] == [NightState.PROMOTED, NightState.FAILED]
    log.nights.update(dataclasses.replace(night, metrics={"loss": float("nan"), "path": Path("x")}))
    assert log.nights.get(night.id).metrics == {"loss": None, "path": "x"}


def test_probes_and_results_come_back(log: DuckDbLog) -> None:
    probe = Probe("p1", ProbeKind.REPHRASE, ANY_TEXT, Check(max_words=5), "c1")
    log.probes.add([probe])
    log.probes.add([probe, Probe("p2", ProbeKind.GENERAL, "2+2?", Check(include=(("4",),)))])
    assert [p.id for p in log.probes.all()] == ["p1", "p2"]
    assert log.probes.all()[0] == probe
    results = [
        ProbeResult("p1", "lora", "no", False, 0.5, "before", at(0)),
        ProbeResult("p2", "lora", "4", True, 1, "idle", at(1)),
    ]
    log.probes.add_results(results)
    log.probes.add_results([])
    assert log.probes.results() == results


def test_when_each_arm_was_last_asked_is_told_for_one_kind_of_occasion(log: DuckDbLog) -> None:
    log.probes.add([Probe("p1", ProbeKind.GENERAL, "2+2?", Check(include=(("4",),)))])
    asked = [("lora", "idle:old"), ("frozen", "idle:old"), ("lora", "idle:it's"), ("frozen", "night:1")]
    for arm, occasion in asked:
        log.probes.add_results([ProbeResult("p1", arm, "4", ok=True, score=1.0, occasion=occasion, created_at=at(1))])
    frozen, lora = sorted(log.probes.last_asked("idle:it's"), key=lambda one: one.arm)
    assert (frozen.probe_id, frozen.arm, frozen.now) == ("p1", "frozen", False)
    assert (lora.probe_id, lora.arm, lora.now) == ("p1", "lora", True)
    assert frozen.place < lora.place


def test_a_row_that_does_not_fit_its_value_is_refused_in_words(log: DuckDbLog, tmp_path: Path) -> None:
    import duckdb

    log.corrections.add(a_correction())
    with duckdb.connect(tmp_path / "studio.duckdb") as connection:
        connection.execute("""UPDATE correction SET conditions = '{"exclude": "nine"}'""")
    with pytest.raises(StorageError, match="Check that cannot be read: list expected, str found"):
        log.corrections.all()


def test_threads_write_at_the_same_time(log: DuckDbLog) -> None:
    corrections = [a_correction() for _ in range(24)]
    threads = [threading.Thread(target=log.corrections.add, args=[correction]) for correction in corrections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {c.id for c in log.corrections.all()} == {c.id for c in corrections}


def test_an_answer_of_several_arms_keeps_its_order(log: DuckDbLog) -> None:
    conversation = a_conversation()
    turn = a_turn(conversation)
    log.conversations.add(conversation)
    log.conversations.add_turn(turn)
    answers = [an_answer(turn, arm) for arm in ("frozen", "context", "lessons", "lora", "lora+lessons")]
    log.answers.add(answers)
    assert log.answers.of_turns([turn.id])[turn.id] == answers


def test_what_another_process_did_to_corrections_is_read(log: DuckDbLog, tmp_path: Path) -> None:
    """They are kept in memory from one reading to the next."""
    first, second = a_correction(), a_correction()
    log.corrections.add(first)
    assert [one.id for one in log.corrections.all()] == [first.id]
    other = open_log(tmp_path)
    other.corrections.add(second)
    assert {one.id for one in log.corrections.all()} == {first.id, second.id}
    other.corrections.set_undone(first.id, True, utc_now())
    assert [one.id for one in log.corrections.in_force()] == [second.id]
    assert log.corrections.in_force_ids() == {second.id}


def test_what_another_process_restored_is_read(log: DuckDbLog, tmp_path: Path) -> None:
    first, second = a_correction(), a_correction()
    log.corrections.add(first)
    log.corrections.add(second)
    backup = log.backup()
    log.corrections.set_undone(first.id, True, utc_now())
    assert [one.id for one in log.corrections.in_force()] == [second.id]
    open_log(tmp_path).restore(backup)
    log.corrections.set_undone(second.id, True, utc_now())
    assert [one.id for one in log.corrections.in_force()] == [first.id]


def test_what_is_still_to_be_learnt_and_to_follow(log: DuckDbLog) -> None:
    learnt, new, undone = a_correction(), a_correction(), a_correction()
    for correction in (learnt, new, undone):
        log.corrections.add(correction)
    kept = dataclasses.replace(a_lesson(), source_ids=(learnt.id,))
    left = dataclasses.replace(a_lesson(), source_ids=(undone.id,))
    log.lessons.add(kept, [], "minilm")
    log.lessons.add(left, [], "minilm")
    assert log.lessons.out_of_line() == []
    log.corrections.set_undone(undone.id, True, utc_now())
    assert [one.id for one in log.corrections.unlearnt()] == [new.id]
    assert log.lessons.out_of_line() == [left]
    assert log.lessons.of_source(learnt.id) == [kept]
    assert (log.lessons.count(), log.lessons.count(LessonStatus.RETIRED), len(log.lessons.newest(1))) == (2, 0, 1)


def test_a_lessons_mark_changes_with_it_and_with_its_vectors(log: DuckDbLog) -> None:
    lesson, other = a_lesson(), a_lesson()
    log.lessons.add(lesson, [("key", [0.5, -0.25])], "minilm")
    log.lessons.add(other, [], "minilm")
    marks = [log.lessons.marks("minilm")]
    log.lessons.update(dataclasses.replace(lesson, pinned=True, revision=2))
    marks.append(log.lessons.marks("minilm"))
    log.lessons.set_vectors(lesson.id, [("key", [1.0, 0.0])], "minilm")
    marks.append(log.lessons.marks("minilm"))
    assert len({of[lesson.id] for of in marks}) == 3
    assert len({of[other.id] for of in marks}) == 1
    assert [list(vector) for _, _, vector in log.lessons.vectors("minilm", [lesson.id])] == [[1.0, 0.0]]
    assert log.lessons.of([other.id]) == [other]
