"""The user's own SQL, `studio sql`: one statement that reads the log and touches nothing else."""

from __future__ import annotations

import duckdb

from studio.errors import QueryError
from studio.storage.database import Database
from studio.storage.faults import first_line

Table = tuple[list[str], list[tuple[object, ...]]]

_VIEWS = "Views to ask: corrections, answers_by_arm, learning_curve, preferences_by_arm."
_ZONED = "WITH TIME ZONE"


def run_query(database: Database, sql: str, limit: int | None = None) -> Table:
    """Column names, each once, and at most `limit` rows; times with a zone come as text in UTC.

    The file is open for reading only, other files and the network are out of reach. Raises QueryError with DuckDB's
    reason: a mistake in the statement, several statements, one that would write; StorageError as every operation.
    """
    with database.connection(read_only=True, sandboxed=True) as connection:
        return ask(connection, sql, limit, _VIEWS)


def ask(connection: duckdb.DuckDBPyConnection, sql: str, limit: int | None, hint: str) -> Table:
    """As `run_query`, of a connection that reaches nothing else; `hint` says what there is to ask."""
    try:
        statement = _single_reading_statement(connection, sql)
        columns, statement = _fetchable(connection, statement)
        result = connection.execute(statement)
        names = columns or [str(column[0]) for column in result.description or []]
        rows: list[tuple[object, ...]] = result.fetchall() if limit is None else result.fetchmany(limit)
    except duckdb.IOException:
        raise  # the file, not the statement
    except duckdb.Error as error:
        raise QueryError(first_line(error), hint) from error
    except RuntimeError as error:
        if "interrupted" in str(error).casefold():  # as DuckDB tells of Ctrl+C
            raise KeyboardInterrupt from error
        raise
    return _each_once(names), rows


def _single_reading_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    statements = connection.extract_statements(_utf8(sql))
    if not statements:
        raise QueryError("There is no statement in this.", "Ask for example: FROM corrections")
    if len(statements) > 1:
        raise QueryError(f"One statement was expected, {len(statements)} were found.", "Ask them one at a time.")
    if statements[0].expected_result_type != [duckdb.ExpectedResultType.QUERY_RESULT]:
        raise QueryError("Only statements that read the log are allowed.", "Begin with SELECT, FROM, SHOW or DESCRIBE.")
    return statements[0].query


def _fetchable(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[list[str], str]:
    """The statement with zoned times cast to text, which could otherwise be fetched with pytz only; and its columns."""
    try:
        description = connection.execute(f"DESCRIBE {statement}").fetchall()
    except duckdb.Error:
        return [], statement  # no query DESCRIBE takes (or a wrong one, told when it is run)
    kinds = [str(row[1]) for row in description]
    if not any(_ZONED in kind for kind in kinds):
        return [], statement
    aliases = [f"c{index}" for index in range(len(kinds))]
    chosen = ", ".join(f"{a}::VARCHAR" if _ZONED in k else a for a, k in zip(aliases, kinds, strict=True))
    inner = statement.strip().rstrip(";")
    wrapped = f"SELECT {chosen} FROM ({inner}\n) AS t({', '.join(aliases)})"
    return [str(row[0]) for row in description], wrapped


def _each_once(names: list[str]) -> list[str]:
    """Column names as DuckDB makes them differ: a, a_1, a_2."""
    taken: set[str] = set()
    for index, name in enumerate(names):
        number = 0
        while (unique := f"{name}_{number}" if number else name) in taken:
            number += 1
        taken.add(unique)
        names[index] = unique
    return names


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
