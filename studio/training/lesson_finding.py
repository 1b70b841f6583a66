"""What the embedder learns from: made-up memories of lessons, with questions that fit one of them, or none.

Read from the reader's families and the replay prompts; nothing of a scenario is among them.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from studio.training.examples import replay_prompts

Row = Mapping[str, str]

_PLAIN_WORDINGS = 4  # of a family: the first, in which someone might put a question that is corrected
_FAMILIES, _TWICE = 28, 4  # in one memory; some with two rows, which share their words and not their values
_TOPICS = 4
_GENERAL, _STYLE = 12, 6


@dataclass(frozen=True, slots=True)
class Family:
    """Facts of one kind: templates, and the rows that fill them."""

    topic: str
    rows: tuple[Row, ...]
    ask: tuple[str, ...]
    answer: tuple[str, ...]
    uses: tuple[str, ...]  # one-hop uses and transfers
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
        self._families = [_family(topic, table) for topic, table in reader_tables() if table["kind"] == "fact"]
        self._topics = sorted({family.topic for family in self._families})
        self._general = replay_prompts()
        self._style = [
            text for _, table in reader_tables() if table["kind"] == "style" for text in _asked_for_style(table)
        ]

    def next(self) -> MadeUpMemory:
        """One memory. Half of them are of a few topics, so that lessons lie near to each other."""
        lessons: list[tuple[str, str]] = []
        fitting: list[tuple[str, int]] = []
        others: list[str] = self._draw.sample(self._general, _GENERAL) + self._draw.sample(self._style, _STYLE)
        for family, row in self._filled(self._chosen()):
            asked = self._draw.randrange(min(_PLAIN_WORDINGS, len(family.ask)))
            question = family.ask[asked].format_map(row)
            answer = self._draw.choice(family.answer).format_map(row)
            wordings = [text for i, text in enumerate(family.ask) if i != asked]
            drawn = self._draw.sample([*wordings, *family.uses, *family.uses], 2)
            fitting.extend((text.format_map(row), len(lessons)) for text in drawn)
            others.append(self._draw.choice(family.near).format_map(row))
            lessons.append((question, f"{question} {answer}"))
        asked_of_all = [*fitting, *((text, len(lessons)) for text in others)]
        kept = _told_apart(asked_of_all)
        return MadeUpMemory(tuple(lessons), tuple(text for text, _ in kept), tuple(owner for _, owner in kept))

    def _chosen(self) -> list[Family]:
        if self._draw.random() < 0.5:
            topics = self._draw.sample(self._topics, _TOPICS)
            near_by = [family for family in self._families if family.topic in topics]
            return self._draw.sample(near_by, min(_FAMILIES, len(near_by)))
        return self._draw.sample(self._families, _FAMILIES)

    def _filled(self, families: Sequence[Family]) -> list[tuple[Family, Row]]:
        filled = [(family, self._draw.choice(family.rows)) for family in families]
        for family, row in self._draw.sample(filled, _TWICE):
            filled.append((family, self._draw.choice([other for other in family.rows if other is not row])))
        return filled


def _told_apart(asked: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Without the texts that two rows of a family share word for word: they belong to neither."""
    owners: dict[str, set[int]] = {}
    for text, owner in asked:
        owners.setdefault(text, set()).add(owner)
    return [(text, owner) for text, owner in asked if len(owners[text]) == 1]


def reader_tables() -> Iterator[tuple[str, dict[str, Any]]]:
    """The families as written, each with its topic."""
    folder = files("studio.training").joinpath("reader")
    for file in sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name):
        for table in tomllib.loads(file.read_text(encoding="utf-8"))["family"]:
            yield file.name, table


def _family(topic: str, table: Mapping[str, Any]) -> Family:
    uses = tuple(use["q"] for part in ("onehop", "transfer") for use in table[part])
    return Family(topic, tuple(table["rows"]), tuple(table["ask"]), tuple(table["answer"]), uses, tuple(table["near"]))


def _asked_for_style(table: Mapping[str, Any]) -> list[str]:
    return [*table["ask"], *table["near"], *(use["q"] for use in table["applies"])]
