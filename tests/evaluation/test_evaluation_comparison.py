"""Arms against each other: paired differences, and weights crossed with prompt."""

from __future__ import annotations

import pytest

from studio.domain.arms import FROZEN, LESSONS, LORA, LORA_LESSONS, READER_LESSONS
from studio.domain.nights import ProbeKind
from studio.evaluation.comparison import paired_differences, two_by_two
from studio.evaluation.metrics import ProbeRecord


def answers(arm: str, right: int, kind: ProbeKind = ProbeKind.REPHRASE, total: int = 10) -> list[ProbeRecord]:
    correction = (lambda i: None) if kind is ProbeKind.GENERAL else (lambda i: f"c{i}")
    return [
        ProbeRecord(f"c{i}/{kind}/1", kind, arm, correction(i), f"{arm} {i}", float(i < right), i < right)
        for i in range(total)
    ]


RECORDS = [*answers("frozen", 1), *answers("lessons", 4), *answers("lora", 5), *answers("lora+lessons", 9)]


def test_each_later_arm_is_compared_with_each_earlier_one_pair_by_pair() -> None:
    found = {(one.arm, one.against): one.measures["rephrase"] for one in paired_differences(RECORDS)}
    assert len(found) == 6
    assert found["lora", "frozen"].mean == pytest.approx(0.4)
    assert found["lora", "frozen"].n == 10
    assert not found["lora+lessons", "frozen"].is_inconclusive
    # One probe in ten tells these two apart: not enough.
    assert found["lora", "lessons"].mean == pytest.approx(0.1)
    assert found["lora", "lessons"].is_inconclusive


def test_locality_and_retention_are_compared_as_they_are_defined() -> None:
    records = [
        *answers("frozen", 6, ProbeKind.LOCALITY),
        *answers("lora", 10, ProbeKind.LOCALITY),  # four have another verdict than the frozen model's: not kept
        *answers("frozen", 5, ProbeKind.GENERAL),
        *answers("lora", 4, ProbeKind.GENERAL),
    ]
    (one,) = paired_differences(records)
    assert one.measures["locality"].mean == pytest.approx(0.0)
    assert one.measures["retention"].mean == pytest.approx(-0.2)
    assert one.measures["retention"].n == 5
    assert one.measures["transfer"].mean is None


def test_weights_and_prompt_are_crossed_with_their_interaction() -> None:
    (table,) = two_by_two(RECORDS, [FROZEN, LESSONS, LORA, LORA_LESSONS])
    assert table.arms == {"neither": "frozen", "prompt": "lessons", "weights": "lora", "both": "lora+lessons"}
    cells = table.measures["rephrase"]
    assert [cells[cell].mean for cell in table.arms] == pytest.approx([0.1, 0.4, 0.5, 0.9])
    assert cells["interaction"].mean == pytest.approx(0.9 - 0.4 - 0.5 + 0.1)
    assert "transfer" not in table.measures
    # Beside an arm that reads with the reader goes the one that does so without an adapter.
    reading = [*RECORDS, *answers("reader+lessons", 6)]
    (table,) = two_by_two(reading, [FROZEN, LESSONS, LORA, LORA_LESSONS, READER_LESSONS])
    assert table.arms["prompt"] == "reader+lessons"
    assert two_by_two(answers("frozen", 1), [FROZEN, LORA_LESSONS]) == ()
    assert two_by_two([*answers("frozen", 1), *answers("lora+lessons", 1)], [FROZEN, LORA_LESSONS]) == ()
