"""What an edit says about form where the user gave no reason: the same date, time or things, written another way.

English only, as far as words are concerned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studio.domain.lessons import ScopeKind

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?"
_DATES = (
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b"),
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}{_YEAR}\b", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+(?:the\s+)?{_DAY}{_YEAR}\b", re.IGNORECASE),
)
_TIMES = (
    re.compile(r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s*(?P<half>[ap])\.?m\b\.?", re.IGNORECASE),
    re.compile(r"\b(?P<hour>\d{1,2}):(?P<minute>\d\d)\b(?P<half>)"),
)
_BULLETS = re.compile(r"(?:\s*(?P<bullet>[-*•])\s+\S.*(?:\n|\Z)){2,}\s*")
_NUMBERED = re.compile(r"(?:\s*(?:step\s+)?\d{1,2}[.):]\s+\S.*(?:\n|\Z)){2,}\s*", re.IGNORECASE)
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|(?:step\s+)?\d{1,2}[.):])\s+", re.IGNORECASE | re.MULTILINE)
_WORD = re.compile(r"\w+")
_JOINING = frozenset({"and", "or", "step", "then", "first", "finally", "on", "at", "the", "of"})

_Value = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChangedForm:
    """What was written otherwise, and the rule that says so."""

    kind: ScopeKind
    rule: str


def form_changed(original: str, corrected: str) -> ChangedForm | None:
    """The form that an edit changed while it kept what is said; None where it changed what is said, or nothing known.

    What is kept may be cut short: of the words beside, none may be new, and none may stand in another order. Values
    that change places say something else.
    """
    for kind, noun, find in ((ScopeKind.DATES, "dates", _dates), (ScopeKind.TIMES, "times", _times)):
        before, after = find(original), find(corrected)
        same = after and list(dict(after)) == list(dict(before))
        if same and {text for _, text in after} != {text for _, text in before}:
            rest, kept = (_words(text, found) for text, found in ((original, before), (corrected, after)))
            in_order = keeps_order(rest, kept)
            return ChangedForm(kind, f"Write {noun} like {after[0][1]}.") if in_order else None
    if _words(corrected, []) == _words(original, []):
        if (listed := _BULLETS.fullmatch(corrected)) and not _BULLETS.search(original):
            return ChangedForm(ScopeKind.LISTS, f"List things one a line, each after '{listed['bullet']}'.")
        if _NUMBERED.fullmatch(corrected) and not _NUMBERED.search(original):
            return ChangedForm(ScopeKind.STEPS, "Number the steps, one a line.")
    return None


def keeps_order(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether nothing was added or moved: `after` is `before`, or what is left of it."""
    left = iter(before)
    return all(word in left for word in after)


def _dates(text: str) -> list[tuple[_Value, str]]:
    return _found(_DATES, text, lambda m: (int(m["year"] or 0), _month(m["month"]), int(m["day"])))


def _times(text: str) -> list[tuple[_Value, str]]:
    def value(match: re.Match[str]) -> _Value:
        hour = int(match["hour"])
        if half := match["half"]:
            hour = hour % 12 + 12 * (half in "pP")
        return hour, int(match["minute"] or 0)

    return _found(_TIMES, text, value)


def _found(
    patterns: tuple[re.Pattern[str], ...], text: str, value: Callable[[re.Match[str]], _Value]
) -> list[tuple[_Value, str]]:
    """What the patterns find, each part of the text once, in the order of the text."""
    found = []
    for pattern in patterns:
        found += [(match.start(), value(match), match[0].strip()) for match in pattern.finditer(text)]
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    return [(worth, written) for _, worth, written in sorted(found)]


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3].casefold()) + 1


def _words(text: str, without: list[tuple[_Value, str]]) -> list[str]:
    for _, found in without:
        text = text.replace(found, " ")
    return [word for word in _WORD.findall(_LIST_MARK.sub("", text).casefold()) if word not in _JOINING]
