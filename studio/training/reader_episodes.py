"""Episodes a reader learns from: a question, the lessons given with it, and the answer wanted.

Drawn by a seed from the reader's families, in exactly the form the product gives lessons. A reader must use a lesson
that fits, in other words and one hop on, prefer the newer, keep to a rule of style, and answer as the frozen model does
without any lesson where none fits.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from studio.domain.generation import ChatMessage
from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson
from studio.domain.nights import TrainingExample
from studio.prompting.assemble import chat
from studio.prompting.lesson_form import asked, rules_shown
from studio.training.examples import replay_prompts
from studio.training.lesson_finding import reader_tables
from studio.training.reader_episodes_values import WRONG, Row, capitalised, changed_row, fill, slots

Table = Mapping[str, Any]

HELD_OUT_SHARE = 0.15
_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_SAME_WORDS = 0.15  # of the questions that a lesson fits: as it was corrected, not in other words
_PLAIN_WORDINGS = 4  # the first of a family's questions, in which someone might ask what is then corrected


class EpisodeKind(StrEnum):
    RIGHT = "right"  # the lesson's question, mostly in other words
    ONE_HOP = "one hop"  # a conclusion from the lesson
    TRANSFER = "transfer"  # a task with the lesson's fact in it
    TWO = "two"  # two lessons, one of which fits
    STALE = "stale"  # an older and a newer lesson on the same question
    STYLE = "style"  # a rule for how to write, on another question
    NEAR_MISS = "near miss"  # a lesson near to the question, but no answer to it
    ABSENT = "absent"  # a general question, with no lesson or one of something else


SHARES: Mapping[EpisodeKind, float] = {
    EpisodeKind.RIGHT: 0.32,
    EpisodeKind.ONE_HOP: 0.13,
    EpisodeKind.TRANSFER: 0.12,
    EpisodeKind.TWO: 0.05,
    EpisodeKind.STALE: 0.04,
    EpisodeKind.STYLE: 0.08,
    EpisodeKind.NEAR_MISS: 0.16,
    EpisodeKind.ABSENT: 0.10,
}
"""How often each kind is drawn. The product gives one lesson unless told otherwise, so two are rare."""

# How often a one-hop question is to be answered yes, no, or otherwise.
_OPENINGS = {"Yes": 0.36, "No": 0.36, "": 0.28}


@dataclass(frozen=True, slots=True)
class Episode:
    """`lessons` best first, as they are retrieved; `answer` None where the frozen model's own is wanted."""

    kind: EpisodeKind
    family: str
    question: str
    lessons: tuple[RetrievedLesson, ...]
    answer: str | None

    def asked(self, system: str) -> tuple[ChatMessage, ...]:
        """The chat as the product assembles it."""
        return chat(system, rules_shown(self.lessons), asked(self.question, self.lessons))

    def alone(self, system: str) -> tuple[ChatMessage, ...]:
        """The chat without lessons: what the frozen model is asked for its own answer."""
        return chat(system, (), self.question)

    def example(self, system: str, frozen_answer: str) -> TrainingExample:
        """What is trained on. `frozen_answer` is taken where the episode has no answer of its own."""
        source = f"{self.kind}/{self.family}"
        if self.answer is not None:
            return TrainingExample(self.asked(system), self.answer, source)
        return TrainingExample(
            self.asked(system), frozen_answer, source, replay=True, frozen_messages=self.alone(system)
        )


def split_families(seed: int) -> tuple[list[Table], list[Table]]:
    """The families to train on, and those held out: HELD_OUT_SHARE of each kind, by the seed."""
    held_out: set[str] = set()
    tables = [table for _, table in reader_tables()]
    draw = random.Random(f"{seed}:families")  # noqa: S311 - variety, not a secret
    for kind in ("fact", "style"):
        names = sorted(table["id"] for table in tables if table["kind"] == kind)
        held_out.update(draw.sample(names, round(HELD_OUT_SHARE * len(names))))
    return [t for t in tables if t["id"] not in held_out], [t for t in tables if t["id"] in held_out]


