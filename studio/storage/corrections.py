"""Corrections: rows are only ever appended; undoing one appends a tombstone, and so does reinstating it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage
from studio.domain.log import Correction, Origin
from studio.domain.same_question import folded
from studio.errors import NotFoundError, UsageError
from studio.storage.database import Database
from studio.storage.provenance import from_json, sequence_from_json, texts, to_json
from studio.storage.same_question import may_ask
from studio.storage.session import Row, Session, moment

CORRECTION_COLUMNS = (
    "id, prompt, corrected, original, created_at, conditions, history,"
    " turn_id, answer_id, arm, rationale, feedback, labels, supersedes, origin"
)
_CORRECTIONS_OF = """
    SELECT c.id, c.prompt, c.corrected, c.original, epoch_us(c.created_at), c.conditions, c.history,
           c.turn_id, c.answer_id, c.arm, c.rationale, c.feedback, c.labels, c.supersedes, c.origin,
           s.undone, s.superseded_by
    FROM {0} c JOIN correction_state s ON s.correction_id = c.id
"""
CORRECTIONS = _CORRECTIONS_OF.format("correction")
# Of some: chosen first, or the condition would be tried, and the state put beside all their columns, for each.
_CORRECTIONS_WHERE = "WITH chosen AS MATERIALIZED (SELECT * FROM correction WHERE {0}) " + _CORRECTIONS_OF.format(
    "chosen"
)
# An imported correction was made long before it came to supersede anything here.
_CHANGED_AT = """
    WITH came AS (
        SELECT m.correction_id, min(i.created_at) AS created_at
        FROM imported_correction m JOIN correction_import i ON i.id = m.import_id GROUP BY m.correction_id
    ),
    link AS (
        SELECT c.supersedes AS replaced, c.id AS replacing, coalesce(i.created_at, c.created_at) AS since
        FROM correction c LEFT JOIN came i ON i.correction_id = c.id WHERE c.supersedes IS NOT NULL
        UNION ALL
        SELECT s.replaced, s.replacing, i.created_at FROM supersession s JOIN correction_import i ON i.id = s.import_id
    ),
    change AS (
        SELECT correction_id AS id, created_at FROM correction_event
        UNION ALL SELECT replaced, since FROM link
        UNION ALL SELECT l.replaced, e.created_at FROM correction_event e JOIN link l ON l.replacing = e.correction_id
    )
    SELECT id, epoch_us(max(created_at)) FROM change GROUP BY id
"""
_IN_FORCE = "NOT s.undone AND s.superseded_by IS NULL"
_OLDEST_FIRST = "ORDER BY c.created_at, c.id"


class CorrectionTable:
    """Implements domain.ports.CorrectionStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # What was read last, and of which state: an old log takes a second to read, and each question needs it.
        self._known: tuple[str, list[Correction]] = "", []

    def add(self, correction: Correction) -> None:
        """Append; on disk when this returns. `undone` and `superseded_by` are of no account: they follow from rows."""
        with self._database.writing() as session:
            session.insert("correction", CORRECTION_COLUMNS, [correction_row(correction)])

    def get(self, correction_id: str) -> Correction:
        """Raises NotFoundError."""
        with self._database.reading() as session:
            row = session.row(f"{CORRECTIONS} WHERE c.id = ?", correction_id)
        if row is None:
            raise _unknown(correction_id)
        return correction_from(row)

    def all(self) -> list[Correction]:
        """Oldest first, with `undone` and `superseded_by` filled in."""
        with self._database.reading() as session:
            state = state_of(session)
            known, corrections = self._known
            if state != known:
                corrections = [correction_from(row) for row in session.rows(f"{CORRECTIONS} {_OLDEST_FIRST}")]
                self._known = state, corrections
        return corrections.copy()

    def in_force(self) -> list[Correction]:
        """Oldest first, without the undone and the superseded."""
        return [correction for correction in self.all() if correction.in_force]

    def in_force_ids(self) -> set[str]:
        """The ids of those that `in_force` gives; of an old log a small part of the work."""
        with self._database.reading() as session:
            return {row[0] for row in session.rows(f"SELECT s.correction_id FROM correction_state s WHERE {_IN_FORCE}")}

    def unlearnt(self) -> list[Correction]:
        """Those in force that no lesson was learnt from, oldest first."""
        with self._database.reading() as session:
            rows = session.rows(
                f"{CORRECTIONS} WHERE {_IN_FORCE} AND c.id NOT IN (SELECT unnest(source_ids) FROM lesson)"
                f" {_OLDEST_FIRST}"
            )
        return [correction_from(row) for row in rows]

    def in_force_of(self, questions: Collection[str] = (), ids: Collection[str] = ()) -> list[Correction]:
        """Oldest first: those in force whose prompt is one of these but for case and white space, or of these ids."""
        if not questions and not ids:
            return []
        with self._database.reading() as session:
            return _in_force_of(session, questions, ids)

    def set_undone(self, correction_id: str, undone: bool, at: datetime) -> None:
        """Append a tombstone, or take it back.

        Raises NotFoundError; UsageError where it would be in force beside another of the same question and history.
        """
        with self._database.writing() as session:
            row = session.row(f"{CORRECTIONS} WHERE c.id = ?", correction_id)
            if row is None:
                raise _unknown(correction_id)
            session.insert("correction_event", "correction_id, undone, created_at", [(correction_id, undone, at)])
            if not undone:
                _refuse_two(session, correction_from(row))

    def changed_at(self) -> dict[str, datetime]:
        """By id, when it last changed whether a correction is in force; those it never did of are absent."""
        with self._database.reading() as session:
            rows = session.rows(_CHANGED_AT)
        return {correction_id: moment(at_us) for correction_id, at_us in rows}

    def of_answers(self, answer_ids: Sequence[str]) -> dict[str, list[Correction]]:
        """Corrections by the id of the answer they correct, oldest first; answers without any are absent."""
        if not answer_ids:
            return {}
        with self._database.reading() as session:
            # Whether they hold follows from all corrections: asked only where there are any.
            known = session.row(
                "SELECT 1 FROM correction WHERE answer_id IN (SELECT unnest(?::VARCHAR[]))", [*answer_ids]
            )
            if known is None:
                return {}
            rows = session.rows(
                f"{_CORRECTIONS_WHERE.format('answer_id IN (SELECT unnest(?::VARCHAR[]))')} {_OLDEST_FIRST}",
                [*answer_ids],
            )
        found = defaultdict(list)
        for correction in map(correction_from, rows):
            found[str(correction.answer_id)].append(correction)
        return dict(found)


