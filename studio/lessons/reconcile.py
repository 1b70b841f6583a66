"""Keeping lessons consistent: a new lesson against those there are. Pure; the caller stores what comes out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from studio.domain.lessons import Lesson, LessonKind, LessonStatus, Scope, ScopeKind
from studio.lessons.behind import CONTRADICTED, EXPLICITLY_SUPERSEDED
from studio.lessons.same_words import same_words

SAME_QUESTION = 0.88
"""Cosine of the keys from which questions that ask the same by their words (studio.lessons.same_words) are the same."""

ALIKE = 0.56
"""Cosine of the keys from which a rule for questions like one example speaks of the other's too."""

_MATTERS = tuple(
    (matter, re.compile(rf"\b(?:{said})\b", re.IGNORECASE))
    for matter, said in (
        ("beginning", r"(?:begin|start|open)s?"),
        ("end", r"(?:end|finish|close)s?|sign(?:ed|s)?[\s-]+off|sign(?:ed)?\s+(?:as|with)|at\s+the\s+end"),
        ("length", r"words?|sentences?|short(?:er)?|brief(?:ly)?|concise"),
        ("spelling", r"spell\w*|british|american"),
        ("case", r"capitals?|lower[\s-]*case|upper[\s-]*case|caps"),
        ("tone", r"formal\w*|informal\w*|casual\w*|chatty|polite\w*|friendl\w+|tone"),
        ("emoji", r"emojis?|smileys?"),
    )
)
# Answers with one thing in them, written one way: two rules for how are two ways.
_OF_ONE_FORM = frozenset(
    {ScopeKind.DATES, ScopeKind.DAYS, ScopeKind.TIMES, ScopeKind.MONEY, ScopeKind.MEASURES, ScopeKind.NUMBERS}
    | {ScopeKind.LISTS, ScopeKind.STEPS, ScopeKind.PEOPLE, ScopeKind.CODE, ScopeKind.COMPARISONS}
)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`keep` is the lesson to store, or None where an earlier one already says the same.

    `retired` are earlier lessons that the new one replaces, ready to be written. Where an earlier one says the same it
    has the new correction among its sources: `updated` is that lesson, to be written in place of the old revision.
    `restated` is an earlier fact that the new correction gave another form, as it reads now.
    """

    keep: Lesson | None
    retired: tuple[Lesson, ...] = ()
    updated: Lesson | None = None
    restated: Lesson | None = None


def reconcile(
    new: Lesson,
    existing: Sequence[Lesson],
    similarity: Mapping[str, float],
    *,
    superseded: Collection[str] = (),
    at: datetime,
) -> Reconciliation:
    """Weigh a new lesson against the existing ones.

    `similarity` is the cosine of keys by lesson id (LessonIndex.similarities); `superseded` are the corrections that
    the new lesson's source replaces. An active fact for the same question is replaced, as is every lesson distilled
    from superseded corrections alone: the newer wins, the older is retired with its reason and not deleted. The same
    question with the same guidance is no new lesson, nor is a rule of style said once more; said of unlike questions,
    it holds for all of their sort. Two rules may both hold for one answer; the newer replaces the older where both have
    one scope and settle one matter, its length, say. A correction of a known fact's form leaves the fact, in its new
    words, beside the rule that was learnt from it.
    """
    retired: list[Lesson] = []
    duplicate: Lesson | None = None
    restated: Lesson | None = None
    scope = new.scope
    for old in existing:
        if old.status is LessonStatus.RETIRED or old.id == new.id:
            continue
        if not set(old.source_ids).isdisjoint(superseded) and _gives_another_form(new, old):
            restated = restate(old, new.example_answer, (*old.source_ids, *new.source_ids), at)
            continue
        if old.source_ids and set(old.source_ids) <= set(superseded):
            retired.append(_retire(old, new, EXPLICITLY_SUPERSEDED, at))
            continue
        alike = similarity.get(old.id, -1.0)
        if _same_scope(new, old) or _same_question(new, old, alike):
            if _folded(old.guidance) == _folded(new.guidance):
                if duplicate is None:
                    duplicate, scope = old, _said_twice(new, old, alike)
            elif reason := _overruled(new, old, alike):
                retired.append(_retire(old, new, reason, at))
    if duplicate is None:
        return Reconciliation(new, tuple(retired), restated=restated)
    sources = tuple(dict.fromkeys((*duplicate.source_ids, *new.source_ids)))
    updated = replace(duplicate, scope=scope, source_ids=sources, updated_at=at, revision=duplicate.revision + 1)
    retired = [replace(old, replaced_by=duplicate.id) for old in retired]
    return Reconciliation(None, tuple(retired), updated, restated)


def restate(fact: Lesson, answer: str, source_ids: Sequence[str], at: datetime) -> Lesson:
    """A fact in other words, and the corrections it is from."""
    said = replace(fact, guidance=answer, example_answer=answer, source_ids=tuple(source_ids), updated_at=at)
    return replace(said, revision=fact.revision + 1)


def matter_of(rule: Lesson) -> str:
    """What a rule settles about the answers it holds for, by its words; empty where that is not known."""
    for matter, said in _MATTERS:
        if said.search(rule.guidance):
            return matter
    return "form" if rule.scope.kind in _OF_ONE_FORM else ""


def _gives_another_form(new: Lesson, old: Lesson) -> bool:
    return new.kind is LessonKind.STYLE and old.kind is LessonKind.FACT and _the_very_question(new, old)


def _overruled(new: Lesson, old: Lesson, alike: float) -> str:
    """Why the older of two lessons for the same questions goes, or nothing where both may stand."""
    if new.kind is LessonKind.FACT and old.kind is LessonKind.FACT:
        return CONTRADICTED
    if not _same_scope(new, old) or not matter_of(new) == matter_of(old) != "":
        return ""
    if new.scope.like and not (old.scope.like and alike >= ALIKE):
        return ""  # the older also holds where the newer does not
    return "a newer rule for the same answers says otherwise"


def _same_scope(new: Lesson, old: Lesson) -> bool:
    """Whether two rules are for answers of one kind; each may hold only for questions like its example."""
    if new.kind is not LessonKind.STYLE or old.kind is not LessonKind.STYLE or new.scope.kind is ScopeKind.LIKE:
        return False
    return replace(new.scope, like=False) == replace(old.scope, like=False)


def _said_twice(new: Lesson, old: Lesson, alike: float) -> Scope:
    """The scope of a rule that is said again: a whole kind of answer, once it was said of questions that are unlike."""
    if not _same_scope(new, old):
        return old.scope
    return replace(old.scope, like=old.scope.like and new.scope.like and alike >= ALIKE)


def _same_question(new: Lesson, old: Lesson, similarity: float) -> bool:
    alike = similarity >= SAME_QUESTION and same_words(new.example_question, old.example_question)
    return alike or _the_very_question(new, old)


def _the_very_question(new: Lesson, old: Lesson) -> bool:
    asked = _folded(new.example_question)
    return asked != "" and asked == _folded(old.example_question)


def _retire(old: Lesson, new: Lesson, reason: str, at: datetime) -> Lesson:
    return replace(
        old,
        status=LessonStatus.RETIRED,
        pinned=False,
        retired_reason=reason,
        replaced_by=new.id,
        updated_at=at,
        revision=old.revision + 1,
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!? ")
