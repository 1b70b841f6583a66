"""Which questions are the same asked otherwise: by words, of question or answer, and by vectors where there are any.

Words are compared by MinHash in bands (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4), so
that a million questions take seconds, and what falls together is checked exactly. English function words do not count,
of longer words the beginning does. What shares neither words nor, by vectors, meaning is not found.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SHARED_WORDS = 0.5
"""Least Jaccard similarity of the words of two questions that are taken for one."""
SHARED_ANSWER = 0.8
"""Least Jaccard similarity of two corrected answers: what is asked otherwise is often answered alike."""
LIKE_VECTORS = 0.55
"""Least cosine of their vectors (docs/exchange.md: what this joins, and what it misses)."""

_BANDS = 16  # of two hashes each: finds half-alike pairs with .99
_BLOCK = 1024
_PAIRS_AT_ONCE = 200_000
_STEM = 6
_WORD = re.compile(r"\w+")
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        "a about all am an and any are as at be been but by can could did do does for from get give go had "
        "has have he her his how i if in into is it its just let long many may me more most much must my no "
        "not of on or our out please say shall she should so some tell than that the their them then there "
        "these they this to up us was we were what when where which who whom whose why will with would you "
        "your"
    )
)


class Texts:
    """The words of questions or answers, gathered one by one; a few bytes a word.

    Texts are alike that share `shared` of their words; those of fewer than `least` telling words are like no other.
    """

    def __init__(self, shared: float, least: int = 0) -> None:
        self._shared = shared
        self._least = least
        self._words = array("I")
        self._ends = array("Q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, text: str) -> None:
        folded = text.casefold()
        words = _WORD.findall(folded)
        telling = {word[:_STEM] if word.isalpha() else word for word in words if word not in _FUNCTION_WORDS}
        if len(telling) < self._least:
            telling = {f"text {len(self)}"}
        of_text = telling or set(words) or {folded.strip()}
        self._words.extend({zlib.crc32(word.encode("utf-8", "replace")) for word in of_text})
        self._ends.append(len(self._words))

    def pairs(self) -> NDArray[np.int64]:
        """Pairs of positions whose texts share words enough: not all of them, but so that they are connected."""
        if len(self) < 2:
            return np.zeros((0, 2), dtype=np.int64)
        words = np.frombuffer(self._words, dtype=np.uint32).astype(np.uint64)
        ends = np.frombuffer(self._ends, dtype=np.uint64).astype(np.int64)
        found = [np.zeros((0, 2), dtype=np.int64)]
        draw = np.random.default_rng(0)
        for _ in range(_BANDS):
            keys = np.zeros(len(self), dtype=np.uint64)
            for _ in range(2):
                factor, summand = draw.integers(1, 2**62, 2, dtype=np.uint64)
                hashes = (words * (factor * np.uint64(2) + np.uint64(1)) + summand) >> np.uint64(32)
                keys = (keys << np.uint64(32)) | np.minimum.reduceat(hashes, ends[:-1])
            found.append(_alike(_candidates(keys), words, ends, self._shared))
        return np.unique(np.concatenate(found), axis=0)


def vector_pairs(positions: Sequence[int], vectors: Sequence[Sequence[float]]) -> NDArray[np.int64]:
    """Pairs of positions whose unit vectors are near; every one is compared with every other."""
    if len(positions) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    rows, where = np.asarray(vectors, dtype=np.float32), np.asarray(positions, dtype=np.int64)
    found = []
    for start in range(0, len(rows), _BLOCK):
        left, right = np.nonzero(rows[start : start + _BLOCK] @ rows.T >= LIKE_VECTORS)
        found.append(np.stack([where[left + start], where[right]], axis=1))
    return np.concatenate(found)


def groups(count: int, pairs: NDArray[np.int64], together: Sequence[int]) -> NDArray[np.int32]:
    """A group number for each position: what is connected by pairs, or the same in `together`, is one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    same = np.asarray(together, dtype=np.int64)
    order = np.argsort(same, kind="stable")
    neighbours = np.stack([order[:-1], order[1:]], axis=1)[same[order[:-1]] == same[order[1:]]]
    edges = np.concatenate([pairs, neighbours])
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def numbered(names: Sequence[str]) -> list[int]:
    """The same number for the same name."""
    known: dict[str, int] = {}
    return [known.setdefault(name, len(known)) for name in names]


def positions_of(ids: Sequence[str], vectors: Mapping[str, Sequence[float]]) -> list[int]:
    return [position for position, one in enumerate(ids) if one in vectors]


def _candidates(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Each position whose key occurred before, with the first and with the last one of that key."""
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order[1:]] == keys[order[:-1]]) + 1
    starts = np.ones(len(keys), dtype=bool)
    starts[again] = False
    first = np.maximum.accumulate(np.where(starts, np.arange(len(keys)), 0))
    pairs = [np.stack([order[other], order[again]], axis=1) for other in (first[again], again - 1)]
    return np.unique(np.concatenate(pairs), axis=0)


def _alike(
    pairs: NDArray[np.int64], words: NDArray[np.uint64], ends: NDArray[np.int64], least: float
) -> NDArray[np.int64]:
    """Those pairs that have at least this share of their words in common."""
    kept = []
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        part = pairs[start : start + _PAIRS_AT_ONCE]
        sizes = ends[part + 1] - ends[part]
        owner = np.repeat(np.arange(2 * len(part)) // 2, sizes.ravel())
        offsets = np.arange(len(owner)) - np.repeat(np.cumsum(sizes.ravel()) - sizes.ravel(), sizes.ravel())
        of_pairs = words[np.repeat(ends[part].ravel(), sizes.ravel()) + offsets]
        tagged = np.sort((owner.astype(np.uint64) << np.uint64(32)) | of_pairs)
        twice = tagged[1:][tagged[1:] == tagged[:-1]] >> np.uint64(32)
        shared = np.bincount(twice.astype(np.int64), minlength=len(part))
        kept.append(part[shared >= least * (sizes.sum(axis=1) - shared)])
    return np.concatenate(kept) if kept else pairs
