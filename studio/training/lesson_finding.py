"""What the embedder learns from: made-up memories of lessons, with questions that fit one of them, or none.

Read from the reader's families, from small worlds whose facts lie near to each other (`finding/*.toml`), from questions
that are near by these facts and harder to tell from what fits (`near_by.jsonl`: the same asked of the world at large,
something else about what is one's own), and from the replay prompts; nothing of a scenario is among them.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from studio.training.examples import replay_prompts
from studio.training.reader_episodes_values import Row, fill, told_vaguely
from studio.training.reader_indirect import PLAIN_QUESTIONS, conclusion, drawn_row, writing

Table = Mapping[str, Any]

KEPT_BACK = 7
"""One in so many replay prompts is not trained on, so that thresholds can be chosen on it."""

_PLAIN_WORDINGS = 4  # of a family: the first, in which someone might put a question that is corrected
_FAMILIES, _TWICE = 17, 3  # in one memory; some with two rows, which share their words and not their values
_TOPICS = 4
_OF_WORLDS = 0.6  # of the memories: a world and some families
_BESIDE = 8
_WORDINGS_EACH, _NEAR_EACH = 2, 2  # questions of each lesson that ask the same, and that only seem to fit
_GENERAL, _STYLE, _ABSENT = 10, 4, 3
_VAGUE = 0.2  # of the families: asked after without the name of what is spoken of


@dataclass(frozen=True, slots=True)
class Fact:
    """A corrected question and its answer, with other wordings and uses, and questions near by that it does not fit.

    `uses` are conclusions from it, and texts to write in which it is said.
    """

    question: str
    answer: str
    wordings: tuple[str, ...]
    uses: tuple[tuple[str, ...], tuple[str, ...]]
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MadeUpMemory:
    """`lessons` by their keys, a question and the same with its answer; `owners` are positions among them.

    A question that fits none has the position after the last.
    """

    lessons: tuple[tuple[str, str], ...]
    questions: tuple[str, ...]
    owners: tuple[int, ...]


class Memories:
    """Draws memories, always the same for a seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - variety, not a secret
        tables = list(reader_tables())
        self._families = [(topic, table) for topic, table in tables if table["kind"] != "style"]
        self._topics = sorted({topic for topic, _ in self._families})
        self._worlds = worlds()
        self._harder = harder_near_by()
        self._general = [prompt for place, prompt in enumerate(replay_prompts()) if not kept_back(place)]
        self._style = [text for _, table in tables if table["kind"] == "style" for text in _asked_for_style(table)]

    def next(self) -> MadeUpMemory:
        """One memory. Most are of one world or of a few topics, so that lessons lie near to each other."""
        others = self._draw.sample(self._general, _GENERAL) + self._draw.sample(self._style, _STYLE)
        if self._draw.random() < _OF_WORLDS:
            here, absent = self._draw.sample(self._worlds, 2)
            facts = [self._of_world(fact) for fact in here["facts"]]
            facts += [self._of_family(table) for _, table in self._draw.sample(self._families, _BESIDE)]
            others += [self._draw.choice(fact["ask"]) for fact in self._draw.sample(absent["facts"], _ABSENT)]
        else:
            chosen = self._chosen()
            facts = [self._of_family(table) for table in chosen + self._draw.sample(chosen, _TWICE)]
        asked: list[tuple[str, int]] = []
        for place, fact in enumerate(facts):
            fitting = [*self._draw.sample(fact.wordings, _WORDINGS_EACH), self._used(fact)]
            asked += [(text, place) for text in fitting]
            others += self._draw.sample(fact.near, min(_NEAR_EACH, len(fact.near)))
        kept = _told_apart([*asked, *((text, len(facts)) for text in others)])
        lessons = tuple((fact.question, f"{fact.question} {fact.answer}") for fact in facts)
        return MadeUpMemory(lessons, tuple(text for text, _ in kept), tuple(owner for _, owner in kept))

    def _used(self, fact: Fact) -> str:
        """A conclusion or a text, as often the one as the other where there are both."""
        return self._draw.choice(self._draw.choice([part for part in fact.uses if part]))

    def _chosen(self) -> list[Table]:
        families = self._families
        if self._draw.random() < 0.5:
            topics = self._draw.sample(self._topics, _TOPICS)
            families = [(topic, table) for topic, table in families if topic in topics]
        return [table for _, table in self._draw.sample(families, min(_FAMILIES, len(families)))]

    def _of_world(self, fact: Table) -> Fact:
        question = self._draw.choice(fact["ask"])
        other = [text for text in fact["ask"] if text != question]
        answer = self._draw.choice(fact["answer"])
        near = (*fact["near"], *self._harder[fact["ask"][0]])
        return Fact(question, answer, (*other, *fact["hard"]), _uses(fact), near)

    def _of_family(self, table: Table) -> Fact:
        return self._indirect(table) if table["kind"] == "indirect" else self._direct(table)

    def _direct(self, table: Table) -> Fact:
        row: Row = self._draw.choice(table["rows"])
        asked = self._draw.randrange(min(_PLAIN_WORDINGS, len(table["ask"])))
        told = told_vaguely(row, self._draw) if self._draw.random() < _VAGUE else row
        wordings = [fill(text, told) for place, text in enumerate(table["ask"]) if place != asked]
        conclusions, texts = (tuple(fill(text, row) for text in part) for part in _uses(table))
        near = tuple(fill(text, row) for text in table["near"])
        answer = self._draw.choice(table["answer"])
        return Fact(fill(table["ask"][asked], row), fill(answer, row), tuple(wordings), (conclusions, texts), near)

    def _indirect(self, table: Table) -> Fact:
        answer = self._draw.choice(table["answer"])
        # Each use draws a value of its own; values are not what a lesson is found by.
        concluded, written = (use(table, answer, self._draw)[0] for use in (conclusion, writing))
        row = drawn_row(table["values"], self._draw)
        asked = self._draw.randrange(PLAIN_QUESTIONS)
        wordings = [text for place, text in enumerate(table["ask"]) if place != asked]
        return Fact(table["ask"][asked], fill(answer, row), tuple(wordings), ((concluded,), (written,)), ())


