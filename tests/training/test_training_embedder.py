"""What the embedder is trained on, and that its training writes what the embedder merges."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open

from studio.domain.lessons import Lesson
from studio.domain.nights import ProbeKind
from studio.evaluation.scenario import CorrectionKind
from studio.evaluation.scenario_file import load_scenario
from studio.lessons.distil import lesson_keys
from studio.lessons.embedder import PACKAGE, find_model
from studio.lessons.minilm import MiniLm, mapped_weights
from studio.lessons.minilm_lora import WEIGHTS, merge_lora
from studio.training.examples import replay_prompts
from studio.training.lesson_finding import Memories, harder_near_by, kept_back, worlds
from studio.training.train_embedder import _Encoder, main
from studio.training.wordings import content_words

DATA = Path(__file__).parents[2] / "benchmarks" / "data"


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


def test_every_question_has_one_owner_and_a_quarter_to_half_have_none() -> None:
    memories = Memories(3)
    for _ in range(10):
        memory = memories.next()
        owners = Counter(memory.owners)
        assert len(memory.questions) == len(memory.owners)
        assert max(owners) == len(memory.lessons)
        assert 0.2 < owners[len(memory.lessons)] / len(memory.owners) < 0.6
        by_text: dict[str, set[int]] = {}
        for text, owner in zip(memory.questions, memory.owners, strict=True):
            assert "{" not in text
            by_text.setdefault(text, set()).add(owner)
        assert all(len(each) == 1 for each in by_text.values())


def test_one_in_seven_replay_prompts_is_left_for_choosing_thresholds() -> None:
    """But for the few that the reader's families ask as well."""
    memories = Memories(4)
    asked = {text for _ in range(60) for text in memories.next().questions}
    left = {prompt for place, prompt in enumerate(replay_prompts()) if kept_back(place)}
    assert len(left) == len(replay_prompts()) // 7
    assert len(left & asked) < 0.05 * len(left)
    assert len(asked & set(replay_prompts())) > 0.5 * len(replay_prompts())


def test_nothing_that_is_measured_on_is_learnt_from() -> None:
    """No question of a scenario is one of a world; none that a fact answers is asked in training at all.

    Rules hold for commonplace questions ('How do I make a cup of tea?'), which training asks as fitting no lesson.
    """
    of_worlds = {text for world in worlds() for fact in world["facts"] for text in texts(fact)}
    of_worlds |= {text for near in harder_near_by().values() for text in near}
    memories = Memories(5)
    read = {text for _ in range(60) for text in memories.next().questions}
    harder = (DATA.parent / "near_by.jsonl").read_text(encoding="utf-8").splitlines()
    assert not {json.loads(line)["asked"] for line in harder} & of_worlds
    for folder in sorted(DATA.iterdir()):
        scenario = load_scenario(folder)
        facts = {one.id for one in scenario.corrections if one.kind is CorrectionKind.FACT}
        probes = [probe.probe for day in scenario.days for probe in scenario.probes(day)]
        fitting = {
            probe.prompt for probe in probes if probe.kind is not ProbeKind.LOCALITY and probe.correction_id in facts
        }
        assert not {one.taught.prompt for one in scenario.corrections} & of_worlds
        assert not {one.taught.prompt for one in scenario.corrections if one.id in facts} & read
        assert not fitting & read
        assert not {probe.prompt for probe in (*probes, *scenario.general)} & of_worlds


def test_a_world_lies_near_together_and_its_rewordings_share_few_words() -> None:
    """Half of the memories and more hold two whole worlds; of a world's rewordings most share at most one word."""
    harder = harder_near_by()
    for world in worlds():
        facts = world["facts"]
        assert len(facts) >= 9
        shared = [
            len({*map(str.casefold, content_words(hard))} & {*map(str.casefold, content_words(fact["ask"][0]))})
            for fact in facts
            for hard in fact["hard"]
        ]
        assert sum(count <= 1 for count in shared) > 0.75 * len(shared)
        for fact in facts:
            counts = {part: len(said) for part, said in fact.items()}
            assert counts == {"ask": 2, "answer": 2, "hard": 5, "onehop": 2, "transfer": 1, "near": 3}
            assert all(text.strip() == text and text for text in texts(fact))
            near = [*fact["near"], *harder[fact["ask"][0]]]
            assert len({*near} - {*fact["ask"], *fact["hard"]}) == len(near) == 6


def texts(fact: Mapping[str, Sequence[str | Mapping[str, str]]]) -> list[str]:
    """All that is written about a fact of a world."""
    parts = [one for part in fact.values() for one in part]
    return [text for one in parts for text in ([one] if isinstance(one, str) else [one["q"], one["a"]])]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason="needs the sentence embedder")
def test_a_short_training_writes_a_file_that_is_merged_and_read_as_torch_would(tmp_path: Path) -> None:
    file = tmp_path / "short.safetensors"
    result = CliRunner().invoke(main, ["--out", str(file), "--name", "short", "--steps", "1"])
    assert result.exit_code == 0, result.output
    with safe_open(file, framework="numpy") as opened:
        assert opened.metadata()["name"] == "short"
    weights = mapped_weights(find_model() / WEIGHTS)
    before = dict(weights)
    merge_lora(weights, find_model(), file)
    changed = {name for name, one in weights.items() if one is not before[name] and (one != before[name]).any()}
    assert "encoder.layer.2.attention.self.value.weight" in changed
    assert "encoder.layer.5.output.dense.weight" in changed
    assert not any(name.startswith("encoder.layer.1.") for name in changed)
    torch_says = _Encoder(find_model())
    torch_says.model.load_state_dict({name: torch.tensor(one) for name, one in weights.items()}, strict=False)
    texts = ["a cat", "", "Wann schließt das Büro? Ça va, 日本 😀", "word " * 400, "Which colour has the door?"]
    with torch.no_grad():
        expected = torch_says.encode(texts).numpy()
    np.testing.assert_allclose(MiniLm(find_model(), file).embed(texts), expected, atol=2e-6)
