"""The exam that finds in which form a model reads lessons best: facts that nobody can know, and everyday questions."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from studio.domain.checks import Check
from studio.domain.nights import Probe, ProbeKind
from studio.evaluation.validation import general_probes

EXAM = "forms-1"
"""Names these questions: results of another exam do not compare."""

_EVERY = 4  # general probe


@dataclass(frozen=True, slots=True)
class ExamFact:
    """One invented fact, and its probes: rewordings that it answers, and a near-by question that it does not."""

    id: str
    ask: str
    answer: str
    check: Check
    probes: tuple[Probe, ...]


def exam_facts() -> tuple[ExamFact, ...]:
    """The facts that ship, in their order."""
    read = tomllib.loads(files("studio.evaluation").joinpath("forms_exam.toml").read_text("utf-8"))
    return tuple(
        _fact(f"fact-{number}", one["ask"], one["answer"], tuple(one["say"]), one["reworded"], one["near"])
        for number, one in enumerate(read["fact"])
    )


def _fact(id_: str, ask: str, answer: str, say: tuple[str, ...], reworded: list[str], near: str) -> ExamFact:
    right, leak = Check(include=(say,)), Check(exclude=say)
    asked = [Probe(f"{id_}:{number}", ProbeKind.REPHRASE, text, right, id_) for number, text in enumerate(reworded)]
    return ExamFact(id_, ask, answer, right, (*asked, Probe(f"{id_}:near", ProbeKind.LOCALITY, near, leak, id_)))


def exam_general() -> tuple[Probe, ...]:
    """Some of the general probes, of every kind."""
    return general_probes()[::_EVERY]
