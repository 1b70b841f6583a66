"""Text as the checks see it: a sequence of words with case, Unicode form and punctuation folded away.

Words follow the Unicode letter, mark and number classes. In scripts written without spaces, or whose particles
attach to the word (Korean), every character counts as a word, so that a phrase is found inside running text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import regex

_CHARACTER_WISE = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"

# A piece is a run without white space, or a single character of the scripts above. Words never cross pieces.
_PIECE = regex.compile(rf"[{_CHARACTER_WISE}]\p{{M}}*|(?:(?![{_CHARACTER_WISE}])\S)+")
_WORD = regex.compile(
    rf"[{_CHARACTER_WISE}]\p{{M}}*"
    r"|\p{Nd}+(?:\.\p{Nd}+)*"  # 45, 13.5, 3.12.1; a unit that follows directly is a word of its own: 45km, 6pm
    # C++ and C# are not C; of v2.1 and Python3.12 the number is a word of its own.
    r"|[\p{L}\p{N}](?:(?!\p{Nd}+\.\p{Nd})[\p{L}\p{M}\p{N}])*(?:[+#]+(?![\p{L}\p{N}]))?"
)
# ASCII, with no white space but what regex takes for it too.
_PLAIN = re.compile(r"[\t-\r -~]*")
_INVISIBLE = regex.compile(r"\p{Cf}")
# French and Italian: l'école, qu'il, all'Osteria are two words. A single letter behind is English: all's well.
_ELISION = regex.compile(
    r"(?<!\p{L})([cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|all|coll|dall|dell|nell|sull|un|quest|quell|sant)['’ʼ](?=\p{L}{2})"
)
_INNER_APOSTROPHE = regex.compile(r"(?<=\p{L})['’ʼ](?=\p{L})")
# Priya's desk is Priya's; it's, that's and the like are words of their own.
_POSSESSIVE = regex.compile(
    r"(?<=\p{L})(?<!\b(?:he|here|how|it|let|she|that|there|what|when|where|who|why))['’ʼ]s(?!\p{L})"
)
_INITIALS = regex.compile(r"(?<![\p{L}.])\p{L}(?:\.\p{L})+(?!\p{L})")  # p.m, U.S.A
_THOUSANDS = regex.compile(r"(?<=\p{Nd}),(?=\p{Nd}{3}(?!\p{Nd}))")

_SHORT = 32
"""Pieces up to this length are kept folded: most of a text are the same few words."""

_EDGE_PUNCTUATION = " \t\r\n.,;:!?\"'“”‘’„«»()[]{}<>*_`~|…—–-/\\¿¡、。，！？「」『』"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text without white space and the folded words in it; `start` and `end` index the normalised text."""

    start: int
    end: int
    words: tuple[str, ...]


def normalise(text: str) -> str:
    """Compatibility-composed text (NFKC) without invisible format characters: 'H₂O' becomes 'H2O'."""
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def pieces(normalised: str) -> list[Piece]:
    """The pieces of a normalised text that hold at least one word."""
    return [
        Piece(match.start(), match.end(), folded)
        for match in _PIECE.finditer(normalised)
        if (folded := _folded(match.group()))
    ]


def words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    if _PLAIN.fullmatch(text):  # most are: the same in a ninth of the time
        return [word for piece in text.split() for word in _folded(piece)]
    return [word for piece in pieces(normalise(text)) for word in piece.words]


def count_words(text: str) -> int:
    """Words as a reader counts them: 'plum-kettle-77' is one; a character of an unspaced script is one."""
    return len(pieces(normalise(text)))


def character_before(normalised: str, piece: Piece) -> str:
    """The last character before a piece that is no white space; empty at the start of the text."""
    end = piece.start
    while end and normalised[end - 1].isspace():
        end -= 1
    return normalised[end - 1 : end]


def contains(haystack: list[str], needle: list[str]) -> bool:
    """Whether the words of `needle` occur in `haystack` next to each other. No words occur nowhere."""
    return bool(needle) and f" {' '.join(needle)} " in f" {' '.join(haystack)} "


def shown(normalised: str, run: list[Piece]) -> str:
    """The text of consecutive pieces as a person would write it: one line, no punctuation at its edges."""
    return " ".join(normalised[run[0].start : run[-1].end].split()).strip(_EDGE_PUNCTUATION)


def _folded(piece: str) -> tuple[str, ...]:
    return _fold_short(piece) if len(piece) <= _SHORT else _fold(piece)


def _fold(piece: str) -> tuple[str, ...]:
    folded = _ELISION.sub(r"\1 ", _POSSESSIVE.sub("", piece.casefold()))
    folded = _INNER_APOSTROPHE.sub("", folded)
    folded = _INITIALS.sub(lambda match: match.group().replace(".", ""), folded)
    return tuple(_WORD.findall(_THOUSANDS.sub("", folded)))


_fold_short = lru_cache(maxsize=8_192)(_fold)
