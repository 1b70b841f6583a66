"""The log's views, as the migrations make them: told where one is missing or another, and made anew."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from studio.storage.database import Database
from studio.storage.schema import prepare, shipped_migrations

# Of a migration: what makes views and says what they are. No text in them holds a semicolon at the end of a line.
_STATEMENTS = re.compile(r"^(?:CREATE (?:OR REPLACE )?VIEW|COMMENT ON) .*?;$", re.MULTILINE | re.DOTALL)
_CREATE = re.compile(r"^CREATE (?:OR REPLACE )?VIEW")
_VIEWS = "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND database_name = current_database()"


def faulty_views(database: Database) -> list[str]:
    """The names of views that are missing, or are not what the studio made. Raises StorageError."""
    with database.reading() as session:
        there = {str(name): str(sql) for name, sql in session.rows(_VIEWS)}
    return [name for name, sql in shipped_views() if there.get(name) != sql]


def rebuild_views(database: Database) -> None:
    """Make every view anew, as the migrations did, with their comments; no table is touched. Raises StorageError."""
    with database.writing() as session:
        for migration in shipped_migrations():
            for statement in _STATEMENTS.findall(migration.sql):
                session.execute(_CREATE.sub("CREATE OR REPLACE VIEW", statement, count=1))


@cache
def shipped_views() -> tuple[tuple[str, str], ...]:
    """Name and statement of each, as DuckDB keeps them."""
    with tempfile.TemporaryDirectory(prefix="studio-views-") as folder:
        database = Database(Path(folder) / "fresh.duckdb")
        prepare(database, before_migration=lambda: None)
        with database.reading() as session:
            return tuple((str(name), str(sql)) for name, sql in session.rows(f"{_VIEWS} ORDER BY view_name"))
