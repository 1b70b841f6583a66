"""Train, validation and test: what belongs together stays together, and the same seed draws the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.domain.exports import CorrectionRow
from studio.errors import UsageError
from studio.exchange.near_duplicates import (
    SHARED_ANSWER,
    SHARED_WORDS,
    Texts,
    groups,
    numbered,
    positions_of,
    vector_pairs,
)

TRAIN = "train"
_TELLING_ANSWER = 3  # words: 'Yes.' and 'At nine.' answer many a question


@dataclass(frozen=True, slots=True)
class Shares:
    """Which part of the corrections is held back; the rest is for training. Raises UsageError where there is none."""

    test: float = 0.0
    validation: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.test >= 0 and self.validation >= 0 and self.test + self.validation < 1):
            raise UsageError("The shares held back must be at least 0 and leave something to train on.", "Try 0.1.")

    @property
    def any(self) -> bool:
        return self.test > 0 or self.validation > 0


@dataclass(frozen=True, slots=True)
class Alike:
    """Which corrections belong together, by position: a group is a conversation and all that is nearly the same
    question or answer, transitively.
    """

    ids: list[str]
    group_of: NDArray[np.int32]
    with_vectors: int = 0

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many corrections each group has."""
        return np.bincount(self.group_of)


@dataclass(frozen=True, slots=True)
class Splits:
    """`of` gives the split of each correction by its position, as an index into `names`."""

    names: tuple[str, ...]
    of: NDArray[np.uint8]
    groups: int = 0
    with_vectors: int = 0


def group_alike(batches: Iterable[Sequence[CorrectionRow]], vectors: Mapping[str, Sequence[float]]) -> Alike:
    """Find what belongs together; `vectors` are of questions, by the id of their correction."""
    questions, answers = Texts(SHARED_WORDS), Texts(SHARED_ANSWER, least=_TELLING_ANSWER)
    ids, conversations = [], []
    for batch in batches:
        for row in batch:
            questions.add(row.prompt)
            answers.add(row.corrected)
            ids.append(row.id)
            conversations.append(row.conversation)
    known = positions_of(ids, vectors)
    by_vector = vector_pairs(known, [vectors[ids[position]] for position in known])
    near = np.concatenate([questions.pairs(), answers.pairs(), by_vector])
    return Alike(ids, groups(len(ids), near, numbered(conversations)), len(known))


def draw_splits(alike: Alike, shares: Shares) -> Splits:
    """Whole groups, in an order the seed draws, go into test and validation as long as they fit.

    Raises UsageError where a split that was asked for stays empty.
    """
    ids, group_of, sizes = alike.ids, alike.group_of, alike.sizes
    first = np.full(len(sizes), len(ids))
    np.minimum.at(first, group_of, np.arange(len(ids)))
    order = sorted(range(len(sizes)), key=lambda group: _drawn(shares.seed, ids[first[group]]))
    split_of_group = np.zeros(len(sizes), dtype=np.uint8)
    names = [TRAIN]
    for name, share in (("validation", shares.validation), ("test", shares.test)):
        if share > 0:
            names.append(name)
            _fill(split_of_group, order, sizes, len(names) - 1, max(1, round(share * len(ids))))
    _refuse_empty(names, split_of_group, len(ids))
    return Splits(tuple(names), split_of_group[group_of], len(sizes), alike.with_vectors)


def _fill(split: NDArray[np.uint8], order: Sequence[int], sizes: NDArray[np.int64], number: int, room: int) -> None:
    for group in order:
        if split[group] == 0 and sizes[group] <= room:
            split[group] = number
            room -= int(sizes[group])


def _refuse_empty(names: Sequence[str], split_of_group: NDArray[np.uint8], corrections: int) -> None:
    for number, name in enumerate(names):
        if not (split_of_group == number).any():
            raise UsageError(
                f"The {name} split would be empty: the {corrections} corrections form {len(split_of_group)} groups of "
                "one conversation or nearly the same question.",
                "Choose other shares, or export without splits.",
            )


def _drawn(seed: int, correction_id: str) -> bytes:
    return hashlib.sha256(f"{seed}:{correction_id}".encode()).digest()
