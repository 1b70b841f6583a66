"""Splits: what belongs together is never divided, the seed draws, and sizes are as asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from exchange_values import corrected, correction, export, open_log, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.domain.exports import CorrectionRow
from studio.domain.lessons import Lesson
from studio.errors import UsageError
from studio.exchange.splits import Shares, draw_splits, group_alike

WORDINGS = [
    ("When does the island ferry leave?", "At what time will the ferry to the island leave?"),
    ("Who repairs bicycles near the station?", "Is there someone who repairs a bicycle at the station?"),
    ("What does the harbour museum cost?", "How much does the museum at the harbour cost?"),
]


def row(at: int, prompt: str, conversation: str = "") -> CorrectionRow:
    talk = conversation or f"c{at}"
    return CorrectionRow(f"id{at}", talk, prompt, "", "", "[]", "", [], None, "chat", None, None, "", False)


@pytest.mark.parametrize("seed", range(5))
def test_a_question_in_other_words_never_straddles(seed: int) -> None:
    others = [f"Question{word} about thing{word}?" for word in range(20)]
    prompts = [wording for pair in WORDINGS for wording in pair] + others
    alike = group_alike([[row(at, prompt) for at, prompt in enumerate(prompts)]], {})
    splits = draw_splits(alike, Shares(0.4, 0.2, seed))
    for first in range(0, 2 * len(WORDINGS), 2):
        assert splits.of[first] == splits.of[first + 1]
    assert splits.groups == len(prompts) - len(WORDINGS)
    sizes = [int((splits.of == number).sum()) for number in range(3)]
    assert splits.names == ("train", "validation", "test")
    assert abs(sizes[1] - 0.2 * len(prompts)) <= 1
    assert abs(sizes[2] - 0.4 * len(prompts)) <= 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.text(max_size=12)), min_size=2, max_size=40), st.integers(0, 3))
def test_conversations_and_equal_questions_stay_together(rows: list[tuple[int, str]], seed: int) -> None:
    made = [row(at, prompt, f"c{talk}") for at, (talk, prompt) in enumerate(rows)]
    try:
        splits = draw_splits(group_alike([made[:7], made[7:]], {}), Shares(test=0.5, seed=seed))
    except UsageError:
        return  # all is one group
    for key in ("conversation", "prompt"):
        by_key: dict[str, set[int]] = {}
        for at, one in enumerate(made):
            by_key.setdefault(getattr(one, key), set()).add(int(splits.of[at]))
        assert all(len(found) == 1 for found in by_key.values())


def test_what_only_the_vectors_tell_is_kept_together_too(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    pairs = [(f"Alpha{n} beta{n}?", f"Gamma{n} delta{n}?") for n in range(4)]
    for n, pair in enumerate(pairs):
        for prompt in pair:
            made = correction(prompt, n)
            log.corrections.add(made)
            lesson = Lesson(made.id, prompt, "", "", prompt, "", (made.id,), made.created_at, made.created_at)
            log.lessons.add(lesson, [(prompt, [float(n == axis) for axis in range(4)])], "minilm")
    result = export(log, tmp_path / "out", "trl-sft", shares=Shares(test=0.5))
    asked = {split["prompt"][-1]["content"] for split in rows_of(tmp_path / "out" / "test.jsonl")}
    assert result.splits == {"train": 4, "test": 4}
    assert all((one in asked) == (other in asked) for one, other in pairs)
    assert "4 groups" in (tmp_path / "out" / "README.md").read_text()


def test_another_seed_draws_otherwise_and_the_same_the_same(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(30):
        corrected(log, f"Topic{number} thing{number}?", number)
    tests = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        export(log, tmp_path / name, "trl-sft", shares=Shares(test=0.2, seed=seed))
        tests.append((tmp_path / name / "test.jsonl").read_bytes())
    assert tests[0] == tests[1] != tests[2]


def test_a_split_that_would_be_empty_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(3):
        log.corrections.add(correction("Where is the harbour?", number))
    with pytest.raises(UsageError, match="test split would be empty"):
        export(log, tmp_path / "out", "trl-sft", shares=Shares(test=0.3))
    with pytest.raises(UsageError, match="leave something to train on"):
        export(log, tmp_path / "out", "trl-sft", shares=Shares(test=0.6, validation=0.5))
    assert not (tmp_path / "out").exists()
