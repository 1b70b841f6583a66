"""The privacy pass: what is found, what is not, and that the screen before it lets nothing through."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
from exchange_values import correction, export, open_log, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import UsageError
from studio.exchange.privacy import Privacy, Redactor

FOUND = [
    ("Write to anna.b@x-y.co.uk.", "Write to <EMAIL_1>."),
    ("Call +49 (0)30 1234567 or 030/1234567", "Call <PHONE_1> or <PHONE_2>"),
    ("or (555) 123-4567, or 555-123-4567.", "or <PHONE_1>, or <PHONE_2>."),
    ("the key is sk-abcdEFGH1234567890xyz", "the key is <KEY_1>"),
    ('api_key="AbC12345"; token: hunter2hunter', 'api_key="<KEY_1>"; token: <KEY_2>'),
    ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer <KEY_1>"),
    ("see /home/anna/x.txt and ~/notes.md.", "see <PATH_1> and <PATH_2>."),
    (r"or C:\Users\me\a.txt, \\srv\share\x", "or <PATH_1> <PATH_2>"),
    ("Anna  Lee met ANNA LEE and Annabel", "<NAME_1> met <NAME_1> and Annabel"),
]
LEFT = [
    "On 2026-03-01 at 10:30:00, 1 000 000 and 3.14159265358979.",
    "The password is good and/or bad, 24/7, 1/2/3.",
    "https://example.org/a/b?c=d, 192.168.100.100",
    "0195b1d2-7a3e-7c5f-8a8a-0123456789ab",
    "incomprehensibilitiesincomprehensibilities",
    "2 + 3 = 5 (see 12)",
]


@pytest.mark.parametrize(("text", "replaced"), FOUND)
def test_what_is_private_is_replaced(text: str, replaced: str) -> None:
    assert Redactor(names=["anna lee"]).text(text).replace(", <PATH_2>", " <PATH_2>") == replaced


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_alike_is_left(text: str) -> None:
    assert Redactor(names=["anna lee"]).text(text) == text


PIECES = st.lists(
    st.sampled_from([part for text, _ in FOUND for part in re.split(r"(\W)", text)]) | st.text(max_size=3), max_size=20
).map("".join)


@settings(max_examples=50, deadline=None)
@given(PIECES | st.sampled_from([text for text, _ in FOUND]), PIECES)
def test_the_screen_lets_nothing_through(before: str, after: str) -> None:
    redactor = Redactor(names=["Anna Lee", "Zoë"])
    text = before + after
    found = list(redactor.find(text))
    for form in (text, json.dumps(text, ensure_ascii=False)):
        screened = duckdb.execute("SELECT regexp_matches($1, $2)", [form, redactor.screen]).fetchone()
        assert not found or screened == (True,)
    safe = redactor.text(text)
    assert not [one for one in Redactor(names=["Anna Lee", "Zoë"]).find(safe) if one.kind == "EMAIL"]


def test_the_same_is_replaced_by_the_same_everywhere_and_counted(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(correction("Who is at a@b.org?", 0, corrected="Zoë Lang, a@b.org, or c@d.org"))
    log.corrections.add(correction("And c@d.org?", 1, corrected="Nobody I know.", labels=("for zoë lang",)))
    options = {"privacy": Privacy.REPLACE, "names": ("Zoë Lang",), "keep": ("nobody",)}
    result = export(log, tmp_path / "sft", "trl-sft", **options)
    rows = rows_of(tmp_path / "sft" / "train.jsonl")
    assert [row["prompt"][-1]["content"] for row in rows] == ["Who is at <EMAIL_1>?", "And <EMAIL_2>?"]
    assert rows[0]["completion"][0]["content"] == "<NAME_1>, <EMAIL_1>, or <EMAIL_2>"
    assert result.findings == {"EMAIL": 4, "NAME": 1}
    for name in ("jsonl", "parquet"):
        export(log, tmp_path / name, name, **options)
    written = b"".join(file.read_bytes() for file in tmp_path.glob("*/*") if file.suffix != ".duckdb")
    for private in ("a@b.org", "c@d.org", "Zoë", "zoë"):
        assert private.encode() not in written
    assert "4 EMAIL, 1 NAME" in (tmp_path / "sft" / "README.md").read_text()


def test_without_a_choice_nothing_private_is_written(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(correction("Who is at a@b.org?"))
    for name in ("trl-sft", "jsonl"):
        with pytest.raises(UsageError, match=r"may hold private data .*EMAIL.* report .* replace .* off"):
            export(log, tmp_path / "out", name, privacy=None)
    assert not (tmp_path / "out").exists()
    export(log, tmp_path / "kept", "trl-sft", privacy=None, keep=("A@b.org",))
    assert "a@b.org" in (tmp_path / "kept" / "train.jsonl").read_text()


def test_each_finding_is_put_as_it_was_decided_and_the_rest_is_not_touched_unasked(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(correction("Is a@b.org or A@B.org right?", 0, corrected="No, c@d.org, or +49 30 1234567."))
    decisions = {"a@b.org": "my address", "c@d.org": "c@d.org"}
    with pytest.raises(UsageError, match=r"1 place may hold private data \(1 PHONE\)"):
        export(log, tmp_path / "out", "trl-sft", privacy=None, decisions=decisions)
    decisions["+49 30 1234567"] = "<EMAIL_1>"
    result = export(log, tmp_path / "out", "trl-sft", privacy=None, decisions=decisions)
    (row,) = rows_of(tmp_path / "out" / "train.jsonl")
    assert row["prompt"][-1]["content"] == "Is my address or my address right?"
    assert row["completion"][0]["content"] == "No, c@d.org, or <EMAIL_1>."
    assert result.findings == {"EMAIL": 2, "PHONE": 1}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["privacy"] == {
        "mode": "decided",
        "names": 0,
        "let_stand": 1,
        "replaced": {"EMAIL": 2, "PHONE": 1},
    }


def test_a_placeholder_that_was_decided_for_stands_for_nothing_else() -> None:
    redactor = Redactor(decisions={"b@b.org": "<EMAIL_1>"})
    assert redactor.text("a@b.org, b@b.org, c@b.org") == "<EMAIL_2>, <EMAIL_1>, <EMAIL_3>"
    assert Redactor(decisions={"b@b.org": "b@b.org"}, only_decided=True).text("a@b.org b@b.org") == "a@b.org b@b.org"


def test_what_the_card_tells_is_looked_at_too(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.corrections.add(correction("Who?", 0, labels=("for zoë@lang.org",)))
    with pytest.raises(UsageError, match=r"2 places may hold private data \(2 EMAIL\)"):
        export(log, tmp_path / "out", "trl-sft", privacy=None, title="To a@b.org")
    decided = {"zoë@lang.org": "Z", "a@b.org": "A"}
    export(log, tmp_path / "out", "trl-sft", privacy=None, title="To a@b.org", decisions=decided)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "# To A" in card
    assert "| for Z | 1 |" in card
