"""Several processes train one adapter: the one that a single process would have trained."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest
import torch
from transformers.convert_slow_tokenizer import bytes_to_unicode

from studio.domain.nights import NightState, TrainingExample
from studio.training import night_process
from studio.training.checkpoint import read_standing, read_weights
from studio.training.examples import chat, replay_example
from studio.training.job import NightFolder, NightJob, TrainingConfig
from studio.training.launcher import train
from studio.training.model import Place
from studio.training.team import dealt

SYSTEM = "You are a helpful assistant."
CONFIG = TrainingConfig(
    rank=4, alpha=8.0, learning_rate=5e-3, epochs=3, batch_size=6, replay_share=0.34, checkpoint_seconds=0.0
)
LAYERS, WIDTH, HEADS, INNER = 4, 32, 4, 64


def test_each_example_is_one_processs_and_the_work_is_even() -> None:
    steps = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [6, 0]]
    owners = dealt({0: 9, 1: 9, 2: 5, 3: 5, 4: 1, 5: 1, 6: 3, 7: 4}, steps, 2)
    assert sorted(owners) == list(range(8))
    assert sum({0: 9, 1: 9, 2: 5, 3: 5, 4: 1, 5: 1}[index] for index in range(6) if owners[index] == 0) == 15
    assert owners[6] != owners[0]
    assert dealt({0: 1, 1: 1}, [[0]], 1) == {0: 0, 1: 0}


def tiny_model(path: Path) -> Path:
    """A chat model of random weights whose vocabulary is bytes."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS // 2)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = ["<|im_start|>", "<|im_end|>", *bytes_to_unicode().values(), "he"]
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.NORMAL] * (len(tokens) - 2))
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_chat_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    draw = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        values = np.ones(shape) if "norm" in name else draw.normal(0, shape[-1] ** -0.5, shape)
        writer.add_tensor(name, values.astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    add("output_norm.weight", WIDTH)
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{layer}.{name}.weight", WIDTH)
        for name, rows in (("attn_q", WIDTH), ("attn_k", WIDTH // 2), ("attn_v", WIDTH // 2), ("attn_output", WIDTH)):
            add(f"blk.{layer}.{name}.weight", rows, WIDTH)
        for name, rows, columns in (("ffn_gate", INNER, WIDTH), ("ffn_up", INNER, WIDTH), ("ffn_down", WIDTH, INNER)):
            add(f"blk.{layer}.{name}.weight", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def a_night(path: Path, model: Path, config: TrainingConfig = CONFIG) -> NightFolder:
    asked = [f"How many days has {month}?" for month in ("May", "June", "July, in the calendar of the dome", "August")]
    learnt = [TrainingExample(chat(SYSTEM, prompt), f"{30 + n} days.", "c1") for n, prompt in enumerate(asked)]
    kept = [
        replay_example(chat(SYSTEM, f"What is a {word}?"), f"A {word} is a thing.") for word in ("ferry", "bank", "sea")
    ]
    folder = NightFolder(path)
    folder.write_job(NightJob("n1", model, "ab" * 32, (*learnt, *kept), ("c1",), config))
    return folder


def training() -> list[int]:
    """The processes that this one started for a night, and those that they started."""
    below = psutil.Process().children(recursive=True)
    return [child.pid for child in below if "studio.training.night_process" in child.cmdline()]


@pytest.mark.slow
async def test_two_processes_train_the_adapter_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In one precision, whatever this machine finds faster while it is busy.
    monkeypatch.setattr("studio.training.night_process.choose_place", lambda *_: Place("cpu", "float32"))
    model = tiny_model(tmp_path / "tiny.gguf")
    one, two = a_night(tmp_path / "one", model), a_night(tmp_path / "two", model)
    assert night_process.main([str(one.path)]) == 0
    states, most = [], 0
    async for progress in train(two, tmp_path / "interactive.lock", processes=2):
        states.append(progress.state)
        most = max(most, len(training()))
    assert states[-1] is NightState.EVALUATING, two.log_file.read_text()
    assert most >= 3  # the launcher, and two that train
    alone, together = read_standing(one.checkpoint), read_standing(two.checkpoint)
    assert alone is not None
    assert together is not None
    assert alone.dtype == together.dtype
    assert together.losses == pytest.approx(alone.losses, rel=1e-4)
    expected, found = read_weights(one.checkpoint), read_weights(two.checkpoint)
    assert expected.keys() == found.keys()
    for name, weight in expected.items():
        assert torch.allclose(weight, found[name], rtol=1e-3, atol=1e-5), name
    assert two.read_manifest() is not None
    assert two.adapter_file.is_file()
    assert not training()
