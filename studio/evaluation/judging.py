"""Judging an answer against a check: pure, but for the clock that bounds a pattern search."""

from __future__ import annotations

import math
import re

import regex

from studio.domain.checks import Check, Verdict
from studio.evaluation.words import contains, count_words, words

# A pattern comes from files other people write. It is searched with a time-out, in a bounded text, and must be
# bounded itself: counted repeats multiply when compiled, so `(?:a{1000}){1000}` alone would take seconds and memory.
MAX_PATTERN_CHARACTERS = 2_000
MAX_PATTERN_REPEATS = 10_000
MAX_TEXT_CHARACTERS = 50_000
PATTERN_SECONDS = 0.25

_COUNTED_REPEAT = re.compile(r"\{(\d*)(?:,(\d*))?\}")


def judge(text: str, check: Check) -> Verdict:
    """Judge an answer. The score is the share of the check's conditions that hold.

    An answer without any text is wrong and scores 0, whatever the check. A check without conditions accepts
    every other answer. Beyond 50,000 characters a text is not read. A pattern that is invalid, oversized or
    takes more than a quarter of a second counts as not found, with the reason.
    """
    if not text.strip():
        return Verdict(ok=False, score=0.0, reasons=("the answer is empty",))
    text = text[:MAX_TEXT_CHARACTERS]
    said = words(text)
    failures = [
        # The first is the correction's own word, the others ways of writing it.
        f"does not say '{alternatives[0]}'" + (" or the like" if len(alternatives) > 1 else "")
        for alternatives in check.include
        if not any(contains(said, words(alternative)) for alternative in alternatives)
    ]
    failures += [f"says '{phrase}'" for phrase in check.exclude if contains(said, words(phrase))]
    if check.pattern is not None and (failure := _pattern_failure(check.pattern, text)):
        failures.append(failure)
    if check.max_words is not None and (length := count_words(text)) > check.max_words:
        failures.append(f"has {length} words, {check.max_words} at most were wanted")
    conditions = len(check.include) + len(check.exclude) + (check.pattern is not None) + (check.max_words is not None)
    score = 1.0 if conditions == 0 else 1.0 - len(failures) / conditions
    return Verdict(ok=not failures, score=score, reasons=tuple(failures))


def is_settled(text: str, check: Check) -> bool:
    """Whether an answer that begins so is right, however it goes on.

    So it can be where a check only wants something said. The last piece of the text may be half a word.
    """
    if check.exclude or check.pattern is not None or check.max_words is not None:
        return False
    whole = text[: max((place for place, character in enumerate(text, 1) if character.isspace()), default=0)]
    return judge(whole, check).ok


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern cannot be used, or None where it can."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return f"the pattern is longer than {MAX_PATTERN_CHARACTERS:,} characters"
    bounds = (max(int(low or 1), int(high or 1), 1) for low, high in _COUNTED_REPEAT.findall(pattern))
    if math.prod(bounds) > MAX_PATTERN_REPEATS:
        return f"the pattern's counted repeats multiply to more than {MAX_PATTERN_REPEATS:,}"
    try:
        regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        return f"the pattern is no regular expression ({error})"
    return None


def _pattern_failure(pattern: str, text: str) -> str | None:
    if fault := pattern_fault(pattern):
        return fault
    try:
        found = regex.search(pattern, text, timeout=PATTERN_SECONDS)
    except TimeoutError:
        return f"the pattern '{pattern}' takes too long to search"
    return None if found else f"does not match the pattern '{pattern}'"
