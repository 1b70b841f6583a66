"""What the embedder is trained on, and that its training writes what the embedder merges."""

from __future__ import annotations

import importlib.util
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from safetensors import safe_open

from studio.domain.lessons import Lesson
from studio.lessons.distil import lesson_keys
from studio.lessons.embedder import PACKAGE, find_model
from studio.lessons.minilm_lora import merge_lora
from studio.training.lesson_finding import Memories
from studio.training.train_embedder import average, main


def test_memories_are_the_same_for_a_seed_and_no_two_alike() -> None:
    one, same, other = Memories(1), Memories(1), Memories(2)
    first = [one.next() for _ in range(3)]
    assert first == [same.next() for _ in range(3)]
    assert len({memory.questions for memory in (*first, other.next())}) == 4


def test_a_lesson_has_the_keys_it_will_be_stored_under() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for question, both in Memories(1).next().lessons:
        answer = both.removeprefix(question).strip()
        assert answer
        assert (question, both) == lesson_keys(Lesson("id", question, "", answer, question, answer, ("c",), now, now))


def test_every_question_has_one_owner_and_about_half_have_none() -> None:
    memories = Memories(3)
    for _ in range(10):
        memory = memories.next()
        owners = Counter(memory.owners)
        assert len(memory.questions) == len(memory.owners)
        assert max(owners) == len(memory.lessons)
        assert 0.3 < owners[len(memory.lessons)] / len(memory.owners) < 0.6
        by_text: dict[str, set[int]] = {}
        for text, owner in zip(memory.questions, memory.owners, strict=True):
            assert "{" not in text
            by_text.setdefault(text, set()).add(owner)
        assert all(len(each) == 1 for each in by_text.values())


def floats(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    return numbers.astype(np.float32)


def test_averaged_updates_are_their_sum() -> None:
    rng = np.random.default_rng(0)
    one, two = ({"m.a": floats(rng.normal(size=(2, 4))), "m.b": floats(rng.normal(size=(3, 2)))} for _ in range(2))
    both = average([one, two, {"n.a": floats(np.ones((2, 4))), "n.b": floats(np.ones((3, 2)))}])
    np.testing.assert_allclose(both["m.b"] @ both["m.a"], one["m.b"] @ one["m.a"] + two["m.b"] @ two["m.a"], rtol=1e-5)
    assert both["n.a"].shape == (2, 4)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason="needs the sentence embedder")
def test_a_short_training_writes_a_file_that_is_merged(tmp_path: Path) -> None:
    from transformers import AutoModel

    file = tmp_path / "short.safetensors"
    result = CliRunner().invoke(main, ["--out", str(file), "--name", "short", "--steps", "1"])
    assert result.exit_code == 0, result.output
    with safe_open(file, framework="numpy") as opened:
        assert opened.metadata()["name"] == "short"
    model = AutoModel.from_pretrained(find_model())
    before = {name: weights.detach().numpy().copy() for name, weights in model.named_parameters()}
    merge_lora(model, find_model(), file)
    changed = {name for name, weights in model.named_parameters() if (weights.detach().numpy() != before[name]).any()}
    assert "encoder.layer.0.attention.self.value.weight" in changed
    assert "encoder.layer.5.output.dense.weight" in changed
    assert "encoder.layer.0.output.dense.weight" not in changed
