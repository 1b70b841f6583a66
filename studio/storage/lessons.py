"""Lessons, their earlier revisions, the vectors they are found by, and the answers they were given to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from studio.domain.identity import new_id
from studio.domain.lessons import Lesson, LessonKind, LessonStatus, LessonUse, Scope, Stamps
from studio.domain.same_question import folded
from studio.errors import NotFoundError
from studio.storage.database import Database
from studio.storage.provenance import texts
from studio.storage.same_question import may_ask
from studio.storage.session import Row, Session, moment

_COLUMNS = (
    "id, revision, kind, status, title, applies_when, guidance, example_question, example_answer,"
    " source_ids, pinned, weak, replaced_by, retired_reason, created_at, updated_at, scope"
)
_LESSONS = """
    SELECT l.id, l.revision, l.kind, l.status, l.title, l.applies_when, l.guidance, l.example_question,
           l.example_answer, l.source_ids, l.pinned, l.weak, l.replaced_by, l.retired_reason,
           epoch_us(l.created_at), epoch_us(l.updated_at), l.scope
    FROM lesson l
"""
_OLDEST_FIRST = "ORDER BY l.created_at, l.id"
_LABELLED = """
    SELECT c.prompt, unnest(c.labels) FROM correction c JOIN correction_state s ON s.correction_id = c.id
    WHERE len(c.labels) > 0 AND NOT s.undone
"""
_SOURCES = f"""
    SELECT b.id, c.prompt FROM (SELECT id, unnest(source_ids) AS source FROM lesson) b
    JOIN correction c ON c.id = b.source WHERE {may_ask("c.prompt")}
"""
_OUT_OF_LINE = f"""
    WITH standing AS (
        SELECT DISTINCT b.id FROM (SELECT id, unnest(source_ids) AS source FROM lesson) b
        JOIN correction_state s ON s.correction_id = b.source WHERE NOT s.undone AND s.superseded_by IS NULL
    ),
    odd AS (
        SELECT id, replaced_by FROM lesson WHERE (status = ?) <> (id IN (SELECT id FROM standing))
    )
    {_LESSONS} WHERE l.id IN (SELECT id FROM odd UNION SELECT replaced_by FROM odd WHERE replaced_by IS NOT NULL)
