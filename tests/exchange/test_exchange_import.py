"""`studio import`: every format is read, nothing comes twice, all or nothing, undone as one step, no file trusted."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from exchange_values import EARLIER, at, correction, export, open_log, rows_of, varied_log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from studio_fakes import fake_studio

from studio.cli import root
from studio.domain.exports import Selection
from studio.domain.imports import Additions, Import, Logged, UndoEvent
from studio.domain.lessons import LessonStatus
from studio.domain.log import Correction, Origin
from studio.errors import StorageError, StudioError, UsageError
from studio.exchange import records
from studio.exchange.reading import read_file
from studio.services import learn_lessons
from studio.services.import_corrections import (
    import_corrections,
    learn_import,
    preview_import,
    undo_import,
)
from studio.services.import_corrections import imports as all_imports
from studio.services.learn_lessons import learn_pending
from studio.services.record_correction import record_correction, undo_correction
from studio.services.studio import Studio
from studio.storage import DuckDbLog, corrections, imports

Q, RIGHT, WRONG = "What is the refund window?", "45 days.", "30 days."
BEFORE = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
ASKED = [{"role": "system", "content": "Be brief."}, *BEFORE, {"role": "user", "content": Q}]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def gpt(text: str) -> dict[str, str]:
    return {"from": "gpt", "value": text}


TURNS = [{"from": "human", "value": "Hi."}, gpt("Hello."), {"from": "human", "value": Q}]
ALPACA = {"instruction": Q, "input": "", "history": [["Hi.", "Hello."]], "system": "Be brief."}

PREFERENCES: dict[str, dict[str, Any]] = {
    "trl": {"prompt": ASKED, "chosen": said(RIGHT), "rejected": said(WRONG)},
    "trl, implicit": {"chosen": ASKED + said(RIGHT), "rejected": ASKED + said(WRONG)},
    "axolotl": {"messages": ASKED, "chosen": said(RIGHT)[0], "rejected": said(WRONG)[0]},
    "openai": {"input": {"messages": ASKED}, "preferred_output": said(RIGHT), "non_preferred_output": said(WRONG)},
    "sharegpt": {"conversations": TURNS, "chosen": gpt(RIGHT), "rejected": gpt(WRONG), "system": "Be brief."},
    "alpaca": {**ALPACA, "chosen": RIGHT, "rejected": WRONG},
}
SUPERVISED: dict[str, dict[str, Any]] = {
    "trl": {"prompt": ASKED, "completion": said(RIGHT)},
    "openai": {"messages": ASKED + said(RIGHT)},
    "sharegpt": {"conversations": [*TURNS, gpt(RIGHT)]},
    "alpaca": {**ALPACA, "output": RIGHT},
}


def lines(file: Path, *rows: Any) -> Path:
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return file


def pair(prompt: str = Q, chosen: str = RIGHT, rejected: str = WRONG, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, **more}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> DuckDbLog:
    """One that is only read."""
    return varied_log(tmp_path_factory.mktemp("log"))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return fake_studio(tmp_path / "home")


async def bring(studio: Studio, file: Path) -> int:
    imported = await import_corrections(studio, file)
    await learn_import(studio, imported)
    return len(imported.plan.additions)


def in_force(studio: Studio) -> dict[str, str]:
    return {one.prompt: one.corrected for one in studio.log.corrections.in_force()}


# Formats


@pytest.mark.parametrize("name", PREFERENCES)
def test_preferences_are_read(name: str, tmp_path: Path) -> None:
    ((line, draft),) = read_file(lines(tmp_path / "f.jsonl", PREFERENCES[name])).drafts
    assert (line, draft.prompt, draft.corrected, draft.original) == (1, Q, RIGHT, WRONG)
    assert [(one.role, one.content) for one in draft.history] == [("user", "Hi."), ("assistant", "Hello.")]


@pytest.mark.parametrize("name", SUPERVISED)
def test_supervised_rows_are_corrections_of_an_unknown_answer(name: str, tmp_path: Path) -> None:
    ((_, draft),) = read_file(lines(tmp_path / "f.jsonl", SUPERVISED[name])).drafts
    assert (draft.prompt, draft.corrected, draft.original, len(draft.history)) == (Q, RIGHT, "", 2)


def test_a_good_and_a_bad_answer_to_one_question_are_one_correction(tmp_path: Path) -> None:
    rows = [{"prompt": ASKED, "completion": said(text), "label": text == RIGHT} for text in (RIGHT, WRONG)]
    lone = {"prompt": "Else?", "completion": "No.", "label": False}
    read = read_file(lines(tmp_path / "f.jsonl", *rows, {**lone, "prompt": "Who?", "label": True}, lone))
    assert [(draft.corrected, draft.original) for _, draft in read.drafts] == [(RIGHT, WRONG), ("No.", "")]
    assert [skipped.line for skipped in read.skipped] == [4]


def test_a_table_with_semicolons_quotes_and_a_bom_is_read(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    text = '\ufeffQuestion;Answer;Correction;Labels;Created_at\n"What; then?";"a\nb";"""c""";x, y;2026-03-01\nQ;A\n'
    file.write_text(text)
    read = read_file(file)
    ((line, draft),) = read.drafts
    assert (line, draft.prompt, draft.original, draft.corrected) == (2, "What; then?", "a\nb", '"c"')
    assert (draft.labels, draft.created_at) == (("x", "y"), datetime(2026, 3, 1, tzinfo=UTC))
    assert read.skipped == [(4, "it has 2 columns, the first line 5")]


def feedback(rating: int, *, arena: bool = False, **answer: Any) -> dict[str, Any]:
    messages = {
        "u": {"id": "u", "parentId": None, "role": "user", "content": Q},
        "b": {"id": "b", "parentId": "u", "role": "assistant", "content": WRONG},
        "a": {"id": "a", "parentId": "u", "role": "assistant", "content": RIGHT, **answer},
    }
    return {
        "data": {"rating": rating, "comment": "It changed.", "tags": ["fact"]},
        "meta": {"arena": arena, "message_id": "a"},
        "snapshot": {"chat": {"title": "t", "chat": {"history": {"messages": messages, "currentId": "a"}}}},
        "updated_at": 1_772_400_000,
    }


def test_open_webuis_feedback_is_read(tmp_path: Path) -> None:
    file = tmp_path / "feedback.json"
    given = [feedback(1), feedback(1, originalContent="10 days."), feedback(-1, arena=True), feedback(-1)]
    file.write_text(json.dumps(given, indent=1))
    read = read_file(file)
    assert read.format == "Open WebUI feedback"
    assert [(d.corrected, d.original) for _, d in read.drafts] == [(RIGHT, WRONG), (RIGHT, "10 days."), (WRONG, RIGHT)]
    assert read.drafts[0][1].labels == ("fact",)
    assert read.drafts[0][1].rationale == "It changed."
    assert "nothing says what would be right" in read.skipped[0].reason
    assert file.read_text().splitlines()[read.skipped[0].line - 1].strip() == "{", "where the rating begins"


@pytest.mark.parametrize("name", ["trl-sft", "trl-dpo", "trl-kto", "openai-sft", "openai-dpo", "easyedit", "jsonl"])
def test_what_was_exported_brings_nothing_new(name: str, log: DuckDbLog, tmp_path: Path) -> None:
    export(log, tmp_path / "out", name)
    (file,) = [f for f in (tmp_path / "out").iterdir() if f.name.startswith(("train", "corrections"))]
    plan = preview_import(log, file).plan
    assert (len(plan.additions), plan.read.skipped, plan.conflicts) == (0, [], [])
    assert plan.known == {"trl-dpo": 3, "openai-dpo": 3, "easyedit": 3}.get(name, 4)


# What becomes of it in the log


async def test_imported_corrections_are_checked_and_learnt_and_come_once(studio: Studio, tmp_path: Path) -> None:
    more = {"rationale": "It changed.", "created_at": "2026-03-01T10:00:00Z"}
    file = lines(tmp_path / "f.jsonl", pair(**more), pair(), pair("Who opens?", "Ada."), "{broken")
    assert await bring(studio, file) == 2
    first, second = studio.log.corrections.all()
    assert (first.origin, first.rationale, first.created_at.day) == (Origin.IMPORTED, "It changed.", 1)
    assert first.check.include[0][0] == "45 days"
    assert second.created_at > first.created_at
    assert {lesson.example_question for lesson in studio.log.lessons.all()} == {Q, "Who opens?"}
    again = await import_corrections(studio, file)
    assert (again.made, again.plan.known, len(studio.log.corrections.all())) == (None, 2, 2)
    assert [skipped.line for skipped in again.plan.read.skipped] == [4, 2]
    assert studio.log.check() == []


async def test_the_newer_of_two_answers_holds_and_the_undo_restores_the_other(studio: Studio, tmp_path: Path) -> None:
    mine = await record_correction(studio, answer=None, prompt=Q, original=WRONG, corrected="60 days.")
    other = await record_correction(studio, answer=None, prompt="Who opens?", original="Bob.", corrected="Eve.")
    await learn_pending(studio)
    old = pair("Who opens?", "Ada.", created_at="2020-01-01")
    imported = await import_corrections(studio, lines(tmp_path / "f.jsonl", pair(), old))
    await learn_import(studio, imported)
    conflicts = [(one.prompt, one.present, one.imported, one.imported_holds) for one in imported.plan.conflicts]
    assert conflicts == [("Who opens?", "Eve.", "Ada.", False), (Q, "60 days.", RIGHT, True)]
    assert in_force(studio) == {Q: RIGHT, "Who opens?": "Eve."}
    active = {lesson.guidance for lesson in studio.log.lessons.all(LessonStatus.ACTIVE)}
    assert len(active) == 2
    assert any("45 days" in guidance for guidance in active)
    _, undone = await undo_import(studio)
    assert undone == 2
    assert in_force(studio) == {Q: "60 days.", "Who opens?": "Eve."}
    active = {source for lesson in studio.log.lessons.all(LessonStatus.ACTIVE) for source in lesson.source_ids}
    assert active == {mine.id, other.id}
    with pytest.raises(StudioError, match="There is no import to take back"):
        await undo_import(studio)


async def test_of_one_file_the_later_line_holds_and_a_rule_said_thrice_is_one_lesson(
    studio: Studio, tmp_path: Path
) -> None:
    rule = {"rationale": "Write dates as 1801-05-02."}
    built = [
        pair(f"When was the {what} built?", "1801-05-02", "May 2nd, 1801", **rule) for what in ("mill", "inn", "weir")
    ]
    imported = await import_corrections(studio, lines(tmp_path / "f.jsonl", pair(), *built, pair(chosen="60 days.")))
    await learn_import(studio, imported)
    assert [(one.present, one.imported) for one in imported.plan.conflicts] == [(RIGHT, "60 days.")]
    assert in_force(studio)[Q] == "60 days."
    lessons = studio.log.lessons.all()
    assert sorted(len(lesson.source_ids) for lesson in lessons) == [1, 3]


async def test_an_import_taken_back_comes_again_but_not_what_the_user_undid(studio: Studio, tmp_path: Path) -> None:
    file = lines(tmp_path / "f.jsonl", pair(), pair("Who opens?", "Ada."))
    await bring(studio, file)
    await undo_correction(studio, studio.log.corrections.all()[1].id)
    assert (await undo_import(studio))[1] == 1
    assert not studio.log.lessons.all(LessonStatus.ACTIVE)
    assert await bring(studio, file) == 1
    assert in_force(studio) == {Q: RIGHT}
    assert len(studio.log.lessons.all(LessonStatus.ACTIVE)) == 1
    assert (await undo_import(studio))[1] == 1
    assert in_force(studio) == {}


async def test_a_failure_in_the_middle_leaves_nothing(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lines(tmp_path / "f.jsonl", *(pair(f"Question {number}?") for number in range(150)))
    whole = corrections.correction_row

    def failing(one: Correction) -> tuple[object, ...]:
        # the second batch violates a constraint, after the first is written
        return (None, *whole(one)[1:]) if one.prompt == "Question 140?" else whole(one)

    with monkeypatch.context() as patch:
        patch.setattr(imports, "correction_row", failing)
        with pytest.raises(StudioError):
            await import_corrections(studio, file)
    assert studio.log.query("SELECT (SELECT count(*) FROM correction), (SELECT count(*) FROM imports)")[1] == [(0, 0)]
    assert await bring_only(studio, file) == 150


async def bring_only(studio: Studio, file: Path) -> int:
    return len((await import_corrections(studio, file)).plan.additions)


async def test_a_correction_made_meanwhile_is_weighed_too(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = studio.log.imports.add
    meanwhile = [correction(Q, corrected="60 days.")]

    def late(made: Import, additions: Additions, state: str) -> bool:
        while meanwhile:
            studio.log.corrections.add(meanwhile.pop())
        return add(made, additions, state)

    monkeypatch.setattr(studio.log.imports, "add", late)
    imported = await import_corrections(studio, lines(tmp_path / "f.jsonl", pair(), "{"))
    assert [one.present for one in imported.plan.conflicts] == ["60 days."]
    assert imported.plan.read.skipped_count == 1
    assert in_force(studio) == {Q: RIGHT}


# The lossless form, and two logs

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SAID = ANY.filter(str.strip)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(SAID, SAID, ANY, ANY, st.lists(ANY, max_size=2), st.integers(-999, 999), st.booleans()),
        min_size=3,
        max_size=8,
    ).filter(lambda made: all(one[1].strip() != one[2].strip() for one in made))
)
def test_export_import_export_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    home, work = open_log(folder / "home"), open_log(folder / "work")
    before: str | None = None
    there = []
    for prompt, corrected, original, rationale, labels, minutes, undone in made:
        one = correction(
            prompt,
            minutes,
            corrected=corrected,
            original=original,
            rationale=rationale,
            labels=tuple(labels),
            history=EARLIER if undone else (),
            supersedes=before,
        )
        there.append(Logged(one, (UndoEvent(False, at(0)), UndoEvent(True, at(minutes))) if undone else ()))
        before = one.id if minutes > 0 else None
    assert home.imports.add(Import("h", "f", "f", at(0)), Additions(tuple(there)), home.imports.state())
    export(home, folder / "first", "jsonl", selection=Selection())
    first = folder / "first" / "corrections.jsonl"
    plan = preview_import(work, first).plan
    assert work.imports.add(Import("i", "f", "f", at(0)), plan.additions, work.imports.state())
    assert plan.read.skipped == []
    export(work, folder / "second", "jsonl", selection=Selection())
    assert (folder / "second" / "corrections.jsonl").read_bytes() == first.read_bytes()


async def test_two_logs_become_one(studio: Studio, tmp_path: Path) -> None:
    other = varied_log(tmp_path / "work")
    ours = correction("What does a ticket cost?", 3.5, corrected="Nine.")
    ours_newer = correction("Where is the harbour?", 9, corrected="At home.")
    for one in (ours, ours_newer):
        studio.log.corrections.add(one)
    file = tmp_path / "work" / "sessions" / "studio.duckdb"
    bytes_before = file.read_bytes()
    imported = await import_corrections(studio, file)
    await learn_import(studio, imported)
    theirs = {one.prompt: one for one in other.corrections.all() if one.in_force}
    assert in_force(studio) == {
        **{prompt: one.corrected for prompt, one in theirs.items()},
        "Where is the harbour?": "At home.",
    }
    assert [(c.present, c.imported_holds) for c in imported.plan.conflicts] == [("At home.", False), ("Nine.", True)]
    assert {one.id for one in other.corrections.all()} < {one.id for one in studio.log.corrections.all()}
    assert (await import_corrections(studio, file)).made is None
    assert file.read_bytes() == bytes_before
    assert studio.log.check() == []
    back = await import_corrections(fake_studio(tmp_path / "work"), studio.workspace.log_file)
    assert [one.correction.id for one in back.plan.additions.corrections] == [ours.id, ours_newer.id]
    assert {c.prompt: c.corrected for c in other.corrections.in_force()} == in_force(studio)


def test_a_parquet_export_of_a_log_brings_in_what_the_log_does(log: DuckDbLog, tmp_path: Path) -> None:
    other, folder = varied_log(tmp_path / "work"), tmp_path / "anna's"
    file = tmp_path / "work" / "sessions" / "studio.duckdb"
    export(other, folder, "parquet", selection=Selection())
    most = len(other.corrections.all())
    assert log.imports.read_log(folder, most) == log.imports.read_log(file, most)
    with pytest.raises(UsageError, match="more than the 1"):
        log.imports.read_log(folder, 1)
    for named in (folder, folder / "corrections.parquet"):
        plan = preview_import(log, named).plan
        assert plan.additions.corrections == preview_import(log, file).plan.additions.corrections
    (folder / "corrections.parquet").write_bytes((folder / "turns.parquet").read_bytes())
    with pytest.raises(StorageError, match=r"corrections\.parquet is no table of a log"):
        preview_import(log, folder)


def test_a_changed_row_and_a_later_version_are_passed_over(log: DuckDbLog, tmp_path: Path) -> None:
    export(log, tmp_path / "out", "jsonl", selection=Selection())
    row = rows_of(tmp_path / "out" / "corrections.jsonl")[0]
    changed = [
        {**row, "corrected": "x"},
        {**row, "format_version": 2},
        {**row, "record": "turn"},
        {**row, "id": "1; --"},
    ]
    plan = preview_import(log, lines(tmp_path / "f.jsonl", *changed, {**row, "check": None})).plan
    assert [skipped.line for skipped in plan.read.skipped] == [2, 3, 4, 5, 1]
    assert "another correction with its id" in plan.read.skipped[-1].reason
    assert len(plan.additions) == 0


async def test_what_only_one_of_two_logs_took_back_is_shown_and_stays(studio: Studio, tmp_path: Path) -> None:
    other = open_log(tmp_path / "work")
    kept, dropped, both = (correction(f"{word}?", 1) for word in ("Kept here", "Dropped here", "Dropped in both"))
    for log in (other, studio.log):
        for one in (kept, dropped, both):
            log.corrections.add(one)
        log.corrections.set_undone(both.id, True, at(2))
    other.corrections.set_undone(kept.id, True, at(2))
    studio.log.corrections.set_undone(dropped.id, True, at(2))
    imported = await import_corrections(studio, tmp_path / "work" / "sessions" / "studio.duckdb")
    told = {(one.prompt, one.undone_here) for one in imported.plan.undone_in_one}
    assert told == {("Kept here?", False), ("Dropped here?", True)}
    assert (imported.made, imported.plan.known, list(in_force(studio))) == (None, 3, ["Kept here?"])


async def test_what_an_import_brought_and_the_other_log_took_back_since_stays_taken_back(
    studio: Studio, tmp_path: Path
) -> None:
    other = open_log(tmp_path / "work")
    gone = correction(Q, 1)
    other.corrections.add(gone)
    file = tmp_path / "work" / "sessions" / "studio.duckdb"
    assert await bring(studio, file) == 1
    await undo_import(studio)
    other.corrections.set_undone(gone.id, True, at(2))
    again = await import_corrections(studio, file)
    assert (again.made, again.plan.undone_in_one, in_force(studio)) == (None, [], {})


async def test_any_import_can_be_taken_back_and_each_once(studio: Studio, tmp_path: Path) -> None:
    for number in (1, 2):
        await bring(studio, lines(tmp_path / f"{number}.jsonl", pair(f"Question {number}?")))
    newer, older = await all_imports(studio)
    assert (Path(newer.source).name, newer.corrections, newer.undone_at) == ("2.jsonl", 1, None)
    assert (await undo_import(studio, older.id))[1] == 1
    assert list(in_force(studio)) == ["Question 2?"]
    assert [one.undone_at is None for one in await all_imports(studio)] == [True, False]
    with pytest.raises(StudioError, match="was taken back before"):
        await undo_import(studio, older.id)
    assert (await undo_import(studio))[0].id == newer.id, "the last that stands"


async def test_what_is_taken_back_while_it_is_learnt_leaves_no_lesson(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_lessons, "_LEARNT_TOGETHER", 2)
    imported = await import_corrections(
        studio, lines(tmp_path / "f.jsonl", *(pair(f"Question {n}?") for n in range(6)))
    )
    undoing: list[asyncio.Task[Any]] = []

    def take_back(what: str, done: int, total: int) -> None:
        if done == 2:
            undoing.append(asyncio.ensure_future(undo_import(studio)))

    embed = studio.embedder.embed

    async def embed_once_undone(texts: Sequence[str]) -> list[list[float]]:
        while undoing and in_force(studio):  # noqa: ASYNC110 - the log tells nobody
            await asyncio.sleep(0.01)
        return await embed(texts)

    monkeypatch.setattr(studio.embedder, "embed", embed_once_undone)
    await learn_import(studio, imported, take_back)
    await asyncio.gather(*undoing)
    assert len(studio.log.lessons.all()) == 4, "none is learnt after it was taken back"
    assert studio.log.lessons.all(LessonStatus.ACTIVE) == []


async def test_what_the_import_tells_it_does_can_end_it_and_nothing_is_brought_in(
    studio: Studio, tmp_path: Path
) -> None:
    file = lines(tmp_path / "f.jsonl", pair(), pair("Who opens?", "Ada."))
    steps: dict[str, None] = {}
    there = fake_studio(tmp_path / "there")
    await import_corrections(there, file, lambda what, done, total: steps.setdefault(what))
    assert list(steps) == ["reading", "comparing with the log", "making checks", "writing to the log"]
    for step in steps:

        def end(what: str, done: int, total: int, last: str = step) -> None:
            if what == last:
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await import_corrections(studio, file, end)
        assert (in_force(studio), await all_imports(studio)) == ({}, [])


# Files that are not to be trusted


def write(data: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(data)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda file: None, "There is no file"),
    "folder": (Path.mkdir, "is a folder"),
    "pipe": (os.mkfifo, "is no regular file"),
    "empty": (write(b""), "is empty"),
    "blank": (write(b"\xef\xbb\xbf \n\n"), "is empty"),
    "utf-16": (write('{"a": 1}'.encode("utf-16")), "no text in UTF-8"),
    "zeros": (write(b"{\x00\x00"), "no text in UTF-8"),
    "zip": (write(b"PK\x03\x04rest"), "an archive"),
    "parquet": (write(b"PAR1rest"), "a Parquet file"),
    "not a log": (write(b"\0" * 8 + b"DUCK" + b"\0" * 100), "could not be used|not a readable log"),
    "prose": (write(b"Dear all,\nplease answer.\n"), "no format that the studio knows"),
    "unknown keys": (write(b'{"a": 1}\n'), "line 1: it has none of the keys"),
    "unfinished quote": (write(b'prompt,corrected\n"a,b\n' + b"c\n" * 70_000), "no CSV that can be read"),
    "a column twice": (write(b"prompt,corrected,prompt\na,b,c\n"), "the column 'prompt' twice"),
    "only broken": (write(b"[1, 2"), "no format that the studio knows"),
    "only a key twice": (
        write(b'{"prompt":"a","chosen":"b","chosen":"c"}\n'),
        "No line of .* can be read .line 1: it has the key 'chosen' twice",
    ),
    "only latin-1": (write('{"prompt":"ä"}\n'.encode("latin-1")), "No line of .*: it is not in UTF-8"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(name: str, log: DuckDbLog, tmp_path: Path) -> None:
    make, told = BAD[name]
    make(tmp_path / "file")
    with pytest.raises(StudioError, match=told):
        preview_import(log, tmp_path / "file")


def test_a_name_longer_than_any_file_has_is_told_in_a_sentence(log: DuckDbLog, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        preview_import(log, tmp_path / ("long" * 100))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_one_may_not_enter_is_told_in_a_sentence(log: DuckDbLog, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    for file in (closed, closed / "f.jsonl"):
        with pytest.raises(StudioError, match="cannot be read by you"):
            preview_import(log, file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_else_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = lines(tmp_path / "f.jsonl", pair())
    file.chmod(0)
    with pytest.raises(StudioError, match="cannot be read by you"):
        read_file(file)


BAD_LINES: dict[str, tuple[bytes, str]] = {
    "cut off": (b'{"prompt": "a", "cho', "cut off or no JSON"),
    "latin-1": ('{"prompt": "ä", "chosen": "b", "rejected": "c"}'.encode("latin-1"), "not in UTF-8"),
    "twice": (b'{"prompt": "a", "chosen": "b", "chosen": "c", "rejected": "d"}', "the key 'chosen' twice"),
    "deep": (b'{"a": ' + b"[" * 100_000, "nested too deep"),
    "no object": (b"[1]", "no object"),
    "NaN": (b'{"prompt": NaN}', "a number that is none"),
    "long number": (b'{"prompt": ' + b"1" * 9_999 + b"}", "a number that is none"),
    "empty answer": (json.dumps(pair(chosen=" ")).encode(), "is empty"),
    "no question": (json.dumps(pair(prompt="")).encode(), "no question"),
    "unchanged": (json.dumps(pair(chosen=WRONG)).encode(), "the same as the answer"),
    "long answer": (json.dumps(pair(chosen="a" * 20_001)).encode(), "20,001 characters"),
    "other types": (json.dumps({**pair(), "chosen": 5}).encode(), "no list"),
    "a tool's message": (json.dumps({"messages": [{"role": "tool", "content": "x"}]}).encode(), "'tool'"),
    "ends on a question": (json.dumps({"messages": ASKED}).encode(), "does not end with an answer"),
}


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_bad_line_is_passed_over_and_the_rest_is_read(log: DuckDbLog, tmp_path: Path, ending: bytes) -> None:
    good = json.dumps(pair()).encode()
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + ending.join([good, b"", *(bad for bad, _ in BAD_LINES.values()), good]))
    plan = preview_import(log, file).plan
    assert len(plan.additions) == 1
    told = {skipped.line: skipped.reason for skipped in plan.read.skipped}
    for line, (name, (_, reason)) in enumerate(BAD_LINES.items(), start=3):
        assert reason in told.pop(line), name
    assert told == {len(BAD_LINES) + 3: "it is the same correction as in line 1"}


def test_what_is_too_long_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 300_000)
    long = pair("Long?", "a" * 1_000_000)
    for name, text in (
        ("lines", "\n".join(map(json.dumps, (pair(), long, pair("Last?"))))),
        ("array", json.dumps([pair(), long, pair("Last?")], indent=1)),
    ):
        (tmp_path / name).write_text(text)
        read = read_file(tmp_path / name)
        assert [draft.prompt for _, draft in read.drafts] == [Q, "Last?"], name
        assert [skipped.reason for skipped in read.skipped] == ["it is longer than 8 MB"]


def test_a_long_cell_is_passed_over_and_the_rest_of_the_table_is_read(log: DuckDbLog, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(f"prompt,corrected\n{Q},45 days.\nLong?,{'a' * 200_000}\nLast?,At ten.\n")
    plan = preview_import(log, file).plan
    assert len(plan.additions) == 2
    (skipped,) = plan.read.skipped
    assert skipped.line == 3
    assert "200,000 characters" in skipped.reason


def test_an_array_is_cut_rightly_whatever_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [pair('a "quoted\\" [{', "\\"), pair("ü}]", '{"x": "'), pair("\u2028\\\\", "]" * 9)]
    (tmp_path / "f.json").write_text(json.dumps(rows, ensure_ascii=False)[:-1] + ', 7, {"cut')
    for size in (1, 2, 3, 7, 65_536):
        monkeypatch.setattr(records, "_CHUNK", size)
        read = read_file(tmp_path / "f.json")
        assert [(draft.prompt, draft.corrected) for _, draft in read.drafts] == [
            (r["prompt"], r["chosen"]) for r in rows
        ]
        assert {skipped.reason for skipped in read.skipped} == {"it is no object", "the file ends in the middle of it"}


# On the command line


def test_the_command_previews_imports_and_takes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wired = fake_studio(tmp_path / "home")
    monkeypatch.setattr("studio.bootstrap.build_studio", lambda *_: wired)
    file = lines(
        tmp_path / "f.jsonl", pair("\x1b[31mRed\x1b[0m [b]?"), pair("Two?"), pair("Three?"), pair("Four?"), "{"
    )

    def studio_import(*arguments: str) -> str:
        assert root.run(["--workspace", str(wired.workspace.root), "import", *arguments]) == 0
        return capsys.readouterr().out

    shown = studio_import(str(file), "--dry-run")
    assert "preferences (TRL, Axolotl)" in shown
    assert "Would bring in 4 corrections." in shown
    assert "line 5: it is cut off or no JSON" in shown
    assert "\x1b" not in shown
    assert "[b]?" in shown
    assert "Three?" in shown
    assert "Four?" not in shown
    assert not wired.log.corrections.all()
    assert "Imported 4 corrections; 4 new learnt from." in studio_import(str(file))
    assert "Nothing new" in studio_import(str(file))
    assert "4 corrections undone." in studio_import("--undo")
    assert json.loads(studio_import(str(file), "--dry-run", "--json"))["lines"][0]["line"] == 5
    assert "taken back" in studio_import("--list")
    assert "Imported 4 corrections" in studio_import(str(file))
    newest, _ = json.loads(studio_import("--list", "--json"))
    assert (newest["corrections"], newest["undone_at"]) == (4, None)
    assert "4 corrections undone." in studio_import("--undo", newest["id"])
    assert root.run(["--workspace", str(wired.workspace.root), "import", "--undo", newest["id"]]) == 2
    assert "was taken back before" in capsys.readouterr().err
    assert root.run(["--workspace", str(wired.workspace.root), "import", str(file), "--undo"]) == 2
    assert root.run(["--workspace", str(wired.workspace.root), "import", str(tmp_path / "none")]) == 2
    assert "There is no file" in capsys.readouterr().err


def test_the_command_says_what_only_one_of_two_logs_took_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, log = open_log(tmp_path / "other"), open_log(tmp_path)
    one = correction("\x1b[31mOpen?")
    for each in (other, log):
        each.corrections.add(one)
    other.corrections.set_undone(one.id, True, at(1))
    file = str(tmp_path / "other" / "sessions" / "studio.duckdb")
    assert root.run(["--workspace", str(tmp_path), "import", file, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "Undone in only one of the two: 1; each stays as it is in this log" in told
    assert "in force here, undone there: Open?" in told
    assert root.run(["--workspace", str(tmp_path), "import", file, "--dry-run", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["undone_in_one"]
    assert listed["undone_here"] is False


def test_an_undone_correction_of_another_log_replaces_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    mine = correction(Q, 0)
    log.corrections.add(mine)
    other = open_log(tmp_path / "other")
    theirs = replace(correction(Q, 5, corrected="Other."), supersedes=mine.id)
    other.corrections.add(theirs)
    other.corrections.set_undone(theirs.id, True, at(6))
    plan = preview_import(log, tmp_path / "other" / "sessions" / "studio.duckdb").plan
    assert (len(plan.additions), plan.conflicts) == (1, [])
    assert log.imports.add(Import("i", "f", "f", at(9)), plan.additions, log.imports.state())
    assert [one.id for one in log.corrections.in_force()] == [mine.id]
