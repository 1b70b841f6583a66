"""The log in a DuckDB file: connection, numbered migrations, one store per aggregate. The only importer of duckdb."""

from studio.storage.log import DuckDbLog

__all__ = ["DuckDbLog"]
