"""What is minimised: cross-entropy on what is to be learnt, KL divergence to the frozen model on what is to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from studio.training.packing import Block

TOP_K = 64


@dataclass(frozen=True, slots=True)
class Frozen:
    """The frozen model's next-token distributions on the completions of replayed examples.

    Per example [S, TOP_K]: the most likely tokens and their log-probabilities. All other tokens form one bucket,
    so the divergence taken from these is a lower bound of the full one (data-processing inequality).
    """

    tokens: Mapping[int, torch.Tensor]
    log_probabilities: Mapping[int, torch.Tensor]


def frozen_distributions(blocks: Iterable[tuple[Block, torch.Tensor]]) -> Frozen:
    """Gather the distributions from blocks and the frozen model's logits [S, vocabulary] on them."""
    tokens: dict[int, torch.Tensor] = {}
    log_probabilities: dict[int, torch.Tensor] = {}
    for block, logits in blocks:
        best = functional.log_softmax(logits.float(), dim=-1).topk(min(TOP_K, logits.shape[-1]), dim=-1)
        for index in dict.fromkeys(block.owners.tolist()):
            own = block.owners == index
            tokens[index] = best.indices[own]
            log_probabilities[index] = best.values[own]
    return Frozen(tokens, log_probabilities)


@dataclass(frozen=True, slots=True)
class BlockLoss:
    """Sums over a block's supervised tokens, each with its count."""

    cross_entropy: torch.Tensor
    learnt: int
    divergence: torch.Tensor
    kept: int


def block_loss(block: Block, logits: torch.Tensor, frozen: Frozen) -> BlockLoss:
    """`logits` [S, vocabulary] at the block's supervised places."""
    learnt, kept = (~block.replayed).nonzero()[:, 0], block.replayed.nonzero()[:, 0]
    rows, tokens = learnt, block.targets[learnt]
    pairs = list(zip(block.owners[kept].tolist(), block.offsets[kept].tolist(), strict=True))
    if pairs:
        likeliest = torch.stack([frozen.tokens[owner][offset] for owner, offset in pairs])
        rows = torch.cat([rows, kept.repeat_interleave(likeliest.shape[1])])
        tokens = torch.cat([tokens, likeliest.flatten()])
    log_probabilities: torch.Tensor = _LogProbabilities.apply(logits.float(), rows, tokens)  # type: ignore[no-untyped-call]
    divergence = logits.new_zeros(())
    if pairs:
        reference = torch.stack([frozen.log_probabilities[owner][offset] for owner, offset in pairs])
        divergence = _divergence(reference, log_probabilities[len(learnt) :].view_as(reference))
    return BlockLoss(-log_probabilities[: len(learnt)].sum(), len(learnt), divergence, len(kept))


def _divergence(reference: torch.Tensor, current: torch.Tensor) -> torch.Tensor:
    """Sum of KL(reference || current) over places, both [S, TOP_K] log-probabilities, the rest as one bucket."""
    head = (reference.exp() * (reference - current)).sum()
    return head + (_rest(reference).exp() * (_rest(reference) - _rest(current))).sum()


def _rest(log_probabilities: torch.Tensor) -> torch.Tensor:
    """The log-probability of all tokens that are not listed."""
    return torch.log1p(-log_probabilities.exp().sum(dim=-1).clamp(max=1 - 1e-6))


class _LogProbabilities(torch.autograd.Function):
    """Of some `tokens` in some `rows` of logits [S, vocabulary].

    Of a step's largest matrices one is kept, which becomes the gradient: torch's own functions would make a zero one
    for the tokens chosen, another for the sum of all, and add them up.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, rows: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        highest = logits.amax(dim=-1, keepdim=True)
        shares = (logits - highest).exp_()
        sums = shares.sum(dim=-1, keepdim=True)
        ctx.save_for_backward(shares, sums, rows, tokens)
        return logits[rows, tokens] - (highest + sums.log())[rows, 0]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        shares, sums, rows, tokens = ctx.saved_tensors
        of_rows = torch.zeros_like(sums[:, 0]).index_add_(0, rows, gradient)
        whole = shares.mul_(-(of_rows[:, None] / sums))
        return whole.index_put_((rows, tokens), gradient, accumulate=True), None, None
