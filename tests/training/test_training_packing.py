"""Examples in one block compute what the plain model does of each; the losses are what they claim. On tiny models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Phi3Config,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from studio.training.batches import Encoded
from studio.training.foreign import LoraModel
from studio.training.objective import block_loss, frozen_distributions
from studio.training.packing import Block, build_block, supervised_logits

CPU = torch.device("cpu")


def tiny_model() -> LoraModel:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=80,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return cast("LoraModel", LlamaForCausalLM(config).eval())


EXAMPLES = [
    Encoded(0, (5, 6, 7, 8, 9), (10, 11, 2), replay=False),
    Encoded(1, (5, 6, 7, 20), (21, 22, 23, 2), replay=True),
    Encoded(2, (5, 6, 7, 8, 9), (40, 2), replay=False),
]


def test_examples_in_a_block_see_the_shared_prefix_and_themselves_only() -> None:
    model = tiny_model()
    block = build_block(EXAMPLES, CPU)
    assert block.layout.shared == 3
    alone = torch.cat([supervised_logits(model, build_block([example], CPU)) for example in EXAMPLES])
    torch.testing.assert_close(supervised_logits(model, block), alone, rtol=1e-4, atol=1e-5)
    assert block.targets.tolist() == [10, 11, 2, 21, 22, 23, 2, 40, 2]


SHAPE: Mapping[str, Any] = {
    "vocab_size": 80,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
}
SLIDING = {"head_dim": 8, "layer_types": ["sliding_attention", "full_attention"], "sliding_window": 3}


@pytest.mark.parametrize(
    ("config", "attention"),
    [
        (LlamaConfig(**SHAPE), "eager"),
        (LlamaConfig(**SHAPE), "sdpa"),
        (Qwen2Config(**SHAPE), "eager"),
        (Qwen3Config(**SHAPE, **SLIDING, use_sliding_window=True), "sdpa"),
        (Gemma2Config(**SHAPE, **SLIDING), "eager"),
        (Gemma3TextConfig(**SHAPE, **SLIDING), "eager"),
        (Phi3Config(**SHAPE, sliding_window=3), "eager"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.model_type,
)
def test_a_block_has_the_logits_and_gradients_of_the_plain_model(config: PretrainedConfig, attention: str) -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()

    def gradients(logits: torch.Tensor) -> dict[str, torch.Tensor]:
        model.zero_grad()
        torch.autograd.backward(logits.log_softmax(-1)[:, 5].sum())
        return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}

    wanted = torch.cat(
        [model(input_ids=torch.tensor([one.tokens])).logits[0, len(one.prompt) - 1 :] for one in EXAMPLES]
    )
    found = supervised_logits(cast("LoraModel", model), build_block(EXAMPLES, CPU))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    as_wanted = gradients(wanted)
    for name, gradient in gradients(found).items():
        torch.testing.assert_close(gradient, as_wanted[name], rtol=1e-3, atol=1e-5)
    assert model.config._attn_implementation == attention


def test_gradients_of_a_block_are_those_of_its_examples() -> None:
    def gradient(blocks: list[Block]) -> torch.Tensor:
        model = tiny_model()
        for block in blocks:
            torch.autograd.backward(supervised_logits(model, block).log_softmax(-1)[:, 5].sum())
        found = dict(model.named_parameters())["model.layers.0.self_attn.k_proj.weight"].grad
        assert found is not None
        return found

    together = gradient([build_block(EXAMPLES, CPU)])
    torch.testing.assert_close(together, gradient([build_block([one], CPU) for one in EXAMPLES]), rtol=1e-3, atol=1e-5)


def test_a_block_without_a_common_beginning_needs_no_prefix() -> None:
    model = tiny_model()
    strangers = [Encoded(0, (5, 6), (7, 2), replay=False), Encoded(1, (8, 9, 10), (11, 2), replay=False)]
    block = build_block(strangers, CPU)
    assert block.layout.shared == 0
    alone = torch.cat([supervised_logits(model, build_block([example], CPU)) for example in strangers])
    torch.testing.assert_close(supervised_logits(model, block), alone, rtol=1e-4, atol=1e-5)


def test_the_loss_is_cross_entropy_on_completions_and_no_divergence_from_oneself() -> None:
    model = tiny_model()
    block = build_block(EXAMPLES, CPU)
    own = supervised_logits(model, block).detach()
    sums = block_loss(block, own, frozen_distributions([(block, own)]))
    learnt = ~block.replayed
    expected = torch.nn.functional.cross_entropy(own[learnt], block.targets[learnt], reduction="sum")
    torch.testing.assert_close(sums.cross_entropy, expected)
    assert (sums.learnt, sums.kept) == (5, 4)
    assert abs(float(sums.divergence)) < 1e-4


def test_moving_away_from_the_frozen_model_costs() -> None:
    model = tiny_model()
    block = build_block(EXAMPLES, CPU)
    own = supervised_logits(model, block).detach()
    other = own + torch.randn_like(own)
    full = torch.nn.functional.kl_div(
        other.log_softmax(-1)[block.replayed], own.log_softmax(-1)[block.replayed], log_target=True, reduction="sum"
    )
    divergence = float(block_loss(block, other, frozen_distributions([(block, own)])).divergence)
    assert 0 < divergence <= float(full) + 1e-4


def test_the_gradients_of_the_losses_are_those_that_torch_finds() -> None:
    model = tiny_model()
    block = build_block(EXAMPLES, CPU)
    frozen = frozen_distributions([(block, supervised_logits(model, block).detach())])
    logits = 3 * torch.randn(len(block.targets), 80)
    ours, plain = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    sums = block_loss(block, ours, frozen)
    torch.autograd.backward(sums.cross_entropy + 2 * sums.divergence)
    log_probabilities = plain.log_softmax(-1)
    reference = frozen.log_probabilities[1]
    current = log_probabilities[block.replayed].gather(1, frozen.tokens[1])
    rest, now = (torch.log1p(-known.exp().sum(-1).clamp(max=1 - 1e-6)) for known in (reference, current))
    divergence = (reference.exp() * (reference - current)).sum() + (rest.exp() * (rest - now)).sum()
    entropy = -log_probabilities[~block.replayed].gather(1, block.targets[~block.replayed, None]).sum()
    torch.autograd.backward(entropy + 2 * divergence)
    assert ours.grad is not None
    assert plain.grad is not None
    torch.testing.assert_close(ours.grad, plain.grad, rtol=1e-4, atol=1e-6)
