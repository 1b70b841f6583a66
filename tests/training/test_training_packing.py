"""Packed rows compute what separate rows would; the losses are what they claim. On a tiny random model."""

from __future__ import annotations

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from studio.training.batches import Encoded
from studio.training.objective import frozen_distributions, row_loss
from studio.training.packing import Row, build_row

CPU = torch.device("cpu")


def tiny_model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=80,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return LlamaForCausalLM(config).eval()


def logits(model: LlamaForCausalLM, row: Row) -> torch.Tensor:
    output = model(
        input_ids=row.ids, attention_mask=row.mask, position_ids=row.positions, logits_to_keep=row.supervised
    )
    found: torch.Tensor = output.logits[0]
    return found


EXAMPLES = [
    Encoded(0, (5, 6, 7, 8, 9), (10, 11, 2), replay=False),
    Encoded(1, (5, 6, 7, 20), (21, 22, 23, 2), replay=True),
    Encoded(2, (5, 6, 7, 8, 9), (40, 2), replay=False),
]


def test_packed_examples_see_the_shared_prefix_and_themselves_only() -> None:
    model = tiny_model()
    packed = build_row(EXAMPLES, CPU)
    assert packed.ids.shape[1] < sum(len(example.tokens) for example in EXAMPLES)
    alone = torch.cat([logits(model, build_row([example], CPU)) for example in EXAMPLES])
    torch.testing.assert_close(logits(model, packed), alone, rtol=1e-4, atol=1e-5)
    assert packed.targets.tolist() == [10, 11, 2, 21, 22, 23, 2, 40, 2]


def test_the_loss_is_cross_entropy_on_completions_and_no_divergence_from_oneself() -> None:
    model = tiny_model()
    row = build_row(EXAMPLES, CPU)
    own = logits(model, row).detach()
    sums = row_loss(row, own, frozen_distributions([(row, own)]))
    learnt = ~row.replayed
    expected = torch.nn.functional.cross_entropy(own[learnt], row.targets[learnt], reduction="sum")
    torch.testing.assert_close(sums.cross_entropy, expected)
    assert (sums.learnt, sums.kept) == (5, 4)
    assert abs(float(sums.divergence)) < 1e-4


def test_moving_away_from_the_frozen_model_costs() -> None:
    model = tiny_model()
    row = build_row(EXAMPLES, CPU)
    own = logits(model, row).detach()
    other = own + torch.randn_like(own)
    full = torch.nn.functional.kl_div(
        other.log_softmax(-1)[row.replayed], own.log_softmax(-1)[row.replayed], log_target=True, reduction="sum"
    )
    divergence = float(row_loss(row, other, frozen_distributions([(row, own)])).divergence)
    assert 0 < divergence <= float(full) + 1e-4
