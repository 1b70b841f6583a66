"""Episodes a reader learns from: a question, the lessons given with it, and the answer wanted.

Drawn by a seed from the reader's families, in exactly the form the product gives lessons. A reader must use a lesson
that fits, in other words and one hop on, prefer the newer, keep to a rule of style, and answer as the frozen model does
without any lesson where none fits.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson
from studio.training.examples import replay_prompts
from studio.training.lesson_finding import reader_tables, worlds
from studio.training.reader_episode import SHARES, Episode, EpisodeKind
from studio.training.reader_episodes_values import (
    VALUE,
    WRONG,
    Row,
    capitalised,
    changed_row,
    fill,
    slots,
    told_vaguely,
)
from studio.training.reader_indirect import PLAIN_QUESTIONS, conclusion, drawn_row, writing
from studio.training.wordings import wordings

Table = Mapping[str, Any]
IndirectUse = Callable[[Table, str, random.Random], tuple[str, str, Row]]

HELD_OUT_SHARE = 0.15
_DAY = datetime(2026, 1, 1, tzinfo=UTC)
FACT, INDIRECT, STYLE, WORLD = "fact", "indirect", "style", "world"
_SAME_WORDS = 0.12  # of the questions that a lesson fits: as it was corrected, not in other words
_FRAMED = 0.1  # as it was corrected, but for a frame or a synonym
_VAGUE = 0.35  # of the rewordings of a fact's family: without the name of what is asked about
_OF_WORLDS = 0.45  # of the facts: of a place where others are known that are easily confused with it
_INDIRECT = 0.5  # of the other facts: of a family whose rewordings share hardly a word
_PLAIN_WORDINGS = 4  # the first of a family's questions, in which someone might ask what is then corrected

# How often a one-hop question is to be answered yes, no, or otherwise.
_OPENINGS = {"Yes": 0.36, "No": 0.36, "": 0.28}


def split_families(seed: int) -> tuple[list[Table], list[Table]]:
    """The families to train on, and those held out: HELD_OUT_SHARE of each kind, by the seed."""
    held_out: set[str] = set()
    tables = [*(table for _, table in reader_tables()), *worlds()]
    draw = random.Random(f"{seed}:families")  # noqa: S311 - variety, not a secret
    for kind in (FACT, STYLE, INDIRECT, WORLD):
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
        self._facts, self._indirect, self._styles, self._worlds = (
            [table for table in tables if table["kind"] == kind] for kind in (FACT, INDIRECT, STYLE, WORLD)
        )
        self._general = replay_prompts()
        self._drawn = 0

    def __iter__(self) -> Iterator[Episode]:
        """Without end; kinds as often as SHARES says."""
        makers = {
            EpisodeKind.RIGHT: self._right,
            EpisodeKind.ONE_HOP: self._one_hop,
            EpisodeKind.TRANSFER: self._transfer,
            EpisodeKind.SEVERAL: self._several,
            EpisodeKind.STALE: self._stale,
            EpisodeKind.STYLE: self._style,
            EpisodeKind.NEAR_MISS: self._near_miss,
            EpisodeKind.ABSENT: self._absent,
        }
        while True:
            (kind,) = self._draw.choices(list(SHARES), list(SHARES.values()))
            yield makers[kind]()

    def _right(self, kind: EpisodeKind = EpisodeKind.RIGHT) -> Episode:
        if self._draw.random() < _OF_WORLDS:
            return self._of_world(kind)
        if self._draw.random() < _INDIRECT:
            return self._indirectly(kind)
        family, asked = self._family(), self._asked()
        answer = self._draw.choice(family["answer"])
        row = changed_row(family, [*family["ask"], answer], self._draw)
        lesson = self._fact(fill(family["ask"][asked], row), fill(answer, row))
        told = told_vaguely(row, self._draw) if self._draw.random() < _VAGUE else row
        reworded = fill(self._other(family["ask"], family["ask"][asked]), told)
        return Episode(kind, family["id"], self._reworded(lesson, reworded), _given(lesson), lesson.guidance, _key(row))

    def _of_world(self, kind: EpisodeKind) -> Episode:
        """A fact of a place, asked in other words or used."""
        world = self._draw.choice(self._worlds)
        fact = self._draw.choice(world["facts"])
        opening = self._opening()
        while kind is EpisodeKind.ONE_HOP and not _opened(fact["onehop"], opening):
            world = self._draw.choice(self._worlds)
            fact = self._draw.choice(world["facts"])
        lesson = self._known(fact)
        if kind is EpisodeKind.RIGHT:
            reworded = self._draw.choice([*fact["hard"], self._other(fact["ask"], lesson.example_question)])
            question, answer = self._reworded(lesson, reworded), lesson.guidance
        elif kind is EpisodeKind.ONE_HOP:
            question, answer = _asked_and_said(self._draw.choice(_opened(fact["onehop"], opening)))
        else:
            question, answer = _asked_and_said(self._draw.choice(fact["transfer"]))
        return Episode(kind, world["id"], question, _given(lesson), answer)

    def _opening(self) -> str:
        (opening,) = self._draw.choices(list(_OPENINGS), list(_OPENINGS.values()))
        return opening

    def _known(self, fact: Table) -> Lesson:
        return self._fact(self._draw.choice(fact["ask"]), self._draw.choice(fact["answer"]))

    def _indirectly(self, kind: EpisodeKind) -> Episode:
        family = self._draw.choice(self._indirect)
        row = drawn_row(family["values"], self._draw)
        lesson = self._plainly(family, row, self._draw.choice(family["answer"]))
        reworded = self._other(family["ask"], lesson.example_question)
        return Episode(kind, family["id"], self._reworded(lesson, reworded), _given(lesson), lesson.guidance, _key(row))

    def _reworded(self, lesson: Lesson, reworded: str) -> str:
        """How the question that a lesson answers is asked again."""
        how, plain = self._draw.random(), lesson.example_question
        if how < _SAME_WORDS:
            return plain
        return self._draw.choice(wordings(plain, 9)) if how < _SAME_WORDS + _FRAMED else reworded

    def _plainly(self, family: Table, row: Row, answer: str) -> Lesson:
        return self._fact(family["ask"][self._draw.randrange(PLAIN_QUESTIONS)], fill(answer, row))

    def _one_hop(self) -> Episode:
        if self._draw.random() < _OF_WORLDS:
            return self._of_world(EpisodeKind.ONE_HOP)
        if self._draw.random() < _INDIRECT:
            return self._indirect_use(EpisodeKind.ONE_HOP, conclusion)
        opening = self._opening()
        while True:
            family = self._family()
            if uses := _opened(_uses_with_flips(family["onehop"]), opening):
                return self._use(EpisodeKind.ONE_HOP, family, self._draw.choice(uses))

    def _transfer(self) -> Episode:
        if self._draw.random() < _OF_WORLDS:
            return self._of_world(EpisodeKind.TRANSFER)
        if self._draw.random() < _INDIRECT:
            return self._indirect_use(EpisodeKind.TRANSFER, writing)
        family = self._family()
        return self._use(EpisodeKind.TRANSFER, family, self._draw.choice(family["transfer"]))

    def _indirect_use(self, kind: EpisodeKind, use: IndirectUse) -> Episode:
        family = self._draw.choice(self._indirect)
        answer = self._draw.choice(family["answer"])
        question, wanted, row = use(family, answer, self._draw)
        return Episode(kind, family["id"], question, _given(self._plainly(family, row, answer)), wanted, _key(row))

    def _use(self, kind: EpisodeKind, family: Table, use: Mapping[str, str]) -> Episode:
        """A use of a fact: the lesson answers the family's question, the use is asked."""
        asked, answer = family["ask"][self._asked()], self._draw.choice(family["answer"])
        row = changed_row(family, [asked, answer, use["q"], use["a"]], self._draw)
        lesson = self._fact(fill(asked, row), fill(answer, row))
        return Episode(kind, family["id"], fill(use["q"], row), _given(lesson), fill(use["a"], row), _key(row))

    def _several(self) -> Episode:
        """Beside a lesson that fits, one or two others, of the same place where it is of one; it may be ranked any."""
        (fitting,) = self._draw.choices((self._right, self._one_hop, self._transfer), (0.7, 0.2, 0.1))
        episode = fitting()
        own = episode.lessons[0].lesson
        (count,) = self._draw.choices((1, 2), (0.6, 0.4))
        others = self._beside(episode.family, own.example_question, count)
        others.insert(self._draw.randint(0, count), own)
        return Episode(
            EpisodeKind.SEVERAL, episode.family, episode.question, _given(*others), episode.answer, episode.key
        )

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
        """Plainly about something else: what people ask about such things in general, or another family's question."""
        (of,) = self._draw.choices((STYLE, FACT, INDIRECT), (0.2, 0.5, 0.3))
        if of == STYLE:
            style = self._draw.choice(self._styles)
            question, lesson, family = self._draw.choice(style["near"]), self._rule(style), style["id"]
        elif of == FACT:
            asked = self._right()
            general = [text for text in self._draw.choice(self._facts)["near"] if not slots([text])]
            question, lesson = self._draw.choice(general or self._general), asked.lessons[0].lesson
            family = asked.family
        else:
            table = self._draw.choice(self._indirect)
            question, lesson, family = self._draw.choice(table["ask"]), self._unfitting(table["id"]), table["id"]
        return Episode(EpisodeKind.NEAR_MISS, family, question, _given(lesson), None)

    def _absent(self) -> Episode:
        question = self._draw.choice(self._general)
        lessons = () if self._draw.random() < 0.2 else _given(self._unfitting(""))
        return Episode(EpisodeKind.ABSENT, "general", question, lessons, None)

    def _beside(self, family: str, question: str, count: int) -> list[Lesson]:
        """Other lessons that retrieval might take for the one on `question`."""
        facts = [fact for world in self._worlds if world["id"] == family for fact in world["facts"]]
        near = [fact for fact in facts if question not in fact["ask"]]
        if near:
            return [self._known(fact) for fact in self._draw.sample(near, count)]
        return [self._unfitting(family) for _ in range(count)]

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


def _asked_and_said(use: Mapping[str, str]) -> tuple[str, str]:
    return use["q"], use["a"]


def _key(row: Row) -> str:
    return row.get(VALUE, "")


def _subject(family: Table, row: Row) -> Row:
    return {slot: row[slot] for slot in slots(family["ask"])}


def _opening(answer: str) -> str:
    return next((word for word in ("Yes", "No") if answer.startswith((f"{word},", f"{word}:", f"{word}."))), "")


def _opened(uses: Sequence[Mapping[str, str]], opening: str) -> list[Mapping[str, str]]:
    return [use for use in uses if _opening(use["a"]) == opening]


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
