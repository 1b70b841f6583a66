"""The word diff: exact to the character, readable, and quick on a large paste."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.prompting.word_diff import DiffKind, DiffSpan, word_diff

TEXTS = st.text(alphabet="ab .\n[]{}é漢", max_size=60)


def old_text(spans: list[DiffSpan]) -> str:
    return "".join(span.text for span in spans if span.kind is not DiffKind.INSERT)


def new_text(spans: list[DiffSpan]) -> str:
    return "".join(span.text for span in spans if span.kind is not DiffKind.DELETE)


@given(before=TEXTS, after=TEXTS)
def test_both_texts_can_be_read_back(before: str, after: str) -> None:
    spans = word_diff(before, after)
    assert (old_text(spans), new_text(spans)) == (before, after)
    assert all(span.text for span in spans)
    assert all(one.kind is not other.kind for one, other in pairwise(spans))


def test_a_changed_word_is_one_deletion_and_one_insertion() -> None:
    assert word_diff("It is 30 days.", "It is 45 days.") == [
        DiffSpan(DiffKind.EQUAL, "It is "),
        DiffSpan(DiffKind.DELETE, "30"),
        DiffSpan(DiffKind.INSERT, "45"),
        DiffSpan(DiffKind.EQUAL, " days."),
    ]


def test_equal_and_empty_texts() -> None:
    assert word_diff("", "") == []
    assert word_diff("same {{ x }} [bold]", "same {{ x }} [bold]") == [DiffSpan(DiffKind.EQUAL, "same {{ x }} [bold]")]
    assert word_diff("", "new") == [DiffSpan(DiffKind.INSERT, "new")]
    assert word_diff("old", "") == [DiffSpan(DiffKind.DELETE, "old")]


def test_a_word_changed_in_a_large_text_is_still_found() -> None:
    lines = [f"line {number} of a long text\n" for number in range(8_000)]
    edited = list(lines)
    edited[10], edited[7_000] = "line ten of a long text\n", "line 7000 of a short text\n"
    spans = word_diff("".join(lines), "".join(edited))
    assert [span.text for span in spans if span.kind is DiffKind.INSERT] == ["ten", "short"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("separator", [" ", "\n"])
def test_large_unlike_texts_end(separator: str) -> None:
    draw = random.Random(7)
    before, after = (separator.join(draw.choices("ab", k=100_000)) for _ in range(2))
    spans = word_diff(before, after)
    assert (old_text(spans), new_text(spans)) == (before, after)
