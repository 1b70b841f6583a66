"""`studio report`: the user's own log, or a bench result, as text, JSON, one HTML page and images."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, one_line, pass_frame, print_json
from studio.cli.say import say
from studio.errors import MachineError, UsageError
from studio.small_files import parse_json

if TYPE_CHECKING:
    from studio.reporting.report import Report

_STDOUT = "-"
_NOTHING = "There is nothing to report yet: correct an answer first, in the app or with studio correct."
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--bench", type=_FILE, help="Report on this result of studio bench --json instead of your log.")
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    help="Report on the log in this folder of `studio export parquet` instead of your own.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for report.html, SVG and PNG.")
@click.option("--html", "html_file", type=_FILE, help="Write one self-contained page here.")
@click.option("--png", "png_file", type=_FILE, help="Write all plots as one image here.")
@click.option(
    "--json",
    "json_file",
    is_flag=False,
    flag_value=_STDOUT,
    metavar="[FILE]",
    help="Print the figures as JSON, or write them to FILE.",
)
@click.option("--label", default="", help="Only the questions of which a correction carries this label.")
@pass_frame
def report(  # noqa: PLR0917 - click passes them by name
    frame: Frame,
    bench: Path | None,
    folder: Path | None,
    out: Path | None,
    html_file: Path | None,
    png_file: Path | None,
    json_file: str | None,
    label: str,
) -> None:
    """Report what was learnt, forgotten and gone stale, with curves, intervals and every night's verdict."""
    if bench is not None and label:
        raise UsageError("The result of a bench has no labels.", "Give --bench or --label, not both.")
    if bench is not None and folder is not None:
        raise UsageError("A report is of one thing.", "Give --bench or --from, not both.")
    told, figures = _of_bench(bench) if bench is not None else _of_log(frame, folder, label)
    if json_file == _STDOUT:
        print_json(figures)
    elif json_file is not None:
        _write(Path(json_file), json.dumps(figures, ensure_ascii=False, indent=2, default=str) + "\n")
    if told is None:
        if json_file != _STDOUT:
            say(f"There is no correction in {one_line(str(folder), 200)}." if folder else _NOTHING)
        return
    _write_files(told, out, html_file, png_file)
    if json_file is None and not (out or html_file or png_file):
        say(told.text())


def _of_log(frame: Frame, folder: Path | None, label: str) -> tuple[Report | None, Any]:
    from studio.reporting.log_report import log_report
    from studio.services.report_log import read_story
    from studio.storage import DuckDbLog

    if folder is None:
        workspace = frame.workspace.ensure()
        story = read_story(DuckDbLog.of(workspace), label)
    else:
        from studio.storage.parquet_log import log_of_export

        with log_of_export(folder) as file:
            story = read_story(DuckDbLog(file, file.parent / "backups"), label)
    return (log_report(story), asdict(story)) if story is not None else (None, None)


def _of_bench(file: Path) -> tuple[Report, Any]:
    from studio.reporting.bench_report import bench_report

    try:
        result = parse_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}).", "Write one with studio bench --json.") from error
    except ValueError as error:
        raise UsageError(f"{file} is no JSON.", "Write one with studio bench --json.") from error
    return bench_report(result), result


def _write_files(told: Report, out: Path | None, html_file: Path | None, png_file: Path | None) -> None:
    from studio.reporting.page import html
    from studio.reporting.plots import png, svg_file

    if png_file is not None and not told.plots:
        raise UsageError("There is no curve to draw yet.", "Ask a corrected question again, then report.")
    if html_file is not None:
        _write(html_file, html(told))
    if png_file is not None:
        _write(png_file, png(told.plots))
    if out is not None:
        try:
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise MachineError(f"The folder {out} cannot be made ({error.strerror}).", "Choose another.") from error
        _write(out / "report.html", html(told))
        for plot in told.plots:
            _write(out / f"{plot.name}.svg", svg_file(plot))
            _write(out / f"{plot.name}.png", png([plot]))


def _write(file: Path, content: str | bytes) -> None:
    """For the user's eyes only, as the log is; said on stderr, so that stdout stays the report's."""
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise MachineError(f"{file} cannot be written ({error.strerror}).", "Choose another place.") from error
    say(f"Wrote {file}", err=True)
