"""jsonl holds the log as it is, any text, any history, any order, row by row; the same log gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from exchange_values import at, correction, export, open_log, rows_of, varied_log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.domain.checks import Check
from studio.domain.exports import Selection
from studio.domain.generation import ChatMessage, Role
from studio.domain.log import Correction

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
CORRECTIONS = st.lists(
    st.builds(
        lambda texts, history, check, labels, minutes: correction(
            texts[0],
            minutes,
            original=texts[1],
            corrected=texts[2],
            rationale=texts[3],
            feedback=texts[4],
            history=tuple(history),
            check=check,
            labels=tuple(labels),
        ),
        st.tuples(ANY, ANY, ANY, ANY, ANY),
        st.lists(st.builds(ChatMessage, st.sampled_from(Role), ANY), max_size=3),
        st.builds(
            Check,
            st.lists(st.lists(ANY, max_size=2).map(tuple), max_size=2).map(tuple),
            st.lists(ANY, max_size=2).map(tuple),
            st.none() | ANY,
            st.none() | st.integers(0, 99),
        ),
        st.lists(ANY, max_size=2),
        st.integers(-10_000, 10_000),
    ),
    min_size=5,
    max_size=12,
)


def as_row(made: Correction) -> dict[str, object]:
    """What must come back of a correction that was never answered, superseded or undone."""
    plain = json.loads(json.dumps(asdict(made), default=str))
    kept = ("id", "prompt", "original", "corrected", "history", "check", "rationale", "feedback", "labels", "origin")
    return {key: plain[key] for key in kept} | {"created_at": made.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CORRECTIONS)
def test_every_row_comes_back_as_it_was(made: list[Correction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(Path(folder))
        for one in made:
            log.corrections.add(one)
        export(log, Path(folder) / "out", "jsonl", selection=Selection())
        rows = rows_of(Path(folder) / "out" / "corrections.jsonl")
        ordered = sorted(made, key=lambda one: (one.created_at, one.id))
        assert [{key: row[key] for key in as_row(one)} for row, one in zip(rows, ordered, strict=True)] == [
            as_row(one) for one in ordered
        ]


def test_all_that_happened_to_a_correction_is_in_its_row(tmp_path: Path) -> None:
    log = varied_log(tmp_path)
    export(log, tmp_path / "out", "jsonl", selection=Selection())
    rows = {row["prompt"]: row for row in rows_of(tmp_path / "out" / "corrections.jsonl")}
    assert all(row["format_version"] == 1 and row["record"] == "correction" for row in rows.values())
    lighthouse = rows["How old is the lighthouse?"]
    assert lighthouse["undone"] is True
    assert lighthouse["undo_events"] == [{"undone": True, "at": at(6).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}]
    harbour = rows["Where is the harbour?"]
    assert (harbour["arm"], harbour["model_name"], harbour["system"]) == ("frozen", "tiny", "Be brief.")
    told = [row["superseded_by"] for row in rows_of(tmp_path / "out" / "corrections.jsonl") if row["superseded_by"]]
    assert told == [rows["What does a ticket cost?"]["id"]]
    answers = rows_of(tmp_path / "out" / "answers.jsonl")
    assert [event["feedback"] for event in answers[-1]["feedback_events"]] == ["accepted"]
    assert answers[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert {row["title"] for row in rows_of(tmp_path / "out" / "conversations.jsonl")} == {"Talk", "Prices"}


def test_a_part_of_the_log_brings_what_it_belongs_to(tmp_path: Path) -> None:
    log = varied_log(tmp_path)
    result = export(log, tmp_path / "out", "jsonl", selection=Selection(sessions=("Prices",)))
    assert {file.name: file.rows for file in result.files} == {
        f"{table}.jsonl": 1 for table in ("corrections", "conversations", "turns", "answers")
    }


def test_the_same_log_gives_the_same_bytes(tmp_path: Path) -> None:
    log = varied_log(tmp_path)
    for name in ("jsonl", "parquet"):
        digests = []
        for attempt in ("a", "b"):
            export(log, tmp_path / attempt / name, name, selection=Selection())
            files = sorted((tmp_path / attempt / name).iterdir())
            digests.append([(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files])
        assert digests[0] == digests[1]
        sums = (tmp_path / "a" / name / "SHA256SUMS").read_text().splitlines()
        assert sorted(tuple(line.split("  ")[::-1]) for line in sums) == [d for d in digests[0] if d[0] != "SHA256SUMS"]