"""

Vectors = Sequence[tuple[str, Sequence[float]]]


class LessonTable:
    """Implements domain.ports.LessonStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, lesson: Lesson, vectors: Vectors, embedder: str, *, revised: Sequence[Lesson] = ()) -> Stamps:
        """Write a lesson with its keys: (text, vector) pairs by which it is found; `revised` with it, or none."""
        with self._database.writing() as session:
            session.insert("lesson", _COLUMNS, [_row(lesson)])
            _insert_vectors(session, lesson.id, vectors, embedder)
            for other in revised:
                _replace(session, other)
            return _stamp(session)

    def update(self, *lessons: Lesson) -> None:
        """Replace their rows, all or none, keeping previous revisions in lesson_revision. Raises NotFoundError."""
        with self._database.writing() as session:
            for lesson in lessons:
                _replace(session, lesson)
            _stamp(session)

    def set_vectors(self, lesson_id: str, vectors: Vectors, embedder: str) -> None:
        """Replace what this embedder made of the lesson. Raises NotFoundError."""
        with self._database.writing() as session:
            if session.row("SELECT 1 FROM lesson WHERE id = ?", lesson_id) is None:
                raise _unknown(lesson_id)
            session.execute("DELETE FROM lesson_embedding WHERE lesson_id = ? AND embedder = ?", lesson_id, embedder)
            _insert_vectors(session, lesson_id, vectors, embedder)
            _stamp(session)

    def get(self, lesson_id: str) -> Lesson:
        """Raises NotFoundError."""
        with self._database.reading() as session:
            row = session.row(f"{_LESSONS} WHERE l.id = ?", lesson_id)
        if row is None:
            raise _unknown(lesson_id)
        return _lesson(row)

    def all(self, status: LessonStatus | None = None) -> list[Lesson]:
        """Oldest first."""
        with self._database.reading() as session:
            if status is None:
                rows = session.rows(f"{_LESSONS} {_OLDEST_FIRST}")
            else:
                rows = session.rows(f"{_LESSONS} WHERE l.status = ? {_OLDEST_FIRST}", status.value)
        return [_lesson(row) for row in rows]

    def of_source(self, correction_id: str) -> list[Lesson]:
        """The lessons that this correction is a source of, oldest first."""
        with self._database.reading() as session:
            rows = session.rows(f"{_LESSONS} WHERE list_contains(l.source_ids, ?) {_OLDEST_FIRST}", correction_id)
        return [_lesson(row) for row in rows]

    def replaced_by(self, lesson_id: str) -> list[Lesson]:
        """The lessons that were retired for this one, oldest first."""
        with self._database.reading() as session:
            rows = session.rows(f"{_LESSONS} WHERE l.replaced_by = ? {_OLDEST_FIRST}", lesson_id)
        return [_lesson(row) for row in rows]

    def sources_retired(self, reason: str) -> set[str]:
        """Ids of the corrections whose lesson was retired for this reason."""
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT unnest(source_ids) FROM lesson WHERE status = ? AND retired_reason = ?",
                LessonStatus.RETIRED.value,
                reason,
            )
        return {row[0] for row in rows}

    def newest(self, most: int) -> list[Lesson]:
        """At most so many, newest first."""
        with self._database.reading() as session:
            rows = session.rows(f"{_LESSONS} ORDER BY l.created_at DESC, l.id DESC LIMIT ?", most)
        return [_lesson(row) for row in rows]

    def count(self, status: LessonStatus | None = None) -> int:
        """How many there are, or have this status."""
        with self._database.reading() as session:
            row = session.row("SELECT count(*) FROM lesson WHERE status = coalesce(?, status)", status)
        return int(row[0]) if row else 0

    def labels(self) -> dict[str, tuple[str, ...]]:
        """By lesson, the labels of the questions it was learnt from, in alphabetical order; of those that have any.

        A question has those of all its corrections that are not undone: one that supersedes is mostly written without.
        """
        with self._database.reading() as session:
            of_questions: dict[str, set[str]] = {}
            for prompt, label in session.rows(_LABELLED):
                of_questions.setdefault(folded(prompt), set()).add(label)
            rows = session.rows(_SOURCES, list(of_questions)) if of_questions else []
        found: dict[str, set[str]] = {}
        for lesson_id, prompt in rows:
            if labels := of_questions.get(folded(prompt)):
                found.setdefault(lesson_id, set()).update(labels)
        return {lesson_id: tuple(sorted(labels)) for lesson_id, labels in found.items()}

    def out_of_line(self) -> list[Lesson]:
        """Those in use with no correction in force behind them, those out of use with one, and what replaced these."""
        with self._database.reading() as session:
            rows = session.rows(f"{_OUT_OF_LINE} {_OLDEST_FIRST}", LessonStatus.ACTIVE.value)
        return [_lesson(row) for row in rows]

    def of(self, ids: Sequence[str]) -> list[Lesson]:
        """Those of these ids, oldest first."""
        with self._database.reading() as session:
            rows = session.rows(f"{_LESSONS} WHERE l.id IN (SELECT unnest(?::VARCHAR[])) {_OLDEST_FIRST}", list(ids))
        return [_lesson(row) for row in rows]

    def marks(self, embedder: str) -> dict[str, str]:
        """By the id of each active lesson, what changes whenever it does, or what this embedder made of it."""
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT l.id, hash(l)::VARCHAR || ' ' || coalesce(e.made, '') FROM lesson l LEFT JOIN ("
                " SELECT lesson_id, count(*) || ' ' || max(rowid) AS made FROM lesson_embedding WHERE embedder = ?"
                " GROUP BY lesson_id) e ON e.lesson_id = l.id WHERE l.status = ?",
                embedder,
                LessonStatus.ACTIVE.value,
            )
        return dict(rows)

    def vectors(self, embedder: str, ids: Sequence[str] | None = None) -> list[tuple[str, str, Sequence[float]]]:
        """(lesson id, key text, vector) of all active lessons, or of those among `ids`; the vectors are arrays."""
        chosen, values = ("", ()) if ids is None else (" AND l.id IN (SELECT unnest(?::VARCHAR[]))", (list(ids),))
        with self._database.reading() as session:
            columns = session.columns(
                "SELECT e.lesson_id, e.key, e.vector FROM lesson_embedding e JOIN lesson l ON l.id = e.lesson_id"
                f" WHERE e.embedder = ? AND l.status = ?{chosen} ORDER BY e.lesson_id, e.position",
                embedder,
                LessonStatus.ACTIVE.value,
                *values,
            )
        return list(zip(*columns, strict=True))

    def without_vectors(self, embedder: str) -> list[Lesson]:
        """Active lessons this embedder has not embedded: after a change of embedder or a crash in between."""
        with self._database.reading() as session:
            rows = session.rows(
                f"{_LESSONS} WHERE l.status = ?"
                f" AND l.id NOT IN (SELECT lesson_id FROM lesson_embedding WHERE embedder = ?) {_OLDEST_FIRST}",
                LessonStatus.ACTIVE.value,
                embedder,
            )
        return [_lesson(row) for row in rows]

    def uses(self, lesson_id: str) -> list[LessonUse]:
        """The answers the lesson was given to, newest first."""
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT u.lesson_id, u.answer_id, t.prompt, a.arm, a.text, u.score, epoch_us(a.created_at)"
                " FROM lesson_use u JOIN answer a ON a.id = u.answer_id JOIN turn t ON t.id = a.turn_id"
                " WHERE u.lesson_id = ? ORDER BY a.created_at DESC, a.id DESC",
                lesson_id,
            )
        return [
            LessonUse(lesson_id, answer_id, prompt, arm, answer, score, moment(created_us))
            for lesson_id, answer_id, prompt, arm, answer, score, created_us in rows
        ]

    def stamp(self) -> str:
        """Changes whenever any lesson or vector does, by whichever process."""
        with self._database.reading() as session:
            row = session.row("SELECT stamp FROM lesson_stamp")
        return str(row[0]) if row else ""


