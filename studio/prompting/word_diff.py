"""Word-level difference of two texts: what the user put in and took out. Used by the screens and by checks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

# Matching takes time by the pairs of equal units, and by the units; beyond these the next coarser unit is taken.
_MOST_EQUAL_PAIRS = 100_000
_MOST_UNITS = 20_000

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class DiffKind(StrEnum):
    EQUAL = "equal"
    INSERT = "insert"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class DiffSpan:
    """A stretch of text that both texts have, that only the newer has, or that only the older has."""

    kind: DiffKind
    text: str


def word_diff(before: str, after: str) -> list[DiffSpan]:
    """The spans that lead from `before` to `after`, in order; within a change, what was deleted comes first.

    Equal and deleted spans together are `before`; equal and inserted ones are `after`, to the character. Units are
    words, runs of white space and single punctuation marks. Where too much differs for that to be quick, whole
    lines are compared first, and a stretch too large even for lines is one change.
    """
    return list(_merged(_diff(before, after, (_WORD, _LINE))))


def _diff(before: str, after: str, units: Sequence[re.Pattern[str]]) -> Iterator[DiffSpan]:
    """Spans by the first of `units` that is quick enough; what a coarser unit leaves changed is diffed once more."""
    for unit in units:
        old, new = unit.findall(before), unit.findall(after)
        head, tail = _equal_ends(old, new)
        middle = old[head : len(old) - tail], new[head : len(new) - tail]
        if _is_slow(*middle):
            continue
        yield DiffSpan(DiffKind.EQUAL, "".join(old[:head]))
        for equal, removed, added in _blocks(*middle):
            if equal:
                yield DiffSpan(DiffKind.EQUAL, removed)
            elif unit is _LINE:
                yield from _diff(removed, added, (_WORD,))
            else:
                yield from _change(removed, added)
        yield DiffSpan(DiffKind.EQUAL, "".join(old[len(old) - tail :]))
        return
    yield from _change(before, after)


def _change(removed: str, added: str) -> Iterator[DiffSpan]:
    yield DiffSpan(DiffKind.DELETE, removed)
    yield DiffSpan(DiffKind.INSERT, added)


def _is_slow(old: Sequence[str], new: Sequence[str]) -> bool:
    if len(old) + len(new) > _MOST_UNITS:
        return True
    in_old, in_new = Counter(old), Counter(new)
    return sum(count * in_new[unit] for unit, count in in_old.items() if not unit.isspace()) > _MOST_EQUAL_PAIRS


def _equal_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many units the two have in common at their beginnings, and then at their ends."""
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    return head, tail


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """(equal?, text of the old, text of the new). White space starts no match: it occurs everywhere."""
    matcher = SequenceMatcher(str.isspace, old, new, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        yield tag == "equal", "".join(old[old_start:old_end]), "".join(new[new_start:new_end])


def _merged(spans: Iterator[DiffSpan]) -> Iterator[DiffSpan]:
    """Without empty spans, with neighbours of one kind joined, and with a change's deletions before its insertions."""
    pending = {DiffKind.EQUAL: "", DiffKind.DELETE: "", DiffKind.INSERT: ""}
    for span in spans:
        if not span.text:
            continue
        if (span.kind is DiffKind.EQUAL) != bool(pending[DiffKind.EQUAL]):
            yield from _flushed(pending)
        pending[span.kind] += span.text
    yield from _flushed(pending)


def _flushed(pending: dict[DiffKind, str]) -> Iterator[DiffSpan]:
    for kind, text in pending.items():
        if text:
            yield DiffSpan(kind, text)
        pending[kind] = ""
