"""Several short examples in one row: no padding is computed, and what they all begin with is computed once.

Each example attends to the shared prefix and to itself only, at the positions it would have alone, so the result
equals that of separate rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from studio.training.batches import Encoded, common_prefix


@dataclass(frozen=True, slots=True)
class Row:
    """One packed row of T tokens with S supervised places.

    `ids`, `positions` [1, T]; `mask` [1, 1, T, T], true where a token may look; `supervised` [S], places whose next
    token is the completion's; `targets` [S]; `replayed` [S], true where that token is replay; `owners` [S] the index
    of the example, `offsets` [S] the place within its completion.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    supervised: torch.Tensor
    targets: torch.Tensor
    replayed: torch.Tensor
    owners: torch.Tensor
    offsets: torch.Tensor


def build_row(examples: Sequence[Encoded], device: torch.device) -> Row:
    """Lay the examples end to end after their common prefix, of which each keeps at least its last prompt token."""
    shared = min(common_prefix([example.tokens for example in examples]), min(len(e.prompt) for e in examples) - 1)
    ids = list(examples[0].tokens[:shared])
    positions = list(range(shared))
    segments = [0] * shared
    supervised: list[int] = []
    targets: list[int] = []
    replayed: list[bool] = []
    owners: list[int] = []
    offsets: list[int] = []
    for segment, example in enumerate(examples, start=1):
        first = len(ids) + len(example.prompt) - shared - 1
        supervised += range(first, first + len(example.completion))
        targets += example.completion
        replayed += [example.replay] * len(example.completion)
        owners += [example.index] * len(example.completion)
        offsets += range(len(example.completion))
        ids += example.tokens[shared:]
        positions += range(shared, len(example.tokens))
        segments += [segment] * (len(example.tokens) - shared)
    segment_of = torch.tensor(segments, device=device)
    same = (segment_of[:, None] == segment_of[None, :]) | (segment_of[None, :] == 0)
    causal = torch.ones(len(ids), len(ids), dtype=torch.bool, device=device).tril()
    return Row(
        ids=torch.tensor([ids], device=device),
        positions=torch.tensor([positions], device=device),
        mask=(same & causal)[None, None],
        supervised=torch.tensor(supervised, device=device),
        targets=torch.tensor(targets, device=device),
        replayed=torch.tensor(replayed, device=device),
        owners=torch.tensor(owners, device=device),
        offsets=torch.tensor(offsets, device=device),
    )
