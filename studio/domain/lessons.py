"""Lessons: what corrections taught, in a form that can be found again and put into a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LessonKind(StrEnum):
    FACT = "fact"  # fits questions that look like the one corrected
    STYLE = "style"  # a rule for how answers are written; fits by scope, not by likeness


class LessonStatus(StrEnum):
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Lesson:
    """`applies_when` says for which questions, `guidance` what to do, the example shows it done.

    `source_ids` are the corrections it was distilled from. `weak`: re-applied to its own source it did not
    fix the answer. `pinned` lessons are given whenever they are not retired. `replaced_by` names the newer
    lesson that retired this one. `revision` grows by one with each edit.
    """

    id: str
    title: str
    applies_when: str
    guidance: str
    example_question: str
    example_answer: str
    source_ids: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    kind: LessonKind = LessonKind.FACT
    status: LessonStatus = LessonStatus.ACTIVE
    pinned: bool = False
    weak: bool = False
    replaced_by: str | None = None
    retired_reason: str = ""
    revision: int = 1


@dataclass(frozen=True, slots=True)
class RetrievedLesson:
    """A lesson found for a question. `score` in [-1, 1], higher fits better; `rank` counts from 1."""

    lesson: Lesson
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class LessonUse:
    """One answer a lesson was given to."""

    lesson_id: str
    answer_id: str
    prompt: str
    arm: str
    answer: str
    score: float
    created_at: datetime
