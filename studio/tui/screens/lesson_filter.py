"""The lessons' filter: what it looks at, its word for a label, and how many it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from textual.app import App

from studio.domain.lessons import Lesson, LessonStatus
from studio.domain.plural import plural
from studio.tui.screens.label_choice import choose_label
from studio.tui.screens.lesson_list import states_of

PREFIX = "label:"


def label_word(label: str) -> str:
    """The label as one word of the filter."""
    return PREFIX + "_".join(label.split())


def with_label(words: str, label: str) -> str:
    """The filter's words, with this label in the place of any other; with none where it is empty."""
    others = [word for word in words.split() if not word.casefold().startswith(PREFIX)]
    return " ".join([*others, *([label_word(label)] if label else [])])


def label_among(words: str, labels: Iterable[str]) -> str:
    """The label that is filtered by; empty where none is."""
    asked = words.casefold().split()
    return next((label for label in labels if label_word(label).casefold() in asked), "")


async def choose_label_word(app: App[Any], words: str, labels: Mapping[str, Sequence[str]]) -> str | None:
    """Ask which label; the filter's words with it, None where it was left as it is. `labels` by lesson."""
    counts = Counter(label for carried in labels.values() for label in carried)
    about = {label: plural(counts[label], "lesson") for label in sorted(counts)}
    picked = await choose_label(app, "Lessons of which label?", "All lessons", about, label_among(words, about))
    return None if picked is None else with_label(words, picked)


def haystack(lesson: Lesson, labels: Sequence[str] = ()) -> str:
    """All that a lesson is found by."""
    texts = (lesson.title, lesson.applies_when, lesson.guidance, lesson.example_question, lesson.example_answer)
    return " ".join((*texts, *states_of(lesson), *labels, *map(label_word, labels))).casefold()


def matching(lessons: Sequence[Lesson], haystacks: Sequence[str], words: Collection[str]) -> list[Lesson]:
    """Those with all of the words, which are folded."""
    return [lesson for lesson, text in zip(lessons, haystacks, strict=True) if all(word in text for word in words)]


def count_words(matches: Sequence[Lesson], everything: Sequence[Lesson]) -> str:
    """How many were found, or how many there are, those that are given apart from those that are not."""
    if len(matches) < len(everything):
        return f"{len(matches):,} of {len(everything):,} lessons"
    if not everything:
        return "no lessons yet"
    retired = sum(lesson.status is LessonStatus.RETIRED for lesson in everything)
    if not retired:
        return number_words(len(everything))
    return f"{plural(len(everything) - retired, 'lesson')} in use, {retired:,} retired; newest first"


def number_words(lessons: int) -> str:
    """How many there are, before it is known which."""
    return f"{plural(lessons, 'lesson')}, newest first"
