"""Examples in one block compute what each would alone; the losses are what they claim. On a tiny random model."""

from __future__ import annotations

from typing import cast

import torch
from transformers import LlamaConfig, LlamaForCausalLM

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
    assert block.prefix.shape == (1, 3)
    alone = torch.cat([supervised_logits(model, build_block([example], CPU)) for example in EXAMPLES])
    torch.testing.assert_close(supervised_logits(model, block), alone, rtol=1e-4, atol=1e-5)
    assert block.targets.tolist() == [10, 11, 2, 21, 22, 23, 2, 40, 2]


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
    assert block.prefix.numel() == 0
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
