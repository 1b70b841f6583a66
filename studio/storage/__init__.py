"""The log in a DuckDB file: connection, numbered migrations, one store per aggregate. The only importer of duckdb."""

from studio.storage.log import (
    DuckDbLog,
    check_log,
    known_backups,
    newest_good_backup,
    preview_restore,
    restore_log,
    set_damaged_log_aside,
)

__all__ = [
    "DuckDbLog",
    "check_log",
    "known_backups",
    "newest_good_backup",
    "preview_restore",
    "restore_log",
    "set_damaged_log_aside",
]
