"""Deriving a check from an edit: what the user put in must be said from now on, what the user took out must not."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import chain, islice

import regex

from studio.domain.checks import Check
from studio.evaluation.common_words import COMMON_WORDS, FUNCTION_WORDS
from studio.evaluation.judging import judge
from studio.evaluation.key_content import Phrase, SpanReader, Weight
from studio.evaluation.words import Piece, contains, normalise, pieces, words

MOST_GROUPS = 4
"""The most conditions of either kind: the point of a correction, not every word of it."""

REWRITE_PIECES = 6
"""Where more than this many words were taken out, most of them were not wrong, only said otherwise."""

# Matching is quadratic at worst; beyond this many pairs of words everything between the equal ends counts as changed.
_MOST_PAIRS = 2_000_000

_RAW_WORD = regex.compile(r"\S+")

_Span = list[Piece]


def check_from_edit(original: str, corrected: str, prompt: str = "") -> Check:
    """The check that a later answer must pass to be as right as the correction.

    Wanted are the key phrases of the inserted spans: numbers (in digits or words) with their units, names, codes,
    rare words; plainer words only where the edit has nothing else. Where words were only taken out, wanted are the
    names and numbers that stay: else an answer about anything else would be right. Unwanted are those of the deleted
    spans that the corrected text does not say itself. `prompt` helps to leave out what merely repeats the question.

    The corrected text passes its check and the original fails it. Where the two say the same words, the check is
    a pattern for the new form. It is empty only if nothing but white space was changed.
    """
    if _RAW_WORD.findall(original) == _RAW_WORD.findall(corrected):
        return Check()
    old, new = normalise(original), normalise(corrected)
    before, after = pieces(old), pieces(new)
    asked = frozenset(words(prompt))
    was, now = SpanReader(old, asked), SpanReader(new, asked)
    deleted, inserted = _changes(was, now, before, after)
    check = Check(
        include=_wanted(now, inserted, words(original)) if inserted else _kept(now, after),
        exclude=_unwanted(was, deleted, words(corrected)),
    )
    candidates: Iterator[Check] = _exact_forms(original, corrected)
    if words(original) != words(corrected):
        candidates = chain([check], _stricter(check, now, inserted, after), candidates)
    for candidate in candidates:
        if not candidate.is_empty and judge(corrected, candidate).ok and not judge(original, candidate).ok:
            return candidate
    # Only texts too long for a pattern come here.
    return replace(check, max_words=len(after))


def _wanted(reader: SpanReader, inserted: list[_Span], had: list[str]) -> tuple[tuple[str, ...], ...]:
    phrases = [phrase for span in inserted for phrase in reader.phrases(span)]
    chosen = _most_telling(phrases, lambda phrase: not _is_reworded(phrase, had)) or _most_telling(phrases)
    return tuple(phrase.alternatives for phrase in chosen)


def _kept(reader: SpanReader, after: _Span) -> tuple[tuple[str, ...], ...]:
    chosen = _most_telling(reader.phrases(after), lambda phrase: phrase.weight >= Weight.NAME)
    return tuple(phrase.alternatives for phrase in chosen)


def _unwanted(reader: SpanReader, deleted: list[_Span], said: list[str]) -> tuple[str, ...]:
    least = Weight.NAME if sum(len(span) for span in deleted) > REWRITE_PIECES else Weight.COMMON

    def is_wrong(phrase: Phrase) -> bool:
        is_said = any(contains(said, words(alternative)) for alternative in phrase.alternatives)
        return phrase.weight >= least and not is_said and not _is_reworded(phrase, said)

    chosen = _most_telling([phrase for span in deleted for phrase in reader.phrases(span)], is_wrong)
    # 'one' for a deleted 1 would forbid half of all answers.
    return tuple(
        form
        for phrase in chosen
        for form in phrase.alternatives
        if form == phrase.text or not COMMON_WORDS.issuperset(words(form))
    )


def _most_telling(phrases: list[Phrase], accept: Callable[[Phrase], bool] = lambda _: True) -> list[Phrase]:
    """At most MOST_GROUPS accepted phrases, the weightiest and longest, in their order in the text."""
    first_at = {phrase.words: i for i, phrase in reversed(list(enumerate(phrases)))}
    ranked = sorted(first_at.values(), key=lambda i: (-phrases[i].weight, -len(phrases[i].text), i))
    chosen = islice((i for i in ranked if accept(phrases[i])), MOST_GROUPS)
    return [phrases[i] for i in sorted(chosen)]


def _is_reworded(phrase: Phrase, text: list[str]) -> bool:
    """Whether the text has plain words of the same stem: 'replacing' is no more than another form of 'replace'."""
    if phrase.weight > Weight.RARE:
        return False
    stems = [word[: max(4, len(word) - 3)] for word in phrase.words]
    return all(any(word.startswith(stem) for word in text) for stem in stems)


def _stricter(check: Check, reader: SpanReader, inserted: list[_Span], after: list[Piece]) -> Iterator[Check]:
    """Checks for edits whose key phrases the original has as well: whole spans, the whole text, its length."""
    for spans in (inserted, [after] if after else []):
        yield replace(check, include=tuple((reader.whole(span).text,) for span in spans))
    if after:
        yield replace(check, max_words=len(after))


def _exact_forms(original: str, corrected: str) -> Iterator[Check]:
    """Patterns for edits that change no word: 'iphone' to 'iPhone', 'Yes!!!' to 'Yes.'."""
    before, after = _RAW_WORD.findall(original), _RAW_WORD.findall(corrected)
    for equal, _, changed in _blocks(before, after):
        if not equal and after[changed]:
            yield Check(pattern=rf"(?<!\w){_escaped(after[changed])}(?!\w)")
    yield Check(pattern=rf"\A\s*{_escaped(after)}\s*\Z")


def _escaped(raw_words: list[str]) -> str:
    return r"\s+".join(regex.escape(word, special_only=True) for word in raw_words)


def _changes(
    was: SpanReader, now: SpanReader, before: list[Piece], after: list[Piece]
) -> tuple[list[_Span], list[_Span]]:
    """Deleted spans of the one and inserted spans of the other, by folded words.

    Changes with nothing but function words between them are one change: a rewritten sentence shares its 'the'
    and 'of' with the old one by chance. A changed number takes its unit along, though that stayed.
    """
    deleted: list[_Span] = [[]]
    inserted: list[_Span] = [[]]
    for equal, a, b in _blocks([piece.words for piece in before], [piece.words for piece in after]):
        changed = bool(deleted[-1] or inserted[-1])
        if not equal or (changed and all(word in FUNCTION_WORDS for piece in before[a] for word in piece.words)):
            deleted[-1] += before[a]
            inserted[-1] += after[b]
        elif changed:
            for reader, span, kept in ((was, deleted[-1], before[a]), (now, inserted[-1], after[b])):
                if span and reader.is_unit(span[-1], kept[0]):
                    span.append(kept[0])
            deleted.append([])
            inserted.append([])
    return [span for span in deleted if span], [span for span in inserted if span]


def _blocks(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterator[tuple[bool, slice, slice]]:
    """(equal?, slice of a, slice of b) in order."""
    if len(a) * len(b) <= _MOST_PAIRS:
        for tag, a_start, a_end, b_start, b_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            yield tag == "equal", slice(a_start, a_end), slice(b_start, b_end)
        return
    shorter = min(len(a), len(b))
    head = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    tail = next((i for i in range(shorter - head) if a[-1 - i] != b[-1 - i]), shorter - head)
    yield True, slice(0, head), slice(0, head)
    yield False, slice(head, len(a) - tail), slice(head, len(b) - tail)
    yield True, slice(len(a) - tail, len(a)), slice(len(b) - tail, len(b))
