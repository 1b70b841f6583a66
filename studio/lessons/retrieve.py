"""Finding the lessons that fit a question: cosine over a matrix in memory, scopes by words; silence where nothing fits.

Facts are found by likeness. A rule of style has a scope (studio.lessons.scope): it holds for questions that do not look
like the one corrected, and not for all that do.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from studio.domain.first_person import SHARED_FIRST_PERSON, speaks_in_first_person
from studio.domain.lessons import Lesson, LessonKind, LessonStatus, RetrievedLesson, Scope, ScopeKind
from studio.lessons.another_thing import asks_of_another
from studio.lessons.other_languages import SHARED_LETTERS, is_english, lowered_by, shared_letters
from studio.lessons.scope import in_scope

_Vectors = Sequence[Sequence[float]]
_BROAD = (ScopeKind.EVERY, ScopeKind.QUESTIONS, ScopeKind.OPEN, ScopeKind.FACTS, ScopeKind.TEXTS)
# What is asked for so often that it tells little; a question of another sort may be this much less like the example.
_COMMON = (ScopeKind.FACTS, ScopeKind.NUMBERS, ScopeKind.PEOPLE, ScopeKind.QUESTIONS, ScopeKind.EVERY, ScopeKind.LIKE)
_OF_A_RARE_SORT = 0.06

_LETTERS_READ = 32
"""Of a question in another language, the lessons whose letters are compared with its own."""
_LESS_ALIKE = 0.1
"""Where another thing is asked about than the best lesson's, one that is this much less alike is not meant either."""


