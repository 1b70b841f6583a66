"""The command that trains a reader: what it freezes, how it resumes, what it refuses."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import cast

import pytest
import torch
from click.testing import CliRunner
from transformers import LlamaConfig, LlamaForCausalLM

from studio.domain.generation import ChatMessage, Role
from studio.domain.nights import TrainingExample
from studio.training import train_reader
from studio.training.batches import Encoded
from studio.training.foreign import LoraModel
from studio.training.job import NightFolder, NightJob
from studio.training.objective import block_loss, frozen_distributions
from studio.training.packing import build_block, supervised_logits
from studio.training.train_reader import BUNDLED_PACKAGE, config_for, episodes_of, examples_of, main


def test_replay_has_the_share_that_it_has_among_the_episodes() -> None:
    training, held_out = episodes_of(400, 0)
    assert len(training) == 400
    assert not {one.family for one in training} & {one.family for one in held_out} - {"general"}
    examples = examples_of(training, {one.question: "As before." for one in training})
    config = config_for(examples, minutes=5, seed=3)
    assert config.replay_share == sum(example.replay for example in examples) / 400
    assert (config.epochs, config.stop_loss, config.seed) == (1, 0.0, 3)


def test_an_episode_that_the_frozen_model_is_silent_on_is_left_out() -> None:
    training, _ = episodes_of(100, 0)
    examples = examples_of(training, {})
    assert len(examples) == sum(one.answer is not None for one in training)


def test_what_the_frozen_model_is_asked_survives_the_snapshot(tmp_path: Path) -> None:
    learnt = TrainingExample((ChatMessage(Role.USER, "Who?"),), "Ada.", "right/x")
    asked, alone = (ChatMessage(Role.USER, "Who? Lesson"),), (ChatMessage(Role.USER, "Who?"),)
    kept = TrainingExample(asked, "Nobody.", "near miss/x", replay=True, frozen_messages=alone)
    folder = NightFolder(tmp_path)
    folder.write_job(NightJob("reader", Path("model.gguf"), "", (learnt, kept), ()))
    assert folder.read_job().examples == (learnt, kept)


def test_a_folder_is_not_gone_on_with_under_other_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"")
    (tmp_path / "out").mkdir()
    options = {"model": str(model), "minutes": 240.0, "episodes": 500, "seed": 0}
    (tmp_path / "out" / "options.json").write_text(json.dumps(options))
    monkeypatch.setattr(train_reader, "prepare", lambda *_, **__: pytest.fail("must not begin"))
    result = CliRunner().invoke(main, ["--out", str(tmp_path / "out"), "--model", str(model), "--episodes", "600"])
    assert result.exit_code == 1
    assert "other options" in result.output
    assert json.loads((tmp_path / "out" / "options.json").read_text()) == options


def test_an_unfitting_lesson_is_held_to_what_the_frozen_model_says_without_it() -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = cast("LoraModel", LlamaForCausalLM(LlamaConfig(vocab_size=80, **sizes)).eval())
    place = torch.device("cpu")
    example = Encoded(0, (5, 6, 30, 31, 32), (10, 11, 2), replay=True, frozen_prompt=(5, 6, 7))
    alone, asked = build_block([example.as_frozen()], place), build_block([example], place)
    with torch.no_grad():
        frozen = frozen_distributions([(alone, supervised_logits(model, alone))])
        assert float(block_loss(asked, supervised_logits(model, asked), frozen).divergence) > 1e-3
        as_before = block_loss(asked, supervised_logits(model, alone), frozen)
    assert abs(float(as_before.divergence)) < 1e-4


def test_a_place_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(main, ["--out", str(tmp_path / "file" / "out"), "--episodes", "16"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec(BUNDLED_PACKAGE) is None, reason="needs the bundled model")
def test_a_short_training_leaves_an_adapter_and_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_reader, "HELD_OUT_EPISODES", 6)
    result = CliRunner().invoke(main, ["--out", str(tmp_path), "--episodes", "16", "--minutes", "5"])
    assert result.exit_code == 0, result.output
    manifest = NightFolder(tmp_path).read_manifest()
    assert manifest is not None
    assert manifest.rank == 8
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    assert recipe["model_sha256"] == manifest.model_sha256
    assert recipe["held_out"]["right"]["after"] < recipe["held_out"]["right"]["before"]
