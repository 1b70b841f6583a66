"""Fills a model with the weights of its GGUF: unpacked, or left packed and unpacked a few rows at a time when used.

Packed, a matrix takes what it takes in the file, whose pages it shares with whoever else has the file open. It is
unpacked for the product and again for the gradient, which takes time; the results are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from studio.training.base_file import BaseFile, Packed


def fill(model: Any, base: BaseFile, dtype: torch.dtype, *, packed: bool) -> None:
    """Give every parameter of a model built without weights its own. Raises TrainingError where the file lacks one."""
    config, output = model.config, model.get_output_embeddings()
    heads = (config.num_attention_heads, config.num_key_value_heads)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear | nn.Embedding):
            tied = module is output and config.tie_word_embeddings
            matrix = base.matrix("model.embed_tokens" if tied else name, heads)
            bias = base.values(f"{name}.bias", heads) if getattr(module, "bias", None) is not None else None
            if packed:
                model.set_submodule(name, _packed(module, matrix, bias, dtype))
            elif not tied:
                module.weight = _frozen(_unpacked(matrix, dtype))
                base.forget()
                if bias is not None:
                    module.bias = _frozen(bias.to(dtype))
        else:
            for key, _ in list(module.named_parameters(recurse=False)):
                setattr(module, key, _frozen(base.values(f"{name}.{key}", heads).to(dtype)))
    if not packed:
        model.tie_weights()


def forget_between(layers: Iterable[Any]) -> None:
    """Have the wide middle of every layer computed anew for the gradient, instead of being kept until then."""
    for layer in layers:
        layer.mlp.forward = partial(checkpoint, layer.mlp.forward, use_reentrant=False)


def _frozen(values: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)


def _unpacked(matrix: Packed, dtype: torch.dtype) -> torch.Tensor:
    whole = torch.empty(len(matrix.rows), matrix.columns, dtype=dtype, device=matrix.rows.device)
    for part, values in matrix.chunks(dtype):
        whole[part] = values
    return whole


def _packed(module: nn.Module, matrix: Packed, bias: torch.Tensor | None, dtype: torch.dtype) -> nn.Module:
    if isinstance(module, nn.Linear):
        return PackedLinear(matrix, None if bias is None else bias.to(dtype), dtype)
    return PackedEmbedding(matrix, dtype, getattr(module, "embed_scale", None))


class _Matrix(nn.Module):
    """Keeps the packed rows as a buffer, so that they move with the model."""

    rows: torch.Tensor

    def _keep(self, matrix: Packed, dtype: torch.dtype) -> None:
        self.register_buffer("rows", matrix.rows, persistent=False)
        self._kind, self._columns, self._dtype, self._forget = matrix.kind, matrix.columns, dtype, matrix.forget

    @property
    def matrix(self) -> Packed:
        return Packed(self.rows, self._kind, self._columns)


class PackedLinear(_Matrix, nn.Linear):
    """A frozen linear layer, which peft takes for one of torch's."""

    def __init__(self, matrix: Packed, bias: torch.Tensor | None, dtype: torch.dtype) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = matrix.columns, len(matrix.rows)
        self._keep(matrix, dtype)
        self.register_parameter("bias", None if bias is None else _frozen(bias))

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]
        """For peft, which asks often for its shape, precision and place. Takes no memory, and its numbers are none."""
        stand_in = torch.full((), torch.nan, dtype=self._dtype, device=self.rows.device)
        return stand_in.expand(self.out_features, self.in_features)

    def release(self) -> None:
        """Give the memory back: the layer is not used again."""
        self.rows = self.rows.new_empty(0)
        if self._forget is not None:
            self._forget()

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - as torch calls it
        product: torch.Tensor = _Product.apply(input, self.matrix)  # type: ignore[no-untyped-call]
        return product if self.bias is None else product + self.bias


class PackedEmbedding(_Matrix):
    """Looks rows up and unpacks those alone; Gemma scales what it finds."""

    scale: torch.Tensor | None

    def __init__(self, matrix: Packed, dtype: torch.dtype, scale: torch.Tensor | None) -> None:
        super().__init__()
        self._keep(matrix, dtype)
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        found = self.matrix.unpack(self.rows[ids.flatten()], self._dtype).view(*ids.shape, -1)
        return found if self.scale is None else found * self.scale.to(found.dtype)


class _Product(torch.autograd.Function):
    """input @ weight.T, of which only the gradient for the input is wanted: the weight is frozen."""

    @staticmethod
    def forward(ctx: Any, given: torch.Tensor, matrix: Packed) -> torch.Tensor:
        ctx.matrix = matrix
        product = given.new_empty(*given.shape[:-1], len(matrix.rows))
        for part, weight in matrix.chunks(given.dtype):
            product[..., part] = given @ weight.T
        return product

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        matrix: Packed = ctx.matrix
        found = gradient.new_zeros(*gradient.shape[:-1], matrix.columns)
        for part, weight in matrix.chunks(gradient.dtype):
            found += gradient[..., part] @ weight
        return found, None
