"""Lessons: what corrections taught, in a form that can be found again and put into a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from studio.errors import UsageError


class LessonKind(StrEnum):
    FACT = "fact"  # fits questions that look like the one corrected
    STYLE = "style"  # a rule for how answers are written; fits by scope, not by likeness


class ScopeKind(StrEnum):
    """Which questions a rule of style holds for, by the answer they ask for."""

    LIKE = "like"  # questions that look like the example; facts have no other
    EVERY = "every"
    QUESTIONS = "questions"  # everything but texts to be written, and long or listed answers asked for as such
    OPEN = "open"  # of these, explanations, instructions and advice
    FACTS = "facts"  # of these, all others: a name, a number, yes or no
    DATES = "dates"
    DAYS = "days"
    TIMES = "times"
    MONEY = "money"
    LENGTHS = "lengths"
    MEASURES = "measures"  # lengths as well
    NUMBERS = "numbers"
    LISTS = "lists"
    STEPS = "steps"
    DEFINITIONS = "definitions"
    EXPLANATIONS = "explanations"  # definitions as well
    ADVICE = "advice"
    YES_NO = "yes-no"
    PEOPLE = "people"
    MESSAGES = "messages"
    SIGNS = "signs"
    COMPARISONS = "comparisons"
    TRANSLATIONS = "translations"
    CODE = "code"
    TALK = "talk"  # greetings, thanks, and who the two are
    TEXTS = "texts"  # whatever is to be written: messages and signs as well


IN_WORDS: Mapping[ScopeKind, str] = {
    ScopeKind.LIKE: "questions like its example",
    ScopeKind.EVERY: "every answer",
    ScopeKind.QUESTIONS: "every question, but not texts to be written",
    ScopeKind.OPEN: "explanations, instructions and advice",
    ScopeKind.FACTS: "short answers: a name, a number, yes or no",
    ScopeKind.DATES: "answers with a date",
    ScopeKind.DAYS: "answers with a day of the week",
    ScopeKind.TIMES: "answers with a time of day",
    ScopeKind.MONEY: "answers with a sum of money",
    ScopeKind.LENGTHS: "answers with a length",
    ScopeKind.MEASURES: "answers with a length, weight or temperature",
    ScopeKind.NUMBERS: "answers with a number",
    ScopeKind.LISTS: "answers that name several things",
    ScopeKind.STEPS: "instructions",
    ScopeKind.DEFINITIONS: "definitions",
    ScopeKind.EXPLANATIONS: "explanations and definitions",
    ScopeKind.ADVICE: "advice and suggestions",
    ScopeKind.YES_NO: "answers of yes or no",
    ScopeKind.PEOPLE: "answers that name a person",
    ScopeKind.MESSAGES: "messages, letters and announcements",
    ScopeKind.SIGNS: "signs and labels",
    ScopeKind.COMPARISONS: "comparisons",
    ScopeKind.TRANSLATIONS: "translations",
    ScopeKind.CODE: "answers with commands or code",
    ScopeKind.TALK: "greetings and small talk",
    ScopeKind.TEXTS: "texts to be written",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a lesson holds: for answers of a kind, and, where `words` are given, only if the question has one of them.

    `like`: of these, only for questions that look like the example. Written as people type it, 'dates', 'like lists' or
    'messages with student, pupil'.
    """

    kind: ScopeKind = ScopeKind.LIKE
    words: tuple[str, ...] = ()
    like: bool = False

    def __str__(self) -> str:
        kind = f"like {self.kind.value}" if self.like else self.kind.value
        return f"{kind} with {', '.join(self.words)}" if self.words else kind

    @property
    def by_likeness(self) -> bool:
        """Whether it depends on how much a question looks like the example."""
        return self.like or self.kind is ScopeKind.LIKE

    @property
    def in_words(self) -> str:
        """For people to read."""
        named = " or ".join(f"'{word}'" for word in self.words)
        where = f", where the question says {named}" if named else ""
        alike = ", if the question is like its example" if self.like else ""
        return f"{IN_WORDS[self.kind]}{where}{alike}"

    @classmethod
    def parse(cls, text: str) -> Scope:
        """From what `str` gives, however spaced. Raises UsageError naming the kinds there are."""
        named, _, words = " ".join(text.split()).partition(" with ")
        first, _, second = named.casefold().partition(" ")
        like = first == ScopeKind.LIKE and bool(second)
        try:
            kind = ScopeKind(second if like else named.casefold())
        except ValueError:
            raise UsageError(
                f"'{text}' is no scope of a lesson.",
                f"One of {', '.join(ScopeKind)}; 'like lists' is for lists that a question like its example asks for;"
                " a few words may follow, as in 'messages with student, pupil'.",
            ) from None
        return cls(kind, tuple(word.strip() for word in words.split(",") if word.strip()), like)


class LessonStatus(StrEnum):
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Lesson:
    """`applies_when` says for which questions, `guidance` what to do, the example shows it done.

    `scope` is where a rule of style holds, beside the questions that look like its example.
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
    scope: Scope = Scope()
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
class Stamps:
    """What the stamp of all lessons was before a change and is after it."""

    before: str
    after: str


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
