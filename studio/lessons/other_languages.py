"""Scores of lessons for questions that are not in English: told from general questions, and by shared letters.

Chosen and measured by `python -m benchmarks languages` (docs/lessons.md, "Other languages").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import regex

from studio.lessons.general_questions import likeness_to_general

SHARED_LETTERS = 0.2
"""Added to the cosine where all letters of the shorter text are shared; MiniLM reads other scripts letter by letter."""

_STANDS_OUT = 0.34
"""How alike general questions may be before scores are lowered: the threshold of .42, less the .1 to stand out by."""

# Of words that ask or point, those no other language has: not 'is' (Dutch), 'for' (Danish) or 'are' (Romanian).
_ENGLISH = frozenset(
    "the what who whose where when how which why our your you my they these those this that there with from"  # noqa: SIM905
    " does did were could would should please tell explain describe and of".split()
)
_WORD = re.compile(r"[^\W\d_]+")
_NO_LETTER = regex.compile(r"[^\p{L}\p{M}\p{N}]+")  # vowel signs are marks
# From here on a sign is a syllable or a word, and two of them say as much as three letters: CJK, kana, Hangul.
_SYLLABLES = "\u2e80"


def is_english(text: str) -> bool:
    """Whether a word tells it; 'Double 35.' and other texts without one count as not."""
    return not _ENGLISH.isdisjoint(_WORD.findall(text.casefold()))


def lowered_by(vector: Sequence[float]) -> float:
    """What all scores lose for a question of this unit vector, 0 or more: what is general in its language."""
    return max(0.0, likeness_to_general(vector) - _STANDS_OUT)


def shared_letters(one: str, other: str) -> float:
    """Share of the runs of letters of the text with fewer of them that the other has too, 0 to 1."""
    mine, theirs = _runs(one), _runs(other)
    return len(mine & theirs) / max(1, min(len(mine), len(theirs)))


def _runs(text: str) -> set[str]:
    text = f" {_NO_LETTER.sub(' ', text.casefold()).strip()} "
    threes = {text[i : i + 3] for i in range(len(text) - 2)}
    return threes | {text[i : i + 2] for i in range(len(text) - 1) if text[i] >= _SYLLABLES}
