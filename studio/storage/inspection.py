"""What `studio doctor` asks of the log: is it readable to the last block, and do its rows belong together?"""

from __future__ import annotations

from studio.errors import StorageError
from studio.storage.database import Database
from studio.storage.schema import shipped_migrations, version_of

# Each query counts rows that should not be there; the sentence says what they are.
_ORPHANS: tuple[tuple[str, str], ...] = (
    (
        "SELECT count(*) FROM turn WHERE conversation_id NOT IN (SELECT id FROM conversation)",
        "turns belong to no conversation",
    ),
    ("SELECT count(*) FROM answer WHERE turn_id NOT IN (SELECT id FROM turn)", "answers belong to no turn"),
    (
        (
            "SELECT count(*) FROM correction WHERE answer_id IS NOT NULL AND answer_id NOT IN (SELECT id FROM answer)"
            # those of another log are of an answer there
            " AND id NOT IN (SELECT correction_id FROM imported_correction)"
        ),
        "corrections are of an answer that is missing",
    ),
    (
        (
            "SELECT count(DISTINCT id) FROM (SELECT id, unnest(source_ids) AS source FROM lesson)"
            " WHERE source NOT IN (SELECT id FROM correction)"
        ),
        "lessons come from a correction that is missing",
    ),
    (
        "SELECT count(*) FROM lesson_embedding WHERE lesson_id NOT IN (SELECT id FROM lesson)",
        "vectors belong to no lesson",
    ),
    (
        "SELECT count(*) FROM lesson_use WHERE answer_id NOT IN (SELECT id FROM answer)",
        "uses of lessons are in an answer that is missing",
    ),
    ("SELECT count(*) FROM probe_result WHERE probe_id NOT IN (SELECT id FROM probe)", "results belong to no probe"),
    (
        (
            "SELECT count(*) FROM (SELECT arg_max({'id': adapter_id}, seq).id AS id FROM adapter_activation"
            " GROUP BY model_sha256) WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM adapter WHERE NOT removed)"
        ),
        "models have an active adapter that is missing or removed",
    ),
    (
        "SELECT count(*) FROM (SELECT model_sha256, version FROM adapter GROUP BY ALL HAVING count(*) > 1)",
        "adapter versions of a model are taken twice",
    ),
    ("SELECT count(*) - count(DISTINCT id) FROM lesson", "lessons have the id of another"),
    ("SELECT count(*) - count(DISTINCT id) FROM night", "nights have the id of another"),
)


def read_whole(database: Database) -> None:
    """Read every value of every table, so that each block's checksum is verified. Raises StorageError."""
    with database.reading() as session:
        tables = session.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()")
        for (table,) in tables:
            name = str(table).replace('"', '""')
            session.row(f'SELECT bit_xor(hash(t)) FROM "{name}" t')


def findings(database: Database) -> list[str]:
    """What is wrong with the log, one sentence each; empty where all is well."""
    try:
        version = version_of(database)
        newest = len(shipped_migrations())
        if version != newest:
            return [f"The log has version {version}; this studio writes version {newest}."]
        read_whole(database)
        with database.reading() as session:
            counts = [(session.row(sql), what) for sql, what in _ORPHANS]
    except StorageError as error:
        return [str(error)]
    return [f"{row[0]} {what}." for row, what in counts if row and row[0]]
