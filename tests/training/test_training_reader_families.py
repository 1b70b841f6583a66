"""The material a reader is to be trained on: whole, varied, and nothing of what is judged."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import studio.training
from studio.training.reader_indirect import PLAIN_QUESTIONS, drawn_row
from studio.training.wordings import content_words

FOLDER = Path(studio.training.__file__).parent / "reader"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "scenarios"
CLAIMED = "x"  # in a claim: the value or a wrong one
OWN = Path(__file__).resolve().parents[2] / "sessions"
SLOT = re.compile(r"\{(\w+)\}")


def families() -> list[dict[str, Any]]:
    return [
        family for file in sorted(FOLDER.glob("*.toml")) for family in tomllib.loads(file.read_text("utf-8"))["family"]
    ]


def texts(value: Any) -> Iterator[str]:
    """All templates in a part of a family."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)


@pytest.mark.parametrize("family", families(), ids=lambda family: str(family["id"]))
def test_every_slot_is_filled_and_there_is_enough_of_everything(family: dict[str, Any]) -> None:
    parts = [text for key, value in family.items() if key != "rows" for text in texts(value)]
    used = {slot for text in parts for slot in SLOT.findall(text)}
    rows = [drawn_row(family["values"], Random(0))] if family["kind"] == "indirect" else family["rows"]
    assert all(used <= {*row, CLAIMED} for row in rows)
    if family["kind"] == "indirect":
        wanted = {"ask": PLAIN_QUESTIONS + 5, "answer": 2, "claim": 1, "topic": 1}
        assert family["claim"].count(f"{{{CLAIMED}}}") == 1
    elif family["kind"] == "fact":
        wanted = {"rows": 4, "ask": 10, "answer": 3, "onehop": 2, "transfer": 2, "near": 4}
    else:
        wanted = {"rows": 1, "ask": 1, "answer": 1, "applies": 10, "near": 6}
        assert len(family["ask"]) == len(family["answer"])
    assert all(len(family[part]) >= least for part, least in wanted.items())


def test_families_are_many_and_their_names_unique() -> None:
    names = Counter(family["id"] for family in families())
    assert len(names) > 200
    assert max(names.values()) == 1


@pytest.mark.parametrize(
    "family", [one for one in families() if one["kind"] == "indirect"], ids=lambda family: str(family["id"])
)
def test_an_indirect_question_shares_hardly_a_word_with_what_was_corrected(family: dict[str, Any]) -> None:
    plain = {word.casefold() for text in family["ask"][:PLAIN_QUESTIONS] for word in content_words(text)}
    shared = [
        len(plain & {word.casefold() for word in content_words(text)}) for text in family["ask"][PLAIN_QUESTIONS:]
    ]
    assert max(shared) <= 1
    assert sum(shared) <= 2


def questions(family: dict[str, Any]) -> Iterator[str]:
    """Everything of a family that a model is asked."""
    yield from (*family["ask"], *family.get("near", ()))
    yield from (item["q"] for part in ("onehop", "transfer", "applies") for item in family.get(part, ()))


def judged_prompts() -> set[str]:
    files = [*SHARED.glob("*/*.jsonl"), *OWN.glob("starter/*.jsonl")]
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    prompts = [row["prompt"] for row in rows] + [text for row in rows for text in row.get("rephrase", ())]
    return {" ".join(prompt.casefold().split()) for prompt in prompts}


def test_no_question_of_a_judged_scenario_is_among_them() -> None:
    asked = {
        " ".join(text.format_map(row).casefold().split())
        for family in families()
        for row in family.get("rows", [{"value": "", "wrong": "", "less": "", "more": "", "earlier": "", "later": ""}])
        for text in questions(family)
    }
    assert not asked & judged_prompts()
