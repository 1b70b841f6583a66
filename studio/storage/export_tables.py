"""What of the log is copied out, as SQL: the chosen corrections, tables with what belongs to their rows, vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.domain.exports import Selection

TIME = "'%Y-%m-%dT%H:%M:%S.%fZ'"

_CHOSEN = """
    SELECT c.id, c.turn_id, {of}, s.undone, s.superseded_by
    FROM correction c
    JOIN correction_state s ON s.correction_id = c.id
    {joined}
    WHERE ($superseded OR s.superseded_by IS NULL) AND ($undone OR NOT s.undone)
      AND ($since IS NULL OR c.created_at >= $since) AND ($until IS NULL OR c.created_at < $until)
      AND (len($labels) = 0 OR list_has_any(c.labels, $labels))
      AND (len($arms) = 0 OR list_contains($arms, c.arm))
      {elsewhere}
"""
_ANYWHERE = _CHOSEN.format(
    of="t.conversation_id",
    joined="""
    LEFT JOIN turn t ON t.id = c.turn_id
    LEFT JOIN conversation v ON v.id = t.conversation_id
    LEFT JOIN answer a ON a.id = c.answer_id
    """,
    elsewhere="""
      AND (len($sessions) = 0 OR list_contains($sessions, v.id) OR list_contains($sessions, v.title))
      AND (len($models) = 0 OR list_contains($models, a.given->>'$.model_name')
           OR list_contains($models, a.given->>'$.model_sha256'))
    """,
)
CHOSEN = f"CREATE TEMP TABLE chosen AS {_ANYWHERE}"
FIRST_OF_CHOSEN = f"{CHOSEN} ORDER BY c.created_at, c.id LIMIT $most"
# Where nothing is chosen by what lies in other tables, these are looked into for the first alone.
_FIRST = _CHOSEN.format(of="c.created_at", joined="", elsewhere="ORDER BY c.created_at, c.id LIMIT $most")
FIRST_OF_ITS_OWN = f"""
    CREATE TEMP TABLE chosen AS
    WITH first AS MATERIALIZED ({_FIRST})
    SELECT f.id, f.turn_id, t.conversation_id, f.undone, f.superseded_by
    FROM first f LEFT JOIN turn t ON t.id = f.turn_id
"""

_CORRECTIONS_OF = f"""
    SELECT c.id, c.created_at, c.prompt, c.original, c.corrected, c.history,
           c.conditions AS "check", c.rationale, c.feedback, c.labels, c.arm, c.turn_id, c.answer_id,
           c.supersedes, c.origin, coalesce(e.events, []) AS undo_events, chosen.undone, chosen.superseded_by,
           chosen.conversation_id, a.model_name, a.model_sha256, a.system
    FROM {{corrections}} c
    LEFT JOIN chosen ON chosen.id = c.id
    LEFT JOIN (
        SELECT id, given->>'$.model_name' AS model_name, given->>'$.model_sha256' AS model_sha256,
               CASE WHEN messages->>'$[0].role' = 'system' THEN messages->>'$[0].content' END AS system
        FROM answer WHERE {{answers}}
    ) a ON a.id = c.answer_id
    LEFT JOIN (
        SELECT correction_id, list({{{{'undone': undone, 'at': strftime(created_at, {TIME})}}}} ORDER BY seq) AS events
        FROM correction_event GROUP BY correction_id
    ) e ON e.correction_id = c.id
"""
_CORRECTIONS = _CORRECTIONS_OF.format(corrections="correction", answers="id IN (SELECT answer_id FROM correction)")
# For a few chosen ones: by their row ids, for else all columns of all rows would be read beside the ids.
_FEW = "(SELECT * FROM correction WHERE rowid IN (SELECT rowid FROM correction WHERE id IN (SELECT id FROM chosen)))"
CORRECTIONS_OF_CHOSEN = _CORRECTIONS_OF.format(
    corrections=_FEW,
    answers=f"rowid IN (SELECT rowid FROM answer WHERE id IN (SELECT answer_id FROM {_FEW}))",
)

_ANSWERS = f"""
    SELECT a.*, coalesce(f.events, []) AS feedback_events
    FROM answer a
    LEFT JOIN (
        SELECT answer_id, list({{'feedback': feedback, 'at': strftime(created_at, {TIME}), 'blind': blind}}
                               ORDER BY seq) AS events
        FROM feedback GROUP BY answer_id
    ) f ON f.answer_id = a.id
"""

VECTORS = """
    WITH own AS (
        SELECT c.id, e.embedder, first(e.vector ORDER BY l.created_at DESC, e.position) AS vector
        FROM lesson l
        JOIN lesson_embedding e ON e.lesson_id = l.id
        JOIN correction c ON list_contains(l.source_ids, c.id) AND e.key = c.prompt
        JOIN chosen ON chosen.id = c.id
        GROUP BY c.id, e.embedder
    )
    SELECT id, vector FROM own
    WHERE embedder = (SELECT embedder FROM own GROUP BY embedder ORDER BY count(*) DESC, embedder LIMIT 1)
    ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Table:
    """`record` is what a row of it is called; `of_chosen` limits the rows to what the chosen corrections belong to."""

    name: str
    record: str
    sql: str
    order: str
    of_chosen: str | None = None


TABLES = (
    Table("corrections", "correction", _CORRECTIONS, "created_at, id", "id IN (SELECT id FROM chosen)"),
    Table(
        "conversations",
        "conversation",
        "FROM conversation",
        "created_at, id",
        "id IN (SELECT conversation_id FROM chosen)",
    ),
    Table("turns", "turn", "FROM turn", "created_at, id", "id IN (SELECT turn_id FROM chosen)"),
    Table("answers", "answer", _ANSWERS, "created_at, id", "turn_id IN (SELECT turn_id FROM chosen)"),
    Table("lessons", "lesson", "FROM lesson", "created_at, id"),
    Table("lesson_revisions", "lesson_revision", "FROM lesson_revision", "created_at, id, revision"),
    Table("adapters", "adapter", "FROM adapter", "created_at, id"),
    Table("adapter_activations", "adapter_activation", "FROM adapter_activation", "seq"),
    Table("nights", "night", "FROM night", "started_at, id"),
    Table("probes", "probe", "FROM probe", "id"),
    Table("probe_results", "probe_result", "FROM probe_result", "seq"),
)
RECORDS = {table.name: table.record for table in TABLES}


def tables_of(selection: Selection, whole: bool) -> Sequence[Table]:
    if not whole:
        return TABLES[:1]
    return [table for table in TABLES if selection.is_everything or table.of_chosen is not None]


def rows_of(table: Table, selection: Selection) -> str:
    """The rows, in whatever order they come."""
    return f"FROM ({table.sql})" + ("" if selection.is_everything else f" WHERE {table.of_chosen}")
