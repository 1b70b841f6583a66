"""The book of what lies in one context's KV memory: which tokens each sequence holds, and what that costs.

Pure bookkeeping, no llama.cpp. Sequences that share a prefix share its cells (a copy only tags them), so
the cost in cells is counted by reference, not by summing lengths. Finished sequences stay for reuse until
their cells or ids are needed, the least recently used going first.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count


@dataclass(slots=True)
class HeldSequence:
    """Tokens in memory by position, and for each the cell it lies in (names of this book's own making)."""

    id: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many leading tokens two sequences share."""
    limit = min(len(one), len(other))
    if one[:limit] == other[:limit]:
        return limit
    low, high = 0, limit  # halving compares slices in C; agreement of a prefix is monotonous in its length
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class SequenceCache:
    """`capacity` cells and `max_sequences` ids. A sequence is active (owned by a lane) or kept for reuse."""

    def __init__(self, capacity: int, max_sequences: int) -> None:
        self.capacity = capacity
        self._free_ids = list(range(max_sequences - 1, -1, -1))
        self._references: Counter[int] = Counter()
        self._next_cell = count()
        self._active: dict[int, HeldSequence] = {}
        self._kept: OrderedDict[int, HeldSequence] = OrderedDict()

    @property
    def cells_used(self) -> int:
        return len(self._references)

    @property
    def has_free_id(self) -> bool:
        return bool(self._free_ids)

    def best_source(self, prompt: Sequence[int]) -> tuple[HeldSequence | None, int]:
        """The held sequence that shares the longest prefix with the prompt, and its length.

        At most all but the last token: that one is always computed, for its logits.
        """
        best: HeldSequence | None = None
        longest = 0
        wanted = list(prompt[:-1])
        for sequence in (*self._active.values(), *self._kept.values()):
            shared = common_prefix(sequence.tokens, wanted)
            if shared > longest:
                best, longest = sequence, shared
        return best, longest

    def open(self, source: HeldSequence | None, shared: int) -> HeldSequence:
        """Begin an active sequence holding the first `shared` tokens of the source. Needs a free id."""
        sequence = HeldSequence(self._free_ids.pop())
        if source is not None and shared:
            sequence.tokens = source.tokens[:shared]
            sequence.cells = source.cells[:shared]
            self._references.update(sequence.cells)
            if source.id in self._kept:
                self._kept.move_to_end(source.id)
        self._active[sequence.id] = sequence
        return sequence

    def take_over(self, source: HeldSequence, shared: int) -> bool:
        """Make a kept sequence active again, cut to its first `shared` tokens; False where it is active already."""
        if source.id not in self._kept:
            return False
        self._active[source.id] = self._kept.pop(source.id)
        self._release(source.cells[shared:])
        del source.tokens[shared:], source.cells[shared:]
        return True

    def append(self, sequence: HeldSequence, tokens: Sequence[int]) -> None:
        """Tokens that were computed and now lie in memory."""
        for token in tokens:
            cell = next(self._next_cell)
            sequence.tokens.append(token)
            sequence.cells.append(cell)
            self._references[cell] = 1

    def keep(self, sequence: HeldSequence) -> None:
        """The lane is done with it; hold it for reuse."""
        del self._active[sequence.id]
        self._kept[sequence.id] = sequence

    def evict(self) -> HeldSequence | None:
        """Forget the least recently used kept sequence; the caller removes it from memory. None if there is none."""
        if not self._kept:
            return None
        _, sequence = self._kept.popitem(last=False)
        self._forget(sequence)
        return sequence

    def drop(self, sequence: HeldSequence) -> None:
        """Forget an active sequence."""
        del self._active[sequence.id]
        self._forget(sequence)

    def clear(self) -> None:
        """Forget all, active ones included: the memory was cleared."""
        for sequence in (*self._active.values(), *self._kept.values()):
            self._forget(sequence)
        self._active.clear()
        self._kept.clear()

    def _forget(self, sequence: HeldSequence) -> None:
        self._release(sequence.cells)
        self._free_ids.append(sequence.id)

    def _release(self, cells: Sequence[int]) -> None:
        for cell in cells:
            self._references[cell] -= 1
            if self._references[cell] == 0:
                del self._references[cell]