def _in_force_of(session: Session, questions: Collection[str], ids: Collection[str] = ()) -> list[Correction]:
    asked = {folded(question) for question in questions}
    rows = session.rows(
        f"{_CORRECTIONS_WHERE.format(may_ask('prompt') + ' OR id IN (SELECT unnest(?::VARCHAR[]))')}"
        f" WHERE {_IN_FORCE} {_OLDEST_FIRST}",
        list(asked),
        list(ids),
    )
    return [one for one in map(correction_from, rows) if one.id in ids or folded(one.prompt) in asked]


def _refuse_two(session: Session, reinstated: Correction) -> None:
    """Which of two that know nothing of each other holds, the user says. Raises UsageError."""
    same = [one for one in _in_force_of(session, [reinstated.prompt]) if one.history == reinstated.history]
    others = [one for one in same if one.id != reinstated.id]
    if others and len(others) < len(same):  # else another is in its place
        raise UsageError(
            f"The question '{reinstated.prompt[:60]}' has another correction in force.",
            f"Take that back first: studio review undo {others[-1].id}",
        )


def state_of(session: Session) -> str:
    """Changes whenever a correction is added, undone or reinstated, and with another log.

    A log that was put in this one's place counts its events as this one did: what the last one says is looked at too.
    """
    row = session.row(
        "SELECT (SELECT {'of': count(*), 'last': max(id)} FROM correction),"
        " (SELECT {'seq': max(seq), 'of': arg_max(correction_id, seq), 'at': epoch_us(arg_max(created_at, seq))}"
        " FROM correction_event), (SELECT count(*) FROM supersession)"
    )
    return str(row)


def correction_row(correction: Correction) -> tuple[object, ...]:
    """Its values in the order of CORRECTION_COLUMNS."""
    return (
        correction.id,
        correction.prompt,
        correction.corrected,
        correction.original,
        correction.created_at,
        to_json(correction.check),
        to_json(correction.history),
        correction.turn_id,
        correction.answer_id,
        correction.arm,
        correction.rationale,
        correction.feedback,
        list(correction.labels),
        correction.supersedes,
        correction.origin.value,
    )


def correction_from(row: Row) -> Correction:
    """The correction of a row that CORRECTIONS selects."""
    correction_id, prompt, corrected, original, created_us, conditions, history, *references = row
    turn_id, answer_id, arm, rationale, feedback, labels, supersedes, origin, undone, superseded_by = references
    return Correction(
        id=correction_id,
        prompt=prompt,
        corrected=corrected,
        original=original,
        created_at=moment(created_us),
        check=from_json(conditions, Check),
        history=sequence_from_json(history, ChatMessage),
        turn_id=turn_id,
        answer_id=answer_id,
        arm=arm,
        rationale=rationale,
        feedback=feedback,
        labels=texts(labels),
        supersedes=supersedes,
        origin=Origin(origin),
        undone=undone,
        superseded_by=superseded_by,
    )


def _unknown(correction_id: str) -> NotFoundError:
    return NotFoundError(f"There is no correction '{correction_id}' in the log.", 'See: studio sql "FROM corrections"')
