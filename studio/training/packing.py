"""Many examples in one pass: what all begin with is computed once, the rest lies side by side in a padded block.

The system message and the header of the question begin every example of a chat, so the model reads them once, keeps
their keys and values, and every example goes on from there. Gradients flow back through the kept keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from studio.training.batches import Encoded, common_prefix
from studio.training.foreign import LoraModel

_PADDING = 0


@dataclass(frozen=True, slots=True)
class Block:
    """B examples, T places each, S places where the loss falls.

    `prefix` [1, P] are the tokens all share; `ids` [B, T] what follows, padded on the right, where causal attention
    keeps padding from being seen; `examples` [B] are whose rows these are. `rows` and `columns` [S] are the places in
    `ids` whose next token is the completion's; `targets` [S]; `replayed` [S], true where that token is replay;
    `owners` [S] the index of the example, `offsets` [S] the place within its completion.
    """

    prefix: torch.Tensor
    ids: torch.Tensor
    examples: tuple[Encoded, ...]
    rows: torch.Tensor
    columns: torch.Tensor
    targets: torch.Tensor
    replayed: torch.Tensor
    owners: torch.Tensor
    offsets: torch.Tensor

    @property
    def tokens(self) -> int:
        """Places computed, padding included."""
        return self.prefix.numel() + self.ids.numel()


@dataclass(frozen=True, slots=True)
class States:
    """What the lower layers made of a block: `prefix` [1, P, width], `rows` [B, T, width]."""

    prefix: torch.Tensor
    rows: torch.Tensor


def build_block(examples: Sequence[Encoded], device: torch.device) -> Block:
    """Lay the examples under each other after their common prefix, of which each keeps its last prompt token."""
    shared = min(common_prefix([example.tokens for example in examples]), min(len(e.prompt) for e in examples) - 1)
    longest = max(len(example.tokens) for example in examples) - shared
    ids = [[*example.tokens[shared:]] + [_PADDING] * (longest + shared - len(example.tokens)) for example in examples]
    places = [
        (row, len(example.prompt) - shared - 1 + offset, token, example.replay, example.index, offset)
        for row, example in enumerate(examples)
        for offset, token in enumerate(example.completion)
    ]
    rows, columns, targets, replayed, owners, offsets = (
        torch.tensor(values, device=device) for values in zip(*places, strict=True)
    )
    prefix = torch.tensor([examples[0].tokens[:shared]], dtype=torch.long, device=device)
    padded = torch.tensor(ids, device=device)
    return Block(prefix, padded, tuple(examples), rows, columns, targets, replayed, owners, offsets)


def supervised_logits(model: LoraModel, block: Block, states: States | None = None) -> torch.Tensor:
    """[S, vocabulary] at the block's supervised places; the output head, the largest product, sees no others.

    With `states` the model goes on from there, its lower layers being left out.
    """
    kept = None
    if block.prefix.numel():
        ids, embeddings = (block.prefix, None) if states is None else (None, states.prefix)
        kept = model(input_ids=ids, inputs_embeds=embeddings, use_cache=True, logits_to_keep=1).past_key_values
        kept.batch_repeat_interleave(block.ids.shape[0])

    def pick(_: object, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (arguments[0][block.rows, block.columns][None],)

    handle = model.get_output_embeddings().register_forward_pre_hook(pick)
    try:
        ids, embeddings = (block.ids, None) if states is None else (None, states.rows)
        read = model(input_ids=ids, inputs_embeds=embeddings, past_key_values=kept, use_cache=kept is not None)
        return read.logits[0]
    finally:
        handle.remove()
