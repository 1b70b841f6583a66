"""The order of training, as a pure function of the seed: which examples make up each step, how they are packed.

Nothing is drawn while training runs, so a night that is killed and resumed walks the very same steps.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example in tokens. The loss falls on `completion` alone; `index` is its place among the night's examples.

    `frozen_prompt` is what the frozen model is asked instead of `prompt`, where the two differ.
    """

    index: int
    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    replay: bool
    frozen_prompt: tuple[int, ...] = ()

    @property
    def tokens(self) -> tuple[int, ...]:
        # The last token predicts nothing, so the model need not read it.
        return (self.prompt + self.completion)[:-1]

    def as_frozen(self) -> Encoded:
        """The example as the frozen model is asked it."""
        return replace(self, prompt=self.frozen_prompt or self.prompt)


def plan_steps(
    learnt: Sequence[int], replayed: Sequence[int], *, epochs: int, batch_size: int, replay_share: float, seed: int
) -> list[list[int]]:
    """The examples of every step, by index; each learnt one occurs once an epoch, replay cycles in shuffled rounds.

    Steps never straddle epochs; the last of an epoch may be smaller and takes replay in proportion.
    """
    draw = random.Random(seed)  # noqa: S311 - an order of training, not a secret
    share = replay_share if replayed else 0.0
    replays_per_step = min(round(batch_size * share), batch_size - 1)
    per_step = batch_size - replays_per_step
    waiting: list[int] = []
    steps = []
    for _ in range(epochs):
        order = draw.sample(learnt, len(learnt))
        for start in range(0, len(order), per_step):
            chosen = order[start : start + per_step]
            for _ in range(round(replays_per_step * len(chosen) / per_step)):
                if not waiting:
                    waiting = draw.sample(replayed, len(replayed))
                chosen.append(waiting.pop())
            steps.append(chosen)
    return steps


def common_prefix(sequences: Sequence[tuple[int, ...]]) -> int:
    """How many leading tokens all sequences share."""
    first, last = min(sequences), max(sequences)  # in lexical order these two differ earliest
    length = min(len(first), len(last))
    return next((place for place in range(length) if first[place] != last[place]), length)


def shared_tokens(examples: Sequence[Encoded]) -> int:
    """How many tokens all begin with, of which each keeps its last prompt token."""
    return min(common_prefix([example.tokens for example in examples]), min(len(e.prompt) for e in examples) - 1)


def blocks(examples: Sequence[Encoded], most_places: int) -> list[list[Encoded]]:
    """Group examples into as few blocks as hold at most `most_places` each, about equally large; a longer one rides
    alone.

    What all of them begin with counts once a block. Longest first, for attention pads a block's examples to its first.
    """
    if not examples:
        return []
    shared = shared_tokens(examples)
    own = [len(example.tokens) - shared for example in examples]
    count = len(_filled(examples, shared, most_places - shared))
    return _filled(examples, shared, min(most_places - shared, -(-sum(own) // count) + max(own)))


def _filled(examples: Sequence[Encoded], shared: int, most: int) -> list[list[Encoded]]:
    grouped: list[list[Encoded]] = []
    room = 0
    for example in sorted(examples, key=lambda item: (-len(item.tokens), item.index)):
        room -= len(example.tokens) - shared
        if not grouped or room < 0:
            grouped.append([])
            room = most - (len(example.tokens) - shared)
        grouped[-1].append(example)
    return grouped
