"""A layer with its LoRA in one step computes what peft's own does, gradients too."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from studio.training.low_rank import join_low_rank


class Two(nn.Module):
    """One layer with a bias, one without."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 10), nn.Linear(10, 4, bias=False)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.second(torch.tanh(self.first(given)))
        return found


def pair(dropout: float = 0.0) -> tuple[nn.Module, nn.Module]:
    """Twice the same model with the same adapter; the second one's layers are joined."""
    made = []
    for _ in range(2):
        torch.manual_seed(0)
        config = LoraConfig(r=3, lora_alpha=6, lora_dropout=dropout, target_modules=["first", "second"])
        model = get_peft_model(Two(), config)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(weight)
        made.append(model)
    join_low_rank(made[1])
    return made[0], made[1]


@pytest.mark.parametrize("first_layer", [True, False], ids=["given needs no gradient", "given needs one"])
def test_outputs_and_gradients_are_those_of_peft(first_layer: bool) -> None:
    plain, joined = pair()
    given = torch.randn(2, 5, 6)
    found = []
    for model in (plain, joined):
        own = given.clone().requires_grad_(not first_layer)
        output = model(own)
        torch.autograd.backward(output.square().sum())
        found.append((output, own.grad, {name: weight.grad for name, weight in model.named_parameters()}))
    torch.testing.assert_close(found[1], found[0])
    assert sum(gradient is not None for gradient in found[1][2].values()) == 4


def test_with_the_adapter_off_the_layer_is_the_frozen_one() -> None:
    plain, joined = pair()
    given = torch.randn(3, 6)
    with joined.disable_adapter():  # type: ignore[operator]
        off = joined(given)
    with plain.disable_adapter():  # type: ignore[operator]
        torch.testing.assert_close(off, plain(given))
    assert not torch.allclose(off, joined(given))


def test_layers_with_dropout_are_left_as_they_are() -> None:
    _, joined = pair(dropout=0.5)
    given = torch.randn(3, 6)
    assert not torch.equal(joined(given), joined(given))
