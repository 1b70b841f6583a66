"""Which phrases of a changed span carry its point: numbers with their units, names and codes, rare words."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import regex

from studio.evaluation.common_words import COMMON_WORDS, FUNCTION_WORDS
from studio.evaluation.number_words import NUMBER_WORDS, other_spelling
from studio.evaluation.words import Piece, character_before, shown

LONGEST_PHRASE = 3
"""Pieces in one phrase; a longer run of key words is split, so that a later answer may order them otherwise."""

_CLAUSE_ENDS = frozenset(".,;:!?)…。、")
_SENTENCE_ENDS = frozenset('.!?:"“*-•') | {""}
_LIST_MARKER = regex.compile(r"^[ \t]*(\(?\d{1,2}[.)])[ \t]+\S", regex.MULTILINE)


class Weight(IntEnum):
    """How much a phrase says, least first."""

    COMMON = 0
    RARE = 1
    NAME = 2
    NUMBER = 3


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to look for: `text` as the user wrote it, `words` as the checks see them."""

    text: str
    words: tuple[str, ...]
    weight: Weight

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The phrase and its equals: digits for number words and the reverse, '45-day' for '45 days'."""
        forms = [self.text]
        if (other := other_spelling(self.words)) is not None:
            forms.append(other)
            if len(self.words) > 1 and self.words[-1].endswith("s") and len(self.words[-1]) > 3:
                forms += ["-".join(form[:-1].rsplit(" ", 1)) for form in forms if form.lower().endswith(self.words[-1])]
        return tuple(forms)


class SpanReader:
    """Finds key phrases in spans of one text. `asked` are the question's words: repeating them says nothing new."""

    def __init__(self, normalised: str, asked: Collection[str] = ()) -> None:
        self._text = normalised
        self._asked = asked
        self._list_markers = frozenset(match.start(1) for match in _LIST_MARKER.finditer(normalised))

    def phrases(self, span: list[Piece]) -> list[Phrase]:
        """The key phrases of a span in order; where it has none, its plainer words; never function words alone."""
        runs = list(self._key_runs(span)) or list(_plain_runs(span))
        return [self.whole(run) for run in runs]

    def whole(self, span: list[Piece]) -> Phrase:
        """The span as one phrase."""
        words = tuple(word for piece in span for word in piece.words)
        return Phrase(shown(self._text, span), words, max(self._weigh(piece) for piece in span))

    def is_unit(self, number: Piece, piece: Piece) -> bool:
        """Whether a piece tells what the number right before it counts: the days of '45 days'."""
        counts = is_number(number) and not is_number(piece) and not _is_function(piece)
        return counts and not self._starts_clause(piece)

    def _key_runs(self, span: list[Piece]) -> Iterator[list[Piece]]:
        run: list[Piece] = []
        for piece in span:
            is_key = self._weigh(piece) is not Weight.COMMON
            if run and not self._starts_clause(piece) and (is_key or self.is_unit(run[-1], piece)):
                run.append(piece)
                continue
            if run:
                yield from self._split(run)
            run = [piece] if is_key else []
        if run:
            yield from self._split(run)

    def _split(self, run: list[Piece]) -> Iterator[list[Piece]]:
        if len(run) <= LONGEST_PHRASE or all(piece.end == after.start for piece, after in pairwise(run)):
            yield run
            return
        phrase: list[Piece] = []
        for piece in run:
            # A number keeps the next piece, its unit; everything else stands alone.
            if phrase and not self.is_unit(phrase[-1], piece):
                yield phrase
                phrase = []
            phrase.append(piece)
        yield phrase

    def _weigh(self, piece: Piece) -> Weight:
        if piece.start in self._list_markers:
            return Weight.COMMON
        if is_number(piece):
            return Weight.NUMBER
        if all(word in COMMON_WORDS or word in self._asked for word in piece.words):
            return Weight.COMMON
        return Weight.NAME if self._is_capitalised(piece) else Weight.RARE

    def _is_capitalised(self, piece: Piece) -> bool:
        starts_sentence = character_before(self._text, piece) in _SENTENCE_ENDS
        return not starts_sentence and self._text[piece.start : piece.end].lstrip("\"'“‘(*_`")[:1].isupper()

    def _starts_clause(self, piece: Piece) -> bool:
        return character_before(self._text, piece) in _CLAUSE_ENDS


def is_number(piece: Piece) -> bool:
    """Whether a piece holds a number, in digits or in words; 'one' is mostly none."""
    return any(word[0].isdigit() or (word in NUMBER_WORDS and word != "one") for word in piece.words)


def _is_function(piece: Piece) -> bool:
    return all(word in FUNCTION_WORDS for word in piece.words)


def _plain_runs(span: list[Piece]) -> Iterator[list[Piece]]:
    """Runs of common words that are no function words, none longer than a phrase."""
    run: list[Piece] = []
    for piece in span:
        if _is_function(piece) or len(run) == LONGEST_PHRASE:
            if run:
                yield run
            run = []
        if not _is_function(piece):
            run.append(piece)
    if run:
        yield run
