"""The book of what lies in one context's KV memory: which tokens each of its sequences holds.

Pure bookkeeping, no llama.cpp. Every sequence has a memory of its own, as long as the context, so what is computed for
one does not depend on the others. Finished ones stay for reuse until their place is needed. Copying a prefix
from one sequence to another copies all of its memory, so short ones are computed again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SHORTEST_COPY = 8
"""Tokens from which on copying takes less time than computing them again."""
_ALWAYS_COMPUTED = 2
DEAR = 256
"""Tokens from which on to compute them again takes seconds, on a machine for which memory counts."""


@dataclass(slots=True, eq=False)
class HeldSequence:
    """The tokens in one sequence's memory, and whether a person was waiting for them."""

    id: int
    interactive: bool = True
    tokens: list[int] = field(default_factory=list)


class Place(NamedTuple):
    """Where a prompt is to be computed. Its first `shared` tokens are to be had from `source`, which may be the
    sequence itself, cut; None, and nothing shared, where it starts empty."""

    sequence: HeldSequence
    source: HeldSequence | None
    shared: int


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


def _continues(prompt: Sequence[int], held: HeldSequence, shared: int) -> bool:
    """Whether little is lost where the prompt takes the place of what it shares so many tokens with."""
    return shared == len(prompt) - _ALWAYS_COMPUTED or 2 * shared >= len(held.tokens)


class SequenceCache:
    """`sequences` places. One is free, active (owned by a lane) or kept for reuse."""

    def __init__(self, sequences: int) -> None:
        self._free = [HeldSequence(number) for number in range(sequences)]
        self._active: dict[int, HeldSequence] = {}
        self._kept: OrderedDict[int, HeldSequence] = OrderedDict()

    def place(self, prompt: Sequence[int], *, interactive: bool = True, reuse: bool = True) -> Place | None:
        """Make a sequence active for the prompt; None where there is no room. `reuse` allows to share prefixes."""
        chosen = self._choose(prompt, interactive=interactive, reuse=reuse)
        if chosen is None:
            return None
        held, source, shared = chosen
        self._free = [sequence for sequence in self._free if sequence is not held]
        self._kept.pop(held.id, None)
        if source is not None and source.id in self._kept:
            self._kept.move_to_end(source.id)
        held.interactive = interactive
        held.tokens = source.tokens[:shared] if source is not None else []
        self._active[held.id] = held
        return chosen

    def displaces(self, prompt: Sequence[int], *, interactive: bool = True, reuse: bool = True) -> bool:
        """Whether what the user may go on with would make way for this prompt; for the user's own only what is dear."""
        chosen = self._choose(prompt, interactive=interactive, reuse=reuse)
        if chosen is None:
            return False
        held, source, shared = chosen
        is_lost = held.id in self._kept and not (held is source and _continues(prompt, held, shared))
        return is_lost and held.interactive and len(held.tokens) >= (DEAR if interactive else SHORTEST_COPY)

    def keep(self, sequence: HeldSequence) -> None:
        """The lane is done with it; hold it for reuse."""
        del self._active[sequence.id]
        self._kept[sequence.id] = sequence

    def kept(self) -> list[HeldSequence]:
        """Those kept for reuse, the latest first."""
        return list(reversed(self._kept.values()))

    def keep_copy(self, tokens: list[int], *, interactive: bool) -> HeldSequence:
        """A free sequence as one kept with these tokens: what another context held, carried over."""
        sequence = self._free.pop(0)
        sequence.tokens, sequence.interactive = tokens, interactive
        self._kept[sequence.id] = sequence
        return sequence

    def _choose(self, prompt: Sequence[int], *, interactive: bool, reuse: bool) -> Place | None:
        source, shared = self._best_source(prompt) if reuse else (None, 0)
        room = self._room(interactive)
        if source is not None and source in room and (_continues(prompt, source, shared) or len(room) == 1):
            return Place(source, source, shared)  # nothing much is lost, and nothing has to be copied
        if not room:
            return None
        if room[0] is not source and shared < SHORTEST_COPY:
            return Place(room[0], None, 0)
        return Place(room[0], source, shared)

    def _best_source(self, prompt: Sequence[int]) -> tuple[HeldSequence | None, int]:
        """The held sequence that shares the longest prefix with the prompt, and its length.

        The last token is always computed, for its logits, and never alone: llama.cpp computes one token in another
        order than several, and the same prompt is to have the same logits again.
        """
        best: HeldSequence | None = None
        longest = 0
        wanted = list(prompt[:-_ALWAYS_COMPUTED])
        for sequence in (*self._active.values(), *self._kept.values()):
            shared = common_prefix(sequence.tokens, wanted)
            if shared > longest:
                best, longest = sequence, shared
        return best, longest

    def _room(self, interactive: bool) -> list[HeldSequence]:
        """What may be used, best first: beside active ones, for llama.cpp puts only neighbours into one batch; then
        what is free, what idle time left, what was not used for longest.

        Idle work leaves alone what a person may go on with, unless it would find no place at all.
        """
        kept = [held for held in self._kept.values() if interactive or not held.interactive]
        if not (kept or self._free or any(not held.interactive for held in self._active.values())):
            kept = list(self._kept.values())
        age = {held.id: number for number, held in enumerate(kept)}
        neighbours = {held + step for held in self._active for step in (-1, 1)}
        return sorted(
            (*self._free, *kept),
            key=lambda held: (
                bool(neighbours) and held.id not in neighbours,
                held.id in age and (1 + held.interactive),
                age.get(held.id, held.id),
            ),
        )
