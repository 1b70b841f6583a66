"""A frozen linear layer with its LoRA, as one step of the gradient's way.

peft computes x W + s (x A) B in five steps, each of which writes and keeps a matrix as wide as the layer. Here the
second product is added into the first one's result, and its gradient into the first one's gradient; of what lies in
between only x A is kept, which is as narrow as the rank.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import nn


def join_low_rank(model: nn.Module) -> None:
    """Have the plain LoRA layers of a peft model compute so: without dropout, and over weights that are unpacked."""
    for layer in model.modules():
        if isinstance(layer, Linear) and type(layer.base_layer) is nn.Linear and not layer.lora_variant:
            (name,) = layer.lora_A
            if isinstance(layer.lora_dropout[name], nn.Identity):
                layer.forward = partial(_forward, layer, name)


def _forward(layer: Any, name: str, given: torch.Tensor) -> torch.Tensor:
    base = layer.base_layer
    if layer.disable_adapters:
        product: torch.Tensor = base(given)
        return product
    joined: torch.Tensor = _Joined.apply(  # type: ignore[no-untyped-call]
        given, base.weight, base.bias, layer.lora_A[name].weight, layer.lora_B[name].weight, layer.scaling[name]
    )
    return joined


class _Joined(torch.autograd.Function):
    """given @ weight.T + bias + scale * (given @ down.T) @ up.T, of which weight and bias are frozen."""

    @staticmethod
    def forward(  # noqa: PLR0917  as torch calls it
        ctx: Any,
        given: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        rows = given.flatten(0, -2)
        narrow = (rows @ down.T).mul_(scale)
        product = torch.nn.functional.linear(rows, weight, bias).addmm_(narrow, up.T)
        ctx.save_for_backward(rows, weight, down, up, narrow)
        ctx.scale, ctx.shape = scale, given.shape
        return product.view(*given.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight, down, up, narrow = ctx.saved_tensors
        wants_given, _, _, wants_down, wants_up, _ = ctx.needs_input_grad
        gradient = gradient.flatten(0, -2)
        to_narrow = (gradient @ up).mul_(ctx.scale)
        to_given = (gradient @ weight).addmm_(to_narrow, down).view(ctx.shape) if wants_given else None
        to_down = to_narrow.T @ rows if wants_down else None
        to_up = (narrow.T @ gradient).T if wants_up else None
        return to_given, None, None, to_down, to_up, None