def _replace(session: Session, lesson: Lesson) -> None:
    kept = session.rows("INSERT INTO lesson_revision BY NAME SELECT * FROM lesson WHERE id = ? RETURNING id", lesson.id)
    if not kept:
        raise _unknown(lesson.id)
    session.execute("DELETE FROM lesson WHERE id = ?", lesson.id)
    session.insert("lesson", _COLUMNS, [_row(lesson)])


def _insert_vectors(session: Session, lesson_id: str, vectors: Vectors, embedder: str) -> None:
    rows = [
        (lesson_id, embedder, position, key, [float(number) for number in vector])
        for position, (key, vector) in enumerate(vectors)
    ]
    session.insert("lesson_embedding", "lesson_id, embedder, position, key, vector", rows)


def _stamp(session: Session) -> Stamps:
    before, after = session.row("SELECT stamp FROM lesson_stamp"), new_id()
    session.execute("UPDATE lesson_stamp SET stamp = ?", after)
    return Stamps(str(before[0]) if before else "", after)


def _row(lesson: Lesson) -> tuple[object, ...]:
    return (
        lesson.id,
        lesson.revision,
        lesson.kind.value,
        lesson.status.value,
        lesson.title,
        lesson.applies_when,
        lesson.guidance,
        lesson.example_question,
        lesson.example_answer,
        list(lesson.source_ids),
        lesson.pinned,
        lesson.weak,
        lesson.replaced_by,
        lesson.retired_reason,
        lesson.created_at,
        lesson.updated_at,
        str(lesson.scope),
    )


def _lesson(row: Row) -> Lesson:
    lesson_id, revision, kind, status, title, applies_when, guidance, question, answer, *rest = row
    source_ids, pinned, weak, replaced_by, retired_reason, created_us, updated_us, scope = rest
    return Lesson(
        id=lesson_id,
        title=title,
        applies_when=applies_when,
        guidance=guidance,
        example_question=question,
        example_answer=answer,
        source_ids=texts(source_ids),
        created_at=moment(created_us),
        updated_at=moment(updated_us),
        kind=LessonKind(kind),
        scope=_scope(scope),
        status=LessonStatus(status),
        pinned=pinned,
        weak=weak,
        replaced_by=replaced_by,
        retired_reason=retired_reason,
        revision=revision,
    )


# Thousands of lessons have a few scopes.
_scope = lru_cache(maxsize=1024)(Scope.parse)


def _unknown(lesson_id: str) -> NotFoundError:
    return NotFoundError(f"There is no lesson '{lesson_id}'.", "`studio lessons list` shows those there are.")
