"""Many examples in one pass: what all begin with is read once, and after it one example after the other.

The system message and the header of the question begin every example of a chat. Gradients flow back through what is
shared as through all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from studio.training.batches import Encoded, shared_tokens
from studio.training.foreign import LoraModel
from studio.training.side_by_side import Layout, side_by_side


@dataclass(frozen=True, slots=True)
class Block:
    """A pass of T places, S of them where the loss falls.

    `ids` [1, T] are the tokens that all `examples` share, as many as `layout.shared`, then what follows in each.
    `places` [S] are those in `ids` whose next token is the completion's; `targets` [S]; `replayed` [S], true where that
    token is replay; `owners` [S] the index of the example, `offsets` [S] the place within its completion.
    """

    ids: torch.Tensor
    layout: Layout
    examples: tuple[Encoded, ...]
    places: torch.Tensor
    targets: torch.Tensor
    replayed: torch.Tensor
    owners: torch.Tensor
    offsets: torch.Tensor

    @property
    def tokens(self) -> int:
        """Places computed."""
        return self.ids.numel()


def build_block(examples: Sequence[Encoded], device: torch.device) -> Block:
    """Lay the examples one after the other behind their common beginning."""
    shared = shared_tokens(examples)
    ids, places = list(examples[0].tokens[:shared]), []
    for example in examples:
        first = len(ids) - shared + len(example.prompt) - 1
        places += [
            (first + offset, token, example.replay, example.index, offset)
            for offset, token in enumerate(example.completion)
        ]
        ids += example.tokens[shared:]
    columns = (torch.tensor(values, device=device) for values in zip(*places, strict=True))
    layout = Layout(shared, tuple(len(example.tokens) - shared for example in examples), device)
    return Block(torch.tensor([ids], device=device), layout, tuple(examples), *columns)


def supervised_logits(model: LoraModel, block: Block, states: torch.Tensor | None = None) -> torch.Tensor:
    """[S, vocabulary] at the block's supervised places; the output head, the largest product, sees no others.

    With `states` [1, T, width] the model goes on from there, its lower layers being left out.
    """

    def pick(_: object, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (arguments[0][:, block.places],)

    handle = model.get_output_embeddings().register_forward_pre_hook(pick)
    try:
        ids = block.ids if states is None else None
        with side_by_side(model, block.layout) as options:
            return model(input_ids=ids, inputs_embeds=states, use_cache=False, **options).logits[0]
    finally:
        handle.remove()
