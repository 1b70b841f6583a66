"""One episode: what kind it is of, what is asked with which lessons, and what is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from studio.domain.generation import ChatMessage
from studio.domain.lessons import RetrievedLesson
from studio.domain.nights import TrainingExample
from studio.prompting.assemble import chat
from studio.prompting.lesson_form import asked, turns_shown


class EpisodeKind(StrEnum):
    RIGHT = "right"  # the lesson's question, mostly in other words
    ONE_HOP = "one hop"  # a conclusion from the lesson
    TRANSFER = "transfer"  # a task with the lesson's fact in it
    SEVERAL = "several"  # two to four lessons, one of which fits
    STALE = "stale"  # an older and a newer lesson on the same question
    STYLE = "style"  # a rule for how to write, on another question
    NEAR_MISS = "near miss"  # a lesson, and a question that is plainly about something else
    ABSENT = "absent"  # a general question, with no lesson or one of something else


SHARES: Mapping[EpisodeKind, float] = {
    EpisodeKind.RIGHT: 0.30,
    EpisodeKind.ONE_HOP: 0.18,
    EpisodeKind.TRANSFER: 0.10,
    EpisodeKind.SEVERAL: 0.26,
    EpisodeKind.STALE: 0.04,
    EpisodeKind.STYLE: 0.04,
    EpisodeKind.NEAR_MISS: 0.04,
    EpisodeKind.ABSENT: 0.04,
}
"""How often each kind is drawn. Retrieval has judged already that a lesson fits, so one that does not is rare: a
reader that saw many took few shared words for a sign of it (docs/lessons.md)."""


@dataclass(frozen=True, slots=True)
class Episode:
    """`lessons` best first, as they are retrieved; `answer` None where the frozen model's own is wanted.

    `key` is what a right answer holds in any words, where the family says: the value asked for.
    """

    kind: EpisodeKind
    family: str
    question: str
    lessons: tuple[RetrievedLesson, ...]
    answer: str | None
    key: str = ""

    def asked(self, system: str) -> tuple[ChatMessage, ...]:
        """The chat as the product assembles it."""
        return chat(system, turns_shown(self.lessons), asked(self.question, self.lessons))

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