class LessonIndex:
    """The active lessons of one embedder, with a row each: the mean of the vectors of the lesson's keys.

    The mean told fitting questions from others better than the best key did (docs/lessons.md); and one row a lesson
    keeps a scan of 100,000 within milliseconds. Retired lessons are never held.
    """

    def __init__(self) -> None:
        self._lessons: list[Lesson] = []
        self._position: dict[str, int] = {}
        self._rows: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        # Of each row what would else have to be asked of every lesson, at every question.
        self._first_person: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._pinned: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._style: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._rules: dict[Scope, set[str]] = {}  # ids of the rules of style

    @classmethod
    def build(cls, lessons: Sequence[Lesson], vectors: Sequence[tuple[str, str, Sequence[float]]]) -> LessonIndex:
        """From LessonStore.all and LessonStore.vectors; vectors of unknown lessons are passed over."""
        index = cls()
        index.take(lessons, vectors)
        return index

    def take(self, lessons: Sequence[Lesson], vectors: Sequence[tuple[str, str, Sequence[float]]]) -> None:
        """Hold these lessons, in place of earlier revisions of them, by what there is of theirs among `vectors`."""
        keys: dict[str, list[Sequence[float]]] = {}
        for lesson_id, _, vector in vectors:
            keys.setdefault(lesson_id, []).append(vector)
        for lesson in lessons:
            self.add(lesson, keys.get(lesson.id, []))

    def keep_only(self, ids: Container[str]) -> None:
        """Forget all other lessons."""
        for lesson in self.lessons():
            if lesson.id not in ids:
                self.remove(lesson.id)

    def __len__(self) -> int:
        return len(self._lessons)

    def lessons(self) -> tuple[Lesson, ...]:
        """All lessons held."""
        return tuple(self._lessons)

    def add(self, lesson: Lesson, vectors: _Vectors) -> None:
        """Hold a lesson, in place of an earlier revision of it. A retired one is removed instead.

        `vectors` are unit vectors of its keys; without any it is held, but found only if pinned.
        """
        self.remove(lesson.id)
        if lesson.status is LessonStatus.RETIRED:
            return
        position = len(self._lessons)
        row = np.asarray(vectors, dtype=np.float32).mean(axis=0) if len(vectors) else np.zeros(0, dtype=np.float32)
        self._make_room(position + 1, row.size)
        self._rows[position] = row if row.size else 0.0
        self._first_person[position] = speaks_in_first_person(f"{lesson.example_question} {lesson.guidance}")
        self._pinned[position] = lesson.pinned
        self._style[position] = lesson.kind is LessonKind.STYLE
        self._lessons.append(lesson)
        self._position[lesson.id] = position
        if lesson.kind is LessonKind.STYLE:
            self._rules.setdefault(lesson.scope, set()).add(lesson.id)

    def remove(self, lesson_id: str) -> None:
        """Forget a lesson; one that is not held is no matter."""
        position = self._position.pop(lesson_id, None)
        if position is None:
            return
        self._forget_rule(self._lessons[position])
        last = self._lessons.pop()
        if last.id != lesson_id:
            self._lessons[position] = last
            self._position[last.id] = position
            for held in (self._rows, self._first_person, self._pinned, self._style):
                held[position] = held[len(self._lessons)]

    def fitting(
        self, question: str, question_vector: Sequence[float], *, k: int, threshold: float, rules: int
    ) -> list[RetrievedLesson]:
        """What is given to a question: facts that are alike, as `retrieve` finds them, then at most `rules` rules.

        Facts about another thing than the one asked about are left out. Of the rules in scope, those for questions like
        their example come first, the most alike before the others, then those for a narrow scope, then the rest, of
        equals the newer. Rules do not take the place of facts.
        """
        if not self._lessons:
            return []
        scores = self._scores(question, question_vector)
        fitting = (scores >= threshold) & ~self._style[: len(scores)]
        found = _about_the_thing_asked(question, self._alike(scores, k, fitting))
        given = {one.lesson.id for one in found}
        holding = [
            position
            for scope, names in self._rules.items()
            for position in self._holding(scope, names - given, question, scores, threshold)
        ]
        holding.sort(key=lambda position: self._precedence(position, scores))
        return found + [
            RetrievedLesson(self._lessons[i], float(scores[i]), rank)
            for rank, i in enumerate(holding[:rules], len(found) + 1)
        ]

    def retrieve(
        self, question: str, question_vector: Sequence[float], *, k: int, threshold: float
    ) -> list[RetrievedLesson]:
        """The pinned lessons, and at most `k` others that score at least `threshold`, whatever their scope; best first.

        `question_vector` is the unit vector of `question`. An empty list is abstention.
        """
        if not self._lessons:
            return []
        scores = self._scores(question, question_vector)
        return self._alike(scores, k, scores >= threshold)

    def _alike(self, scores: NDArray[np.float32], k: int, fitting: NDArray[np.bool_]) -> list[RetrievedLesson]:
        """The pinned ones, and the best `k` of those that fit."""
        pinned = self._pinned[: len(scores)]
        chosen = np.flatnonzero(pinned).tolist()
        chosen += sorted(np.flatnonzero(fitting & ~pinned).tolist(), key=self._order(scores))[:k]
        chosen.sort(key=self._order(scores))
        return [RetrievedLesson(self._lessons[i], float(scores[i]), rank) for rank, i in enumerate(chosen, 1)]

    def similarities(self, vectors: _Vectors) -> Mapping[str, float]:
        """Cosine of a lesson's keys, taken together, to each lesson held, by lesson id: for reconciling."""
        if not self._lessons or not vectors:
            return {}
        row = _unit(np.asarray(vectors, dtype=np.float32).mean(axis=0))
        held = self._rows[: len(self._lessons)]
        lengths = np.maximum(np.linalg.norm(held, axis=1), 1e-12)
        return dict(zip((lesson.id for lesson in self._lessons), (held @ row / lengths).tolist(), strict=True))

    def _scores(self, question: str, vector: Sequence[float]) -> NDArray[np.float32]:
        count = len(self._lessons)
        if not self._rows.shape[1]:
            return np.zeros(count, dtype=np.float32)
        scores: NDArray[np.float32] = self._rows[:count] @ np.asarray(vector, dtype=np.float32)
        if speaks_in_first_person(question):
            scores += np.float32(SHARED_FIRST_PERSON) * self._first_person[:count]
        if not is_english(question) and (lowered := lowered_by(vector)):
            scores -= np.float32(lowered)
            # Of a hundred thousand only these can come to fit; their letters take the time.
            most = min(_LETTERS_READ, count)
            for position in np.argpartition(scores, -most)[-most:]:
                example = self._lessons[position].example_question
                scores[position] += SHARED_LETTERS * shared_letters(question, example)
        return np.clip(scores, -1.0, 1.0, out=scores)

    def _holding(
        self, scope: Scope, names: set[str], question: str, scores: NDArray[np.float32], threshold: float
    ) -> list[int]:
        """Positions of the rules of one scope, of those named, that hold for the question."""
        if not names or not (scope.kind is ScopeKind.LIKE or in_scope(scope, question)):
            return []
        positions = [self._position[name] for name in names]
        if not scope.by_likeness:
            return positions
        needed = threshold if scope.kind in _COMMON else threshold - _OF_A_RARE_SORT
        return [position for position in positions if scores[position] >= needed]

    def _precedence(self, position: int, scores: NDArray[np.float32]) -> tuple[int, float, float]:
        lesson = self._lessons[position]
        age = -lesson.created_at.timestamp()
        if lesson.scope.by_likeness:
            return 0, -float(scores[position]), age
        return 2 if lesson.scope.kind in _BROAD else 1, 0.0, age

    def _forget_rule(self, lesson: Lesson) -> None:
        if lesson.kind is LessonKind.STYLE:
            self._rules[lesson.scope].discard(lesson.id)

    def _order(self, scores: NDArray[np.float32]) -> _Order:
        return _Order(scores, self._lessons)

    def _make_room(self, count: int, dimension: int) -> None:
        held, width = self._rows.shape
        if count > held or dimension > width:
            rows = np.zeros((max(count, 2 * held, 64), max(width, dimension)), dtype=np.float32)
            rows[:held, :width] = self._rows
            self._rows = rows
            self._first_person, self._pinned, self._style = (
                np.concatenate([flags, np.zeros(len(rows) - held, dtype=bool)])
                for flags in (self._first_person, self._pinned, self._style)
            )


class _Order:
    """Sorts positions: higher scores first, of equal ones the newer lesson."""

    def __init__(self, scores: NDArray[np.float32], lessons: Sequence[Lesson]) -> None:
        self._scores = scores
        self._lessons = lessons

    def __call__(self, position: int) -> tuple[float, float]:
        return -float(self._scores[position]), -self._lessons[position].created_at.timestamp()


def _about_the_thing_asked(question: str, found: Sequence[RetrievedLesson]) -> list[RetrievedLesson]:
    """Without facts of another thing, and what is much less alike than the best of these; pinned ones stay."""
    of_another = [
        one
        for one in found
        if not one.lesson.pinned
        and asks_of_another(question, one.lesson.example_question, one.lesson.guidance, one.score)
    ]
    least = max((one.score for one in of_another), default=-1.0) - _LESS_ALIKE
    return [one for one in found if one.lesson.pinned or (one not in of_another and one.score >= least)]


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
