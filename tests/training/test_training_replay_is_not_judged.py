"""What is replayed at night is never what retention is judged by: else remembering the replay would pass for it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from studio.bootstrap import starter_session
from studio.domain.checks import Check
from studio.domain.identity import utc_now
from studio.domain.log import Correction
from studio.evaluation.validation import HELD_BACK_FORMS, general_probes, locality_probes, reworded
from studio.training.examples import near_misses, replay_prompts
from studio.training.wordings import wordings

SHARED = Path(__file__).resolve().parents[3] / "shared" / "scenarios"
SMALL_WORDS = frozenset(
    [
        "what",
        "is",
        "the",
        "of",
        "in",
        "a",
        "an",
        "which",
        "who",
        "how",
        "many",
        "are",
        "do",
        "does",
        "was",
        "did",
        "you",
        "call",
        "name",
        "to",
        "on",
        "at",
    ]
)


def content(prompt: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", prompt.casefold())) - SMALL_WORDS


def alike(one: str, other: str) -> bool:
    a, b = content(one), content(other)
    return bool(a and b) and len(a & b) / len(a | b) >= 0.6


def prompts_of(file: Path) -> list[str]:
    return [json.loads(line)["prompt"] for line in file.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("source", ["validation", "starter", "shared"])
def test_no_replayed_prompt_is_a_judged_one(source: str) -> None:
    judged = {
        "validation": lambda: [probe.prompt for probe in general_probes()],
        "starter": lambda: prompts_of(starter_session() / "general.jsonl"),
        "shared": lambda: [p for file in SHARED.glob("*/general.jsonl") for p in prompts_of(file)],
    }[source]()
    assert [(r, j) for r in replay_prompts() for j in judged if alike(r, j)] == []


def test_the_forms_a_night_is_judged_by_are_never_trained_on() -> None:
    for prompt in ("What is the refund window?", "Who repairs the till?", "Write a short note to the baker."):
        trained = {wording.casefold() for seed in range(20) for wording in wordings(prompt, 60, seed)}
        assert not trained & {reworded(prompt, form).casefold() for form in HELD_BACK_FORMS}


def test_the_neighbours_a_night_is_judged_by_are_never_replayed() -> None:
    dome = Correction("c", "When does the dome open?", "At nine.", "", utc_now(), Check(include=(("nine",),)))
    judged = {probe.prompt.casefold() for probe in locality_probes([dome])}
    assert len(judged) == 2
    assert not judged & {prompt.casefold() for seed in range(20) for prompt in near_misses([dome], 60, seed)}
