"""The promotion gate: what it lets through, what it keeps back, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from studio.domain.nights import ProbeKind
from studio.errors import UsageError
from studio.evaluation.gate import Decision, decide_promotion
from studio.evaluation.metrics import ProbeRecord


def answers(kind: ProbeKind, right: Sequence[bool], each: int = 1) -> list[ProbeRecord]:
    """One record per verdict, `each` of them to a correction."""
    return [
        ProbeRecord(
            probe_id=f"{kind}/{i}",
            kind=kind,
            arm="lora",
            correction_id=None if kind is ProbeKind.GENERAL else f"c{i // each}",
            text=f"{kind} {i} {ok}",
            score=float(ok),
            ok=ok,
        )
        for i, ok in enumerate(right)
    ]


def adapter(rephrase: Sequence[bool], locality_lost: int = 0, general_lost: int = 0) -> list[ProbeRecord]:
    return [
        *answers(ProbeKind.REPHRASE, rephrase, each=2),
        *answers(ProbeKind.LOCALITY, [i >= locality_lost for i in range(20)], each=2),
        *answers(ProbeKind.GENERAL, [i >= general_lost for i in range(40)]),
    ]


def decide(candidate: list[ProbeRecord], in_use: list[ProbeRecord] | None = None) -> Decision:
    rephrased = sum(record.kind is ProbeKind.REPHRASE for record in candidate)
    return decide_promotion(candidate, adapter([False] * rephrased), in_use or [])


def test_a_clear_gain_without_loss_is_promoted_with_the_figures() -> None:
    decision = decide(adapter([True] * 14 + [False] * 6, locality_lost=1, general_lost=1))
    assert decision.promote
    assert decision.reason.startswith("Promoted: +70 points [+")
    assert "20 rephrased questions of 10 corrections" in decision.reason
    assert "Lost: 1 of 20 locality prompts, 1 of 40 general probes." in decision.reason
    assert decision.figures["rephrase_gain"].n == 10


def test_a_gain_whose_interval_reaches_zero_is_kept_back() -> None:
    decision = decide(adapter([True, *[False] * 19]))
    assert not decision.promote
    assert "inconclusive" in decision.reason
    assert "n = 10 corrections" in decision.reason


@pytest.mark.parametrize(("locality", "general", "promoted"), [(1, 1, True), (2, 0, False), (0, 2, False)])
def test_one_lost_probe_is_allowed_two_are_not(locality: int, general: int, promoted: bool) -> None:
    decision = decide(adapter([True] * 20, locality, general))
    assert decision.promote is promoted
    assert promoted or "(1 allowed)" in decision.reason


def test_with_many_probes_the_points_count() -> None:
    def with_general(lost: int) -> list[ProbeRecord]:
        return [*answers(ProbeKind.REPHRASE, [True] * 10), *answers(ProbeKind.GENERAL, [i >= lost for i in range(300)])]

    frozen = [*answers(ProbeKind.REPHRASE, [False] * 10), *answers(ProbeKind.GENERAL, [True] * 300)]
    assert decide_promotion(with_general(3), frozen).promote
    assert not decide_promotion(with_general(4), frozen).promote
    assert "no locality prompts were asked" in decide_promotion(with_general(3), frozen).reason


@pytest.mark.parametrize(
    ("right", "promoted"), [([True, False], True), ([False, False], False), ([True, True, False, False], True)]
)
def test_few_corrections_have_a_rule_of_their_own_which_is_told(right: list[bool], promoted: bool) -> None:
    decision = decide(adapter(right))
    assert decision.promote is promoted
    assert "interval" in decision.reason
    assert f"{len(right) // 2} correction" in decision.reason


def test_with_few_corrections_none_may_get_worse() -> None:
    frozen, candidate = adapter([False, False, True, True]), adapter([True, True, True, False])
    decision = decide_promotion(candidate, frozen)
    assert not decision.promote
    assert "none worse for any correction" in decision.reason


def test_one_answer_to_everything_is_kept_back() -> None:
    candidate = [
        replace(record, text="It's plum-kettle-77.") if record.kind is ProbeKind.LOCALITY and i % 2 else record
        for i, record in enumerate(adapter([True] * 20))
    ]
    decision = decide(candidate)
    assert not decision.promote
    assert "answers 'It's plum-kettle-77.' to 10 of 80 prompts where that is wrong (4 allowed)" in decision.reason


def test_what_the_frozen_model_says_everywhere_is_not_held_against_the_adapter() -> None:
    frozen = [replace(record, text="I do not know.") if not record.ok else record for record in adapter([False] * 20)]
    candidate = [
        replace(record, text="I do not know.") if not record.ok else record
        for record in adapter([True] * 12 + [False] * 8)
    ]
    assert decide_promotion(candidate, frozen).promote


def test_a_clearly_better_adapter_in_use_stays() -> None:
    decision = decide(adapter([True] * 10 + [False] * 10), in_use=adapter([True] * 20))
    assert not decision.promote
    assert "adapter in use (-50 points" in decision.reason
    assert decide(adapter([True] * 20), in_use=adapter([True] * 20)).promote


def test_without_general_probes_nothing_is_promoted() -> None:
    candidate, frozen = answers(ProbeKind.REPHRASE, [True] * 10), answers(ProbeKind.REPHRASE, [False] * 10)
    assert "no general probe was asked" in decide_promotion(candidate, frozen).reason


def test_without_rephrased_questions_nothing_is_promoted() -> None:
    decision = decide(adapter([]))
    assert not decision.promote
    assert "no rephrased question was asked" in decision.reason


def test_the_frozen_model_must_have_been_asked_the_same() -> None:
    with pytest.raises(UsageError):
        decide_promotion(adapter([True] * 4), [])
