"""The log in a DuckDB file: connection, numbered migrations, one store per aggregate. The only importer of duckdb."""

from studio.storage.log import DuckDbLog, check_log, restore_log

__all__ = ["DuckDbLog", "check_log", "restore_log"]