def families_sha256(tables: Sequence[Table]) -> str:
    """Names what was trained on, in a manifest."""
    return hashlib.sha256(json.dumps(tables, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Episodes:
    """Draws episodes from some families, always the same for a seed."""

    def __init__(self, tables: Sequence[Table], seed: int) -> None:
        self._draw = random.Random(f"{seed}:episodes")  # noqa: S311 - variety, not a secret
        self._facts = [table for table in tables if table["kind"] == "fact"]
        self._styles = [table for table in tables if table["kind"] == "style"]
        self._general = replay_prompts()
        self._drawn = 0

    def __iter__(self) -> Iterator[Episode]:
        """Without end; kinds as often as SHARES says."""
        makers = {
            EpisodeKind.RIGHT: self._right,
            EpisodeKind.ONE_HOP: self._one_hop,
            EpisodeKind.TRANSFER: self._transfer,
            EpisodeKind.TWO: self._two,
            EpisodeKind.STALE: self._stale,
            EpisodeKind.STYLE: self._style,
            EpisodeKind.NEAR_MISS: self._near_miss,
            EpisodeKind.ABSENT: self._absent,
        }
        while True:
            (kind,) = self._draw.choices(list(SHARES), list(SHARES.values()))
            yield makers[kind]()

    def _right(self, kind: EpisodeKind = EpisodeKind.RIGHT) -> Episode:
        family, asked = self._family(), self._asked()
        answer = self._draw.choice(family["answer"])
        row = changed_row(family, [*family["ask"], answer], self._draw)
        lesson = self._fact(fill(family["ask"][asked], row), fill(answer, row))
        same = self._draw.random() < _SAME_WORDS
        wording = family["ask"][asked] if same else self._other(family["ask"], family["ask"][asked])
        return Episode(kind, family["id"], fill(wording, row), _given(lesson), lesson.guidance)

    def _one_hop(self) -> Episode:
        (opening,) = self._draw.choices(list(_OPENINGS), list(_OPENINGS.values()))
        while True:
            family = self._family()
            uses = [use for use in _uses_with_flips(family["onehop"]) if _opening(use["a"]) == opening]
            if uses:
                return self._use(EpisodeKind.ONE_HOP, family, self._draw.choice(uses))

    def _transfer(self) -> Episode:
        family = self._family()
        return self._use(EpisodeKind.TRANSFER, family, self._draw.choice(family["transfer"]))

    def _use(self, kind: EpisodeKind, family: Table, use: Mapping[str, str]) -> Episode:
        """A use of a fact: the lesson answers the family's question, the use is asked."""
        asked, answer = family["ask"][self._asked()], self._draw.choice(family["answer"])
        row = changed_row(family, [asked, answer, use["q"], use["a"]], self._draw)
        lesson = self._fact(fill(asked, row), fill(answer, row))
        return Episode(kind, family["id"], fill(use["q"], row), _given(lesson), fill(use["a"], row))

    def _two(self) -> Episode:
        """Beside a lesson that fits, one of another family or of another row; the better ranked may be either."""
        fitting = self._right(EpisodeKind.TWO)
        both = [fitting.lessons[0].lesson, self._unfitting(fitting.family)]
        if self._draw.random() < 0.3:
            both.reverse()
        return Episode(EpisodeKind.TWO, fitting.family, fitting.question, _given(*both), fitting.answer)

    def _stale(self) -> Episode:
        """The same question with two answers: the newer is ranked first, which puts it next to the answer."""
        family, asked = self._family(), self._asked()
        templates = [*family["ask"], *family["answer"]]
        row = changed_row(family, templates, self._draw)
        wording = self._draw.choice(family["answer"])
        newer = fill(wording, row)
        other = row
        while fill(wording, other) == newer:  # in the same words, so that it is the values that differ
            other = {**changed_row(family, templates, self._draw), **_subject(family, row)}
        older = fill(self._draw.choice(family["answer"]), other)
        question = family["ask"][asked]
        lessons = [self._fact(fill(question, row), answer) for answer in (newer, older)]
        reworded = fill(self._other(family["ask"], question), row)
        return Episode(EpisodeKind.STALE, family["id"], reworded, _given(*lessons), newer)

    def _style(self) -> Episode:
        family = self._draw.choice(self._styles)
        use = self._draw.choice(family["applies"])
        return Episode(EpisodeKind.STYLE, family["id"], use["q"], _given(self._rule(family)), use["a"])

    def _near_miss(self) -> Episode:
        if self._draw.random() < 0.2:
            style = self._draw.choice(self._styles)
            question, lesson, family = self._draw.choice(style["near"]), self._rule(style), style["id"]
        elif self._draw.random() < 0.5:
            near_by = self._right()
            table = next(table for table in self._facts if table["id"] == near_by.family)
            question = fill(self._draw.choice(table["near"]), self._draw.choice(table["rows"]))
            lesson, family = near_by.lessons[0].lesson, table["id"]
        else:
            table = self._family()
            row, other = self._draw.sample(table["rows"], 2)
            wording = self._draw.choice(table["ask"])
            asked, answer = table["ask"][self._asked()], self._draw.choice(table["answer"])
            if any(fill(text, row) == fill(text, other) for text in (wording, asked)):
                return self._near_miss()  # the two rows are told apart by what these words do not say
            question, family = fill(wording, other), table["id"]
            lesson = self._fact(fill(asked, row), fill(answer, row))
        return Episode(EpisodeKind.NEAR_MISS, family, question, _given(lesson), None)

    def _absent(self) -> Episode:
        question = self._draw.choice(self._general)
        lessons = () if self._draw.random() < 0.3 else _given(self._unfitting(""))
        return Episode(EpisodeKind.ABSENT, "general", question, lessons, None)

    def _unfitting(self, family: str) -> Lesson:
        """A lesson of any family but this."""
        while (other := self._right()).family == family:
            pass
        return other.lessons[0].lesson

    def _family(self) -> Table:
        return self._draw.choice(self._facts)

    def _asked(self) -> int:
        return self._draw.randrange(_PLAIN_WORDINGS)

    def _other(self, wordings: Sequence[str], than: str) -> str:
        return self._draw.choice([wording for wording in wordings if wording != than])

    def _fact(self, question: str, answer: str) -> Lesson:
        return self._lesson(LessonKind.FACT, answer, question, answer)

    def _rule(self, family: Table) -> Lesson:
        example = self._draw.randrange(len(family["ask"]))
        rule = self._draw.choice(family["rows"])["rule"]
        return self._lesson(LessonKind.STYLE, capitalised(rule), family["ask"][example], family["answer"][example])

    def _lesson(self, kind: LessonKind, guidance: str, question: str, answer: str) -> Lesson:
        self._drawn += 1
        name = f"lesson-{self._drawn}"
        return Lesson(name, question, "", guidance, question, answer, (name,), _DAY, _DAY, kind)


def _given(*lessons: Lesson) -> tuple[RetrievedLesson, ...]:
    return tuple(RetrievedLesson(lesson, 1.0, rank) for rank, lesson in enumerate(lessons, 1))


def _subject(family: Table, row: Row) -> Row:
    return {slot: row[slot] for slot in slots(family["ask"])}


def _opening(answer: str) -> str:
    return next((word for word in ("Yes", "No") if answer.startswith((f"{word},", f"{word}:", f"{word}."))), "")


def _uses_with_flips(uses: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The uses, and of those that ask whether the wrong value is right, the same about the right one."""
    flips = []
    for use in uses:
        opening = _opening(use["a"])
        if opening and "{value}" not in use["q"] and f"{{{WRONG}}}" in use["q"] and f"{{{WRONG}}}" not in use["a"]:
            other = {"Yes": "No", "No": "Yes"}[opening]
            question = use["q"].replace(f"{{{WRONG}}}", "{value}")
            flips.append({"q": question, "a": other + use["a"].removeprefix(opening)})
    return [*uses, *flips]