def kept_back(place: int) -> bool:
    """Whether the replay prompt at this place is left for choosing thresholds."""
    return place % KEPT_BACK == 3


def reader_tables() -> Iterator[tuple[str, dict[str, Any]]]:
    """The reader's families as written, each with its topic."""
    return _tables("reader", "family")


def worlds() -> list[Table]:
    """Places with the `facts` that are known there, as a family has its rows."""
    known: dict[str, list[Table]] = {}
    for place, fact in _tables("finding", "fact"):
        known.setdefault(place.removesuffix(".toml"), []).append(fact)
    return [{"id": place, "kind": "world", "facts": facts} for place, facts in known.items()]


def harder_near_by() -> dict[str, tuple[str, ...]]:
    """By a world's fact, named by its first question, questions that it only seems to fit."""
    lines = files("studio.training").joinpath("near_by.jsonl").read_text(encoding="utf-8").splitlines()
    return {(one := json.loads(line))["fact"]: tuple(one["near"]) for line in lines}


def _tables(folder: str, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    place = files("studio.training").joinpath(folder)
    for file in sorted((one for one in place.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name):
        for table in tomllib.loads(file.read_text(encoding="utf-8"))[kind]:
            yield file.name, table


def _uses(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    conclusions, texts = (tuple(use["q"] for use in table[part]) for part in ("onehop", "transfer"))
    return conclusions, texts


def _told_apart(asked: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Without the texts that two rows of a family share word for word: they belong to neither."""
    owners: dict[str, set[int]] = {}
    for text, owner in asked:
        owners.setdefault(text, set()).add(owner)
    return [(text, owner) for text, owner in asked if len(owners[text]) == 1]


def _asked_for_style(table: Table) -> list[str]:
    return [*table["ask"], *table["near"], *(use["q"] for use in table["applies"])]
