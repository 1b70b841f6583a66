"""Attention for examples that lie one after the other in one row, after a beginning that they share.

All else in a model looks at each place alone, so it takes the row as it is: one large product in the place of several
small ones, nothing computed for padding, and the shared beginning read along. For attention alone the examples are laid
under each other, each seeing the beginning and itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from transformers import AttentionInterface

_NAME = "studio_side_by_side"


@dataclass(frozen=True)
class Layout:
    """`shared` places come first, then as many of each example as `lengths` says."""

    shared: int
    lengths: tuple[int, ...]
    device: torch.device

    @cached_property
    def positions(self) -> torch.Tensor:
        """[1, all places]: where each stands in its own example."""
        own = [torch.arange(self.shared, self.shared + length) for length in self.lengths]
        return torch.cat([torch.arange(self.shared), *own])[None].to(self.device)

    @cached_property
    def filled(self) -> torch.Tensor:
        """[places of examples]: where each lies once they are under each other, padded to the longest."""
        longest = max(self.lengths)
        rows = [torch.arange(length) + row * longest for row, length in enumerate(self.lengths)]
        return torch.cat(rows).to(self.device)

    @cached_property
    def taken(self) -> torch.Tensor:
        """[examples x longest]: the place that lies there; the first where there is padding, which nobody sees."""
        taken = torch.zeros(len(self.lengths) * max(self.lengths), dtype=torch.long, device=self.device)
        taken[self.filled] = torch.arange(len(self.filled), device=self.device)
        return taken

    def under_each_other(self, places: torch.Tensor) -> torch.Tensor:
        """[places, heads, size] to [examples, longest, heads, size]."""
        moved: torch.Tensor = _Moved.apply(places, self.taken, self.filled)  # type: ignore[no-untyped-call]
        return moved.view(len(self.lengths), max(self.lengths), *places.shape[1:])

    def in_a_row(self, examples: torch.Tensor) -> torch.Tensor:
        """The way back, without the padding."""
        row: torch.Tensor = _Taken.apply(examples.flatten(0, 1), self.filled)  # type: ignore[no-untyped-call]
        return row


@contextmanager
def side_by_side(model: Any, layout: Layout) -> Iterator[dict[str, Any]]:
    """Within the block the model attends so, if it is called with these arguments."""
    config = model.config
    before = config._attn_implementation  # noqa: SLF001  as transformers itself asks for it
    config._attn_implementation = _NAME  # noqa: SLF001
    try:
        yield {"position_ids": layout.positions, "layout": layout, "attend_by": before}
    finally:
        config._attn_implementation = before  # noqa: SLF001


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    layout: Layout,
    attend_by: str,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers calls it, with [1, heads, all places, size]; `attend_by` names the model's own way."""
    del attention_mask  # it knows nothing of examples
    if attend_by == "eager":  # every architecture has its own
        attend = sys.modules[type(module).__module__].eager_attention_forward
    else:
        attend = AttentionInterface()[attend_by]
    options["position_ids"] = None  # some ways take them for those of a packed row
    window = options.get("sliding_window")
    shared = layout.shared
    first_queries, queries = _apart(query, layout)
    first_keys, keys = _apart(key, layout)
    first_values, values = _apart(value, layout)
    count = len(queries)
    mask = _mask(queries.shape[1], shared + queries.shape[1], window, query.dtype, query.device)
    attended, _ = attend(
        module,
        queries.transpose(1, 2),
        torch.cat([first_keys.expand(count, -1, -1, -1), keys], dim=1).transpose(1, 2),
        torch.cat([first_values.expand(count, -1, -1, -1), values], dim=1).transpose(1, 2),
        mask,
        **options,
    )
    found = layout.in_a_row(attended)
    if shared:
        mask = _mask(shared, shared, window, query.dtype, query.device)
        first = (given[None].transpose(1, 2) for given in (first_queries, first_keys, first_values))
        found = torch.cat([attend(module, *first, mask, **options)[0].squeeze(0), found])
    return found[None], None


AttentionInterface.register(_NAME, _attend)


def _apart(row: torch.Tensor, layout: Layout) -> tuple[torch.Tensor, torch.Tensor]:
    """[1, heads, all places, size] to [shared, heads, size] and [examples, longest, heads, size]."""
    places = row.squeeze(0).transpose(0, 1)
    first, rest = torch.split(places, [layout.shared, len(places) - layout.shared])
    return first, layout.under_each_other(rest)


@lru_cache(maxsize=16)
def _mask(queries: int, keys: int, window: int | None, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """[1, 1, queries, keys], added to the scores: the last `queries` places see what came before, within the window."""
    here = torch.arange(keys - queries, keys, device=device)[:, None]
    there = torch.arange(keys, device=device)[None]
    hidden = there > here
    if window is not None:
        hidden |= there <= here - window
    return torch.zeros_like(hidden, dtype=dtype).masked_fill_(hidden, torch.finfo(dtype).min)[None, None]


class _Moved(torch.autograd.Function):
    """Rows to where they are wanted, padding among them, and their gradients back. Torch would add them up one by one,
    but each row is wanted once, and nothing flows back from padding."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, taken: torch.Tensor, filled: torch.Tensor) -> torch.Tensor:
        ctx.filled = filled
        return rows[taken]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return gradient[ctx.filled], None, None


class _Taken(torch.autograd.Function):
    """The rows that are no padding."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, filled: torch.Tensor) -> torch.Tensor:
        ctx.filled, ctx.shape = filled, rows.shape
        return rows[filled]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        whole = gradient.new_zeros(ctx.shape)
        whole[ctx.filled] = gradient
        return whole, None
