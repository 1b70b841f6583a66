"""Judging an answer against a check: pure, but for the clock that bounds a pattern search."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import regex

from studio.domain.checks import Check, Verdict
from studio.evaluation.words import contains, count_words, normalise, words

# A pattern comes from files other people write. It is searched with a time-out, in a bounded text, and must be
# bounded itself: counted repeats multiply when nested, so `(?:a{1000}){1000}` alone would take seconds and memory.
MAX_PATTERN_CHARACTERS = 2_000
MAX_PATTERN_REPEATS = 10_000
MAX_TEXT_CHARACTERS = 50_000
PATTERN_SECONDS = 0.25

_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f]")
_PATTERN_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<low>\d*)(?:,(?P<high>\d*))?\}|.", re.DOTALL)


def judge(text: str, check: Check) -> Verdict:
    """Judge an answer. The score is the share of the check's conditions that hold.

    An answer without any text is wrong and scores 0, whatever the check. A check without conditions accepts
    every other answer. Beyond 50,000 characters a text is not read. A pattern that is invalid, oversized or
    takes more than a quarter of a second counts as not found, with the reason.
    """
    if not text.strip():
        return Verdict(ok=False, score=0.0, reasons=("the answer is empty",))
    text = text[:MAX_TEXT_CHARACTERS]
    said = _Said(text)
    failures = [
        # The first is the correction's own word, the others ways of writing it.
        f"does not say '{alternatives[0]}'" + (" or the like" if len(alternatives) > 1 else "")
        for alternatives in check.include
        if not any(said.holds(alternative) for alternative in alternatives)
    ]
    failures += [f"says '{phrase}'" for phrase in check.exclude if said.holds(phrase)]
    if check.pattern is not None and (failure := _pattern_failure(check.pattern, text)):
        failures.append(failure)
    if check.max_words is not None and (length := count_words(text)) > check.max_words:
        failures.append(f"has {length} words, {check.max_words} at most were wanted")
    conditions = len(check.include) + len(check.exclude) + (check.pattern is not None) + (check.max_words is not None)
    score = 1.0 if conditions == 0 else 1.0 - len(failures) / conditions
    return Verdict(ok=not failures, score=score, reasons=tuple(failures))


class _Said:
    """What an answer says: phrases of words are found whole and next to each other, signs alone (€, !) anywhere."""

    def __init__(self, text: str) -> None:
        self._text, self._words = text, words(text)

    def holds(self, phrase: str) -> bool:
        if wanted := words(phrase):
            return contains(self._words, wanted)
        signs = _signs(phrase)
        return bool(signs) and signs in _signs(self._text)


def _signs(text: str) -> str:
    """A heart is a heart, whichever form of it is asked for."""
    return _VARIATION_SELECTORS.sub("", normalise(text)).strip()


def is_stale(text: str, check: Check, superseded: Iterable[Check]) -> bool | None:
    """Whether an answer says what was right before and not what is right now, whatever the length of either.

    None where nothing was superseded that an answer could be known to say.
    """
    known = [said for old in superseded if not (said := replace(old, exclude=(), max_words=None)).is_empty]
    if not known:
        return None
    now = replace(check, max_words=None)
    return not judge(text, check if now.is_empty else now).ok and any(judge(text, old).ok for old in known)


def is_settled(text: str, check: Check) -> bool:
    """Whether an answer that begins so is right, however it goes on.

    So it can be where a check only wants something said. The last piece of the text may be half a word.
    """
    if check.exclude or check.pattern is not None or check.max_words is not None:
        return False
    whole = text[: max((place for place, character in enumerate(text, 1) if character.isspace()), default=0)]
    return judge(whole, check).ok


def is_phrase(text: str) -> bool:
    """Whether there is anything to look for in an answer: a word, or a sign."""
    return bool(words(text) or _signs(text))


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern cannot be used, or None where it can."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return f"the pattern is longer than {MAX_PATTERN_CHARACTERS:,} characters"
    if _unrolled(pattern) > MAX_PATTERN_REPEATS:
        return f"the pattern's counted repeats unroll to more than {MAX_PATTERN_REPEATS:,} parts"
    try:
        regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError, ValueError) as error:
        return f"the pattern is no regular expression ({error})"
    return None


def _unrolled(pattern: str) -> int:
    """How many parts a pattern has once its counted repeats are written out: nested they multiply, else they add up."""
    groups = [0]  # the parts of each group that is open, the whole pattern first
    last = 0  # those of what a repeat that follows would repeat
    for part in _PATTERN_PART.finditer(pattern):
        if part["low"] is not None:
            repeats = max(int(part["low"] or 1), int(part["high"] or 1), 1)
            groups[-1] += last * (repeats - 1)
            last *= repeats
        elif part[0] == "(":
            groups.append(0)
            last = 0
        else:
            last = groups.pop() if part[0] == ")" and len(groups) > 1 else 1
            groups[-1] += last
    return sum(groups)


def _pattern_failure(pattern: str, text: str) -> str | None:
    if fault := pattern_fault(pattern):
        return fault
    try:
        found = regex.search(pattern, text, timeout=PATTERN_SECONDS)
    except TimeoutError:
        return f"the pattern '{pattern}' takes too long to search"
    return None if found else f"does not match the pattern '{pattern}'"
