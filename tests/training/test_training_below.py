"""An adapter that begins in the middle of the model: what is kept of the layers below changes nothing but the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from test_training_packing import CPU, EXAMPLES
from transformers import AutoModelForCausalLM, Gemma2Config, LlamaConfig, PretrainedConfig, Qwen3Config

from studio.domain.methods import Method
from studio.training import below as under_test
from studio.training.batches import Encoded
from studio.training.below import Below
from studio.training.foreign import LoraModel
from studio.training.job import TrainingConfig
from studio.training.model import adapted_layers, attach_lora
from studio.training.packing import build_block, supervised_logits

LAYERS = 4
SHAPE: Mapping[str, Any] = {
    "vocab_size": 80,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
HALF = TrainingConfig(rank=4, alpha=8.0, share_below=0.5)
STRANGER = Encoded(9, (30, 31, 32), (33, 2), replay=False)


def adapted(config: PretrainedConfig | None = None, method: Method = Method.LORA) -> LoraModel:
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_config(config or LlamaConfig(**SHAPE), attn_implementation="eager")
    model = attach_lora(cast("LoraModel", base), replace(HALF, method=method))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:  # zero as drawn, and then nothing would flow to A
                weight.normal_(std=0.1)
    return model


def below(model: LoraModel) -> Below:
    return Below(model, adapted_layers(model, HALF)[0])


def gradients(model: LoraModel, logits: torch.Tensor) -> dict[str, torch.Tensor]:
    torch.autograd.backward(logits.log_softmax(-1)[:, 5].sum())
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    for weight in model.parameters():
        weight.grad = None
    return found


@pytest.mark.parametrize(
    ("method", "layers", "parts"),
    [
        (Method.LORA, {"2", "3"}, {"lora_A", "lora_B"}),
        (Method.RSLORA, {"2", "3"}, {"lora_A", "lora_B"}),
        (Method.MICA, {"2", "3"}, {"lora_A"}),
        (Method.LAYRA, {"0", "3"}, {"lora_A", "lora_B"}),
    ],
)
def test_each_method_trains_its_own_layers_and_parts(method: Method, layers: set[str], parts: set[str]) -> None:
    model = adapted(method=method)
    trained = [name.split(".") for name, weight in model.named_parameters() if weight.requires_grad]
    assert {name[name.index("layers") + 1] for name in trained} == layers
    assert {part for name in trained for part in name if part.startswith("lora_")} == parts


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "computed anew"])
@pytest.mark.parametrize(
    "examples", [EXAMPLES, [*EXAMPLES, STRANGER]], ids=["after a prefix", "without a common beginning"]
)
def test_logits_and_gradients_are_those_of_the_whole_model(examples: list[Encoded], kept: bool) -> None:
    model = adapted()
    block = build_block(examples, CPU)
    whole = supervised_logits(model, block)
    wanted = gradients(model, whole)
    lower = below(model)
    if kept:
        lower.keep([build_block(examples[:2], CPU), build_block(examples[2:], CPU)])
    cut = lower.logits(block)
    torch.testing.assert_close(cut, whole, rtol=1e-4, atol=1e-5)
    found = gradients(model, cut)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5)


def test_the_model_is_whole_again_afterwards() -> None:
    model = adapted()
    block = build_block(EXAMPLES, CPU)
    before = supervised_logits(model, block)
    below(model).logits(block)
    torch.testing.assert_close(supervised_logits(model, block), before)
    assert len({name for name, _ in model.named_parameters() if ".layers.0." in name}) > 0


def test_what_is_kept_needs_the_layers_no_more() -> None:
    model = adapted()
    block = build_block(EXAMPLES, CPU)
    whole = supervised_logits(model, block)
    lower = below(model)
    lower.keep([block])
    lower.release()
    assert not any(weight.numel() for name, weight in model.named_parameters() if ".layers.0." in name)
    torch.testing.assert_close(lower.logits(block), whole, rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_computed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    model = adapted()
    block = build_block(EXAMPLES, CPU)
    monkeypatch.setattr(under_test, "KEPT_BYTES", 10 * 32 * 4)  # one example of eight tokens, not two
    lower = below(model)
    lower.keep([block])
    lower.release()
    torch.testing.assert_close(lower.logits(block), supervised_logits(model, block), rtol=1e-4, atol=1e-5)


def test_an_example_of_other_tokens_is_not_taken_for_the_kept_one() -> None:
    model = adapted()
    lower = below(model)
    lower.keep([build_block(EXAMPLES, CPU)])
    other = build_block([replace(EXAMPLES[0], prompt=(5, 6, 7, 70, 71))], CPU)
    torch.testing.assert_close(lower.logits(other), supervised_logits(model, other), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [LlamaConfig(**SHAPE), Qwen3Config(**SHAPE), Gemma2Config(**SHAPE, sliding_window=4)],
    ids=["llama", "qwen3", "gemma2"],
)
def test_architectures_that_can_be_cut(config: PretrainedConfig) -> None:
    model = adapted(config)
    block = build_block(EXAMPLES, CPU)
    assert below(model).is_faithful(block)


def test_a_model_that_treats_what_it_is_handed_is_found_out() -> None:
    """Some scale their embeddings on the way in: cut, such a model would scale what its middle hands up."""
    model = adapted()

    def scaled(_: object, arguments: Any, named: dict[str, Any]) -> Any:
        given = named.get("inputs_embeds")
        return (arguments, named | {"inputs_embeds": None if given is None else 2 * given})

    model.get_base_model().get_decoder().register_forward_pre_hook(scaled, with_kwargs=True)
    assert not below(model).is_faithful(build_block(EXAMPLES, CPU))
