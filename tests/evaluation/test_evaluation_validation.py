"""The gate's own probes: what they ask, and what an answer to them must not say."""

from __future__ import annotations

from datetime import UTC, datetime

from studio.domain.checks import Check
from studio.domain.log import Correction
from studio.evaluation.judging import judge
from studio.evaluation.validation import general_probes, locality_probes

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def correction(prompt: str, corrected: str, *include: str) -> Correction:
    return Correction("c", prompt, corrected, "", NOW, Check(include=tuple((text,) for text in include)))


def test_neighbours_ask_about_a_word_of_the_question_and_the_answer_may_not_leak() -> None:
    closing = correction("Which day is the workshop closed?", "The workshop is closed on Tuesdays.", "Tuesdays")
    probes = locality_probes([closing])
    assert all("workshop" in probe.prompt for probe in probes)
    assert len(probes) == 2
    assert judge("A workshop is a place where things are made.", probes[0].check).ok
    assert not judge("The workshop is closed on Tuesdays.", probes[0].check).ok


def test_what_the_check_looks_for_is_not_asked_about() -> None:
    spelt = correction("How do we spell Ferrolane?", "Ferrolane.", "Ferrolane")
    assert all("ferrolane" not in probe.prompt.casefold() for probe in locality_probes([spelt]))


def test_a_correction_of_form_alone_has_no_neighbours() -> None:
    assert locality_probes([correction("Greet the workshop.", "Hello, workshop!")]) == []


def test_general_probes_are_many_and_each_is_asked_once() -> None:
    prompts = [probe.prompt for probe in general_probes()]
    assert len(set(prompts)) == len(prompts) > 100
