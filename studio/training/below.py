"""The layers below the adapter, computed once: what they make of an example is the same at every step.

An adapter that begins in the middle of the model leaves the layers under it as they are. What they hand up is kept
for every example, and training runs from there: half the products forward, and half of those backward.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

from studio.training.base_weights import PackedLinear
from studio.training.foreign import LoraModel
from studio.training.packing import Block, supervised_logits
from studio.training.side_by_side import side_by_side

KEPT_BYTES = 512 * 2**20
"""The most that is kept; what does not fit is computed anew at each step."""

ROUNDING = 0.03
"""What two ways through the same model may differ by, as a share of the logits' spread; bfloat16 rounds to 1/256."""


class Below:
    """The first `count` layers of a model, whose adapter begins above them.

    For equal results after a resumption, every process keeps the same blocks.
    """

    def __init__(self, model: LoraModel, count: int) -> None:
        self._model = model
        self._decoder: Any = model.get_base_model().get_decoder()
        self._count = count
        self._kept: dict[tuple[int, ...], torch.Tensor] = {}
        self._all_kept = False

    def keep(self, blocks: Iterable[Block]) -> None:
        """Compute what the layers make of these examples, and keep as much as fits."""
        left = KEPT_BYTES
        for block in blocks:
            shared, *rows = torch.split(self._compute(block)[0], [block.layout.shared, *block.layout.lengths])
            for example, row in zip(block.examples, rows, strict=True):
                whole = torch.cat([shared, row])
                left -= whole.nbytes
                if left < 0:
                    return
                self._kept[example.tokens] = whole
        self._all_kept = True

    def release(self) -> None:
        """Give the layers' memory back where everything is kept: they are not run again."""
        if self._all_kept:
            for layer in self._decoder.layers[: self._count]:
                for weight in layer.parameters():
                    weight.data = weight.data.new_empty(0)
                for module in layer.modules():
                    if isinstance(module, PackedLinear):
                        module.release()

    def logits(self, block: Block) -> torch.Tensor:
        """As `supervised_logits`, by the layers above alone."""
        states = self._recall(block)
        if states is None:
            states = self._compute(block)
        with self._above():
            return supervised_logits(self._model, block, states)

    def is_faithful(self, block: Block) -> bool:
        """Whether the model, cut, says what it says whole: not every architecture is a plain stack of layers."""
        with torch.no_grad():
            try:
                cut = self.logits(block).float()
            except torch.OutOfMemoryError:
                raise  # whole, it would need more yet
            except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
                return False
            whole = supervised_logits(self._model, block).float()
        spread = whole - whole.mean(dim=-1, keepdim=True)
        return bool((cut - whole).norm() < ROUNDING * spread.norm())

    def _recall(self, block: Block) -> torch.Tensor | None:
        """[1, T, width], where all of the block's examples are kept."""
        whole = [self._kept[example.tokens] for example in block.examples if example.tokens in self._kept]
        if len(whole) < len(block.examples):
            return None
        shared = block.layout.shared
        return torch.cat([whole[0][:shared], *(states[shared:] for states in whole)])[None]

    @torch.no_grad()
    def _compute(self, block: Block) -> torch.Tensor:
        """[1, T, width] as it reaches the first layer above; no other layer is run."""
        found: list[torch.Tensor] = []

        def reach(_: object, arguments: tuple[torch.Tensor, ...]) -> None:
            found.append(arguments[0])
            raise _ReachedError

        handle = self._decoder.layers[self._count].register_forward_pre_hook(reach)
        try:
            with side_by_side(self._model, block.layout) as options, suppress(_ReachedError):
                self._decoder(input_ids=block.ids, use_cache=False, **options)
        finally:
            handle.remove()
        return found[0]

    @contextmanager
    def _above(self) -> Iterator[None]:
        """The model without its layers below."""
        decoder, whole = self._decoder, self._decoder.layers
        decoder.layers = whole[self._count :]
        try:
            yield
        finally:
            decoder.layers = whole


class _ReachedError(Exception):
    """Control flow: what was looked for is at hand."""
