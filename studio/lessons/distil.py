"""From a correction to a lesson, word for word: pure, and without any model, so that nothing can be made up."""

from __future__ import annotations

import re
from datetime import datetime

from studio.domain.lessons import Lesson, LessonKind, Scope
from studio.domain.log import Correction
from studio.lessons.edits import form_changed, keeps_order
from studio.lessons.remarks import speaks_of_form, speaks_of_the_user
from studio.lessons.scope import learn_scope

_TITLE_CHARACTERS = 72
_LIKE_THE_EXAMPLE = "Write the answer in the form of this example."
# An answer this many times longer than the correction, in words, and of the same words, was cut, not set right.
_SHORTENED = 2
_LEAST_WORDS_TO_SHORTEN = 12

_WORD = re.compile(r"\w+")
# What may not be cut: a negation, a condition, one of several, how sure it is.
_TURNS_IT = frozenset(
    "no not never none nothing cannot if unless only except or usually maybe perhaps probably could might".split()  # noqa: SIM905
)
# A name, a number or a day; a capital at the beginning of a sentence tells nothing.
_NAMED = re.compile(r"(?<=[^\s.!?:\"“])\s+([A-Z]\w+)|(\d+)")


def distil(correction: Correction, *, lesson_id: str, at: datetime) -> Lesson:
    """The lesson of one correction. `guidance` is what the model will be told.

    Of a fact that is the corrected answer; of a style, the user's own words about it, or else what the edit shows, with
    the correction as example. The question asked and the answer wanted are kept as the example either way.
    """
    kind = kind_of(correction)
    question, answer = correction.prompt.strip(), correction.corrected.strip()
    remarks = " ".join(text.strip() for text in (correction.rationale, correction.feedback) if text.strip())
    if kind is LessonKind.STYLE:
        changed = form_changed(correction.original, answer) if not remarks else None
        rule = changed.rule if changed else remarks
        scope, title, guidance = learn_scope(rule, question), rule or question, rule or _LIKE_THE_EXAMPLE
        applies_when = f"The task is like: {_shortened(question)}"
    else:
        scope, title, guidance = Scope(), question, answer
        applies_when = f"Someone asks, in these or other words: {_shortened(question)}"
    return Lesson(
        id=lesson_id,
        title=_shortened(title),
        applies_when=applies_when,
        guidance=guidance,
        example_question=question,
        example_answer=answer,
        source_ids=(correction.id,),
        created_at=at,
        updated_at=at,
        kind=kind,
        scope=scope,
    )


def kind_of(correction: Correction) -> LessonKind:
    """What the user labelled it; else style where the user spoke of how to write, or changed only how it is written."""
    labels = {label.strip().casefold() for label in correction.labels}
    for kind in LessonKind:
        if kind.value in labels:
            return kind
    remarks, asked = (correction.rationale, correction.feedback), correction.prompt
    if any(speaks_of_form(remark, asked) or speaks_of_the_user(remark, asked) for remark in remarks):
        return LessonKind.STYLE
    before, after = correction.original, correction.corrected
    return LessonKind.STYLE if _changes_form_only(correction) or form_changed(before, after) else LessonKind.FACT


def lesson_keys(lesson: Lesson) -> tuple[str, ...]:
    """The texts a lesson is embedded under, best alone first: the question, and the question with its answer.

    Measured better together than either alone (docs/lessons.md). Without an example, the lesson's own words.
    """
    if not lesson.example_question.strip():
        return (f"{lesson.title} {lesson.guidance}".strip(),)
    return lesson.example_question, f"{lesson.example_question} {lesson.example_answer}".strip()


def _changes_form_only(correction: Correction) -> bool:
    """Whether the edit changed punctuation, capitals or lines alone, or cut what the question does not ask."""
    before, after = (_WORD.findall(text.casefold()) for text in (correction.original, correction.corrected))
    if not before or not after or correction.original.strip() == correction.corrected.strip():
        return False
    if before == after:
        return True
    if len(before) < max(_LEAST_WORDS_TO_SHORTEN, _SHORTENED * len(after)) or not keeps_order(before, after):
        return False
    told = {name.casefold() for found in _NAMED.findall(correction.original) for name in found if name}
    return not (set(before) & (_TURNS_IT | told)) - set(after) - set(_WORD.findall(correction.prompt.casefold()))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TITLE_CHARACTERS else f"{line[: _TITLE_CHARACTERS - 1].rstrip()}…"
