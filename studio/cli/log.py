"""`studio sql` and `where`: the log is the user's."""

from __future__ import annotations

import math
import shutil
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio.cli.frame import Frame, json_option, pass_frame, print_json
from studio.cli.say import say
from studio.domain.plural import plural
from studio.domain.sizes import size_text

if TYPE_CHECKING:
    from studio.storage import DuckDbLog


def _log(frame: Frame) -> DuckDbLog:
    from studio.storage import DuckDbLog

    workspace = frame.workspace.ensure()
    return DuckDbLog.of(workspace)


@click.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(min=1), default=10_000, show_default=True, help="The most rows to print.")
@click.option(
    "--from",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Ask a folder of `studio export parquet` instead; several are asked together.",
)
@json_option
@pass_frame
def sql(frame: Frame, query: str, limit: int, folders: tuple[Path, ...], as_json: bool) -> None:
    """Run one read-only QUERY on the log: tables, and the views corrections, answers_by_arm, learning_curve,
    preferences_by_arm."""
    if folders:
        from studio.storage.parquet_folders import query_folders

        columns, rows = query_folders(folders, query, limit=limit + 1)
    else:
        columns, rows = _log(frame).query(query, limit=limit + 1)
    shown = rows[:limit]
    if as_json:
        print_json([{name: _plain(cell) for name, cell in zip(columns, row, strict=True)} for row in shown])
    else:
        from studio.reporting.tables import plain_table

        say(plain_table(columns, [["" if cell is None else str(cell) for cell in row] for row in shown]))
        say(plural(len(shown), "row"), err=True)
    if len(rows) > limit:
        say(f"There are more: only the first {limit} are printed, see --limit.", err=True)


def _plain(value: object) -> object:
    """A cell as JSON can hold it: exact decimals as numbers, what is no number as null, blobs in hex."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


@click.command()
@json_option
@pass_frame
def where(frame: Frame, as_json: bool) -> None:
    """Print where things are."""
    from studio.models.discovery import find_model, passed_over
    from studio.settings import load_settings

    workspace = frame.workspace
    settings = load_settings(workspace.settings_file)
    server = settings.remote.base_url
    if not server and (note := passed_over(settings.model.path, workspace.local_models)):
        say(f"studio: {note}", err=True)
    places = {
        "workspace": workspace.root,
        "settings": workspace.settings_file,
        "log": workspace.log_file,
        "nights": workspace.nights,
        "adapters": workspace.adapters,
        "themes": workspace.themes,
        "diagnostics": workspace.diagnostics,
        "model": server or find_model(settings.model.path, workspace.local_models) or "none",
    }
    if server:
        from studio.services.studio import sent_to

        say(f"studio: {sent_to(server)}", err=True)
    if as_json:
        print_json({name: str(path) for name, path in places.items()})
        return
    for name, path in places.items():
        say(f"{name:12} {path!s}")
    if workspace.root.exists():
        free = shutil.disk_usage(workspace.root).free
        say(f"{'free disk':12} {size_text(free)}")
