"""What a report tells of the user's own log: judged by what held then, nothing lost, nothing made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from story_log import HOSTILE, answer, at, correct, story_log

from studio.domain.log import Correction
from studio.domain.nights import Probe, ProbeKind, ProbeResult
from studio.errors import NotFoundError
from studio.reporting.log_report import LogStory
from studio.services.report_log import read_story
from studio.storage import DuckDbLog


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> DuckDbLog:
    return story_log(tmp_path_factory.mktemp("story"))


@pytest.fixture(scope="module")
def story(log: DuckDbLog) -> LogStory:
    told = read_story(log)
    assert told is not None
    return told


def asked_again(correction: Correction, text: str) -> ProbeResult:
    """What idle time keeps of an answer of `lora`, on day 2."""
    return ProbeResult(
        probe_id=correction.id,
        arm="lora",
        text=text,
        ok=True,
        score=1.0,
        occasion="idle:0",
        created_at=at(2, 0),
        correction_id=correction.id,
    )


def test_a_log_without_corrections_has_no_story(tmp_path: Path) -> None:
    log = DuckDbLog(tmp_path / "log.duckdb", tmp_path / "backups")
    answer(log, "When?", "frozen", "Never.", at(1, 0))
    assert read_story(log) is None


def test_corrections_are_counted_by_how_they_stand(story: LogStory) -> None:
    assert story.corrections == {"in force": 6, "superseded": 2, "undone": 1}
    assert story.questions == 6


def test_an_arm_is_judged_before_and_after_each_correction(story: LogStory) -> None:
    lessons, frozen = story.arms["lessons"], story.arms["frozen"]
    assert (frozen.before.mean, frozen.before.n) == (0.0, 6)
    assert (frozen.after.mean, frozen.gain.mean, frozen.gain.n) == (0.0, 0.0, 6)
    assert lessons.before.n == 0
    assert lessons.gain.mean is None  # never asked before: nothing to pair
    assert lessons.after.mean == pytest.approx(4 / 8)
    assert lessons.states == {"learnt": 2, "forgotten": 1, "stale": 1, "never right": 2}
    assert lessons.stale_rate.mean == 1.0  # of what had been superseded, when it was asked
    assert lessons.prompt_tokens == 40


def test_the_curves_go_by_day_and_by_corrections(story: LogStory) -> None:
    assert [(step.label, sorted(step.right)) for step in story.days] == [
        ("2026-03-03", ["frozen", "lessons"]),
        ("2026-03-04", ["lessons"]),
    ]
    assert story.days[0].right["lessons"].mean == pytest.approx(4 / 6)
    assert story.days[1].right["lessons"].mean == 0.0
    assert [step.label for step in story.steps] == ["6", "8"]


def test_what_was_lost_is_named_newest_first(story: LogStory) -> None:
    found = [(one.kind, one.question[:10], one.arm) for one in story.lost]
    assert found == [
        ("stale", "What is q2", "lessons"),
        ("forgotten", "What is q1", "lessons"),
        ("accepted, later corrected", "What is q4", "lessons"),
    ]


def test_every_night_has_its_adapter_and_its_verdict(story: LogStory) -> None:
    newest, first = story.nights
    assert (newest.version, newest.state, newest.in_use) == (2, "promoted", True)
    assert (first.version, first.state, first.reason) == (1, "kept", "Kept: too little gain.")
    assert (first.minutes, first.peak_rss_mb, first.corrections) == (12.0, 900.0, 2)


def test_a_correction_in_other_words_that_supersedes_judges_the_old_question_too(tmp_path: Path) -> None:
    log = DuckDbLog(tmp_path / "log.duckdb", tmp_path / "backups")
    old = correct(log, "When do we close?", "nine", at(1, 0))
    correct(log, "Closing time?", "ten", at(1, 1), supersedes=old.id)
    answer(log, "When do we close?", "lessons", "It is ten.", at(1, 2))
    answer(log, "When do we close?", "context", "It is nine.", at(1, 3))
    told = read_story(log)
    assert told is not None
    assert told.arms["lessons"].states["learnt"] == 1
    assert told.arms["context"].states["stale"] == 1


def test_what_was_superseded_in_other_words_is_stale_in_the_new_ones_as_well(tmp_path: Path) -> None:
    log = DuckDbLog(tmp_path / "log.duckdb", tmp_path / "backups")
    old = correct(log, "When do we close?", "nine", at(1, 0))
    correct(log, "Closing time?", "ten", at(1, 1), supersedes=old.id)
    answer(log, "Closing time?", "context", "It is nine.", at(1, 2))
    told = read_story(log)
    assert told is not None
    assert told.arms["context"].stale_rate.mean == 1.0


def test_a_question_of_two_conversations_asked_again_is_judged_by_its_own_correction(tmp_path: Path) -> None:
    log = DuckDbLog(tmp_path / "log.duckdb", tmp_path / "backups")
    library = correct(log, "How long?", "45 days", at(1, 0))
    pool = correct(log, "How long?", "two hours", at(1, 1))
    log.probes.add([Probe(one.id, ProbeKind.RELIABILITY, one.prompt, one.check, one.id) for one in (library, pool)])
    log.probes.add_results([asked_again(library, "It is 45 days."), asked_again(pool, "It is two hours.")])
    told = read_story(log)
    assert told is not None
    assert (told.arms["lora"].after.mean, told.arms["lora"].stale_rate.n) == (1.0, 0)


def test_what_was_right_before_it_was_superseded_is_not_forgotten(tmp_path: Path) -> None:
    log = DuckDbLog(tmp_path / "log.duckdb", tmp_path / "backups")
    old = correct(log, "When do we close?", "nine", at(1, 0))
    answer(log, "When do we close?", "lessons", "It is nine.", at(1, 1))
    correct(log, "When do we close?", "ten", at(1, 2), supersedes=old.id)
    answer(log, "When do we close?", "lessons", "It is noon.", at(1, 3))
    told = read_story(log)
    assert told is not None
    assert told.arms["lessons"].states["never right"] == 1


def test_a_question_is_the_same_in_other_case_and_spacing(tmp_path: Path) -> None:
    log = DuckDbLog(tmp_path / "log.duckdb", tmp_path / "backups")
    correct(log, "When do we close?", "nine", at(1, 0))
    answer(log, "when  do we CLOSE?", "lessons", "It is nine.", at(1, 1))
    answer(log, "When do they close?", "lessons", "It is ten.", at(1, 2))
    told = read_story(log)
    assert told is not None
    assert told.answers == 1
    assert told.arms["lessons"].after.mean == 1.0


def test_of_one_label_only_its_questions_are_told(log: DuckDbLog, story: LogStory) -> None:
    told = read_story(log, "tone")
    assert told is not None
    assert (told.questions, told.corrections) == (2, {"in force": 2})
    lessons = told.arms["lessons"]
    assert lessons.after.mean == pytest.approx(2 / 3)
    assert lessons.after.n == 2
    assert lessons.states == {"learnt": 1, "forgotten": 1, "stale": 0, "never right": 0}
    assert [step.label for step in told.steps] == [step.label for step in story.steps]
    assert [one.question[:10] for one in told.lost] == ["What is q1"]
    # Of the whole log, so that another can be chosen.
    assert told.labels == story.labels
    assert {name: label.questions for name, label in story.labels.items()} == {HOSTILE: 1, "tone": 2}
    assert story.labels["tone"].after["lessons"] == lessons.after


def test_a_label_that_only_a_superseded_correction_has_is_its_questions(log: DuckDbLog) -> None:
    told = read_story(log, HOSTILE)
    assert told is not None
    assert told.arms["lessons"].states["stale"] == 1


def test_an_unknown_label_names_those_there_are(log: DuckDbLog, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"No correction has the label 'manner'\. There are: .*tone"):
        read_story(log, "manner")
    unlabelled = DuckDbLog(tmp_path / "log.duckdb", tmp_path / "backups")
    correct(unlabelled, "When do we close?", "nine", at(1, 0))
    with pytest.raises(NotFoundError, match="studio correct --label"):
        read_story(unlabelled, "tone")
