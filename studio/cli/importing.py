"""`studio import`: corrections from a file or from another log, and the last import taken back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, json_option, one_line, pass_frame, print_json
from studio.errors import EmbedderError, UsageError

if TYPE_CHECKING:
    from studio.domain.log import Correction
    from studio.services.import_corrections import Imported
    from studio.services.plan_import import Plan
    from studio.services.studio import Studio

_SHOWN = 3
_MOST_LINES = 20


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dry-run", is_flag=True, help="Show what would be brought in, and write nothing.")
@click.option("--undo", is_flag=True, help="Take the last import back.")
@json_option
@pass_frame
def import_(frame: Frame, file: Path | None, dry_run: bool, undo: bool, as_json: bool) -> None:
    """Bring in the corrections of FILE: all of them or none, and none twice.

    FILE is what `studio export jsonl` wrote, a preference or SFT file of TRL, OpenAI, ShareGPT, Alpaca or Axolotl, Open
    WebUI's feedback, a CSV with the columns prompt, corrected and original, or another studio's log.
    """
    if undo:
        if file is not None or dry_run:
            raise UsageError("--undo takes the last import back, whichever file it was of.", "Give it alone.")
        _undo(frame, as_json)
    elif file is None:
        raise UsageError("The import needs a file.", "Name it: studio import FILE")
    elif dry_run:
        _preview(frame, file, as_json)
    else:
        _import(frame, file, as_json)


def _preview(frame: Frame, file: Path, as_json: bool) -> None:
    from studio.services.import_corrections import preview_import
    from studio.storage import DuckDbLog

    workspace = frame.workspace.ensure()
    log = DuckDbLog(workspace.log_file, workspace.sessions / "backups")
    plan = preview_import(log, file)
    examples = plan.examples(_SHOWN, log.corrections.all() if plan.additions.reinstated else ())
    if as_json:
        shown = [{"prompt": one.prompt, "original": one.original, "corrected": one.corrected} for one in examples]
        print_json(_as_json(plan, file) | {"examples": shown})
        return
    _tell(plan, file)
    click.echo(f"Would bring in {_corrections(len(plan.additions))}.")
    for one in examples:
        _show(one)
    click.echo("Nothing was written.", err=True)


def _import(frame: Frame, file: Path, as_json: bool) -> None:
    async def use(studio: Studio) -> tuple[Imported, int]:
        from studio.services.import_corrections import import_corrections, learn_import

        imported = await import_corrections(studio, file)
        if imported.made is None:
            return imported, 0
        # Said before the lessons are learnt: from here on the corrections are on disk, come what may.
        click.echo(f"Brought in {_corrections(len(imported.plan.additions))}; learning from them.", err=True)
        try:
            return imported, await learn_import(studio, imported)
        except EmbedderError as error:
            click.echo(f"studio: {error} The lessons are learnt when it is back.", err=True)
            return imported, 0

    imported, learnt = frame.run(use)
    if as_json:
        print_json(_as_json(imported.plan, file) | {"import": imported.made and imported.made.id, "learnt": learnt})
        return
    _tell(imported.plan, file)
    if imported.made is None:
        click.echo("Nothing new: the log is as it was.")
    else:
        again = len(imported.plan.additions.reinstated)
        click.echo(f"Imported {_corrections(len(imported.plan.additions))}; {learnt} new learnt from.")
        if again:
            click.echo(f"{again:,} of them had been brought in and taken back before.")
        click.echo("To take it back: studio import --undo", err=True)


def _undo(frame: Frame, as_json: bool) -> None:
    from studio.services.import_corrections import undo_import

    last, undone = frame.run(undo_import)
    if as_json:
        print_json({"import": last.id, "source": last.source, "undone": undone})
        return
    when = f"{last.created_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"Took back the import of {one_line(last.source, 200)} ({when}): {_corrections(undone)} undone.")
    if undone < last.corrections:
        click.echo(f"{_corrections(last.corrections - undone)} of it had been undone before.")
    click.echo("Importing the file once more brings them back.", err=True)


def _tell(plan: Plan, file: Path) -> None:
    read = plan.read
    click.echo(f"{one_line(str(file), 200)}: {read.format}")
    if plan.known:
        click.echo(f"In the log already: {plan.known:,}")
    if read.skipped_count:
        click.echo(f"Passed over: {read.skipped_count:,}")
        for skipped in read.skipped[:_MOST_LINES]:
            click.echo(f"  line {skipped.line}: {one_line(skipped.reason, 200)}")
        if read.skipped_count > _MOST_LINES:
            click.echo(f"  and {read.skipped_count - _MOST_LINES:,} more; --json lists them")
    if plan.conflicts:
        click.echo(f"Answered otherwise before: {len(plan.conflicts):,}; the newer holds")
        for one in plan.conflicts[:_MOST_LINES]:
            holds, gives_way = (one.imported, one.present) if one.imported_holds else (one.present, one.imported)
            whose = "imported" if one.imported_holds else "of the log"
            click.echo(f"  {one_line(one.prompt, 60)}")
            click.echo(f"    holds ({whose}): {one_line(holds, 60)}")
            click.echo(f"    gives way: {one_line(gives_way, 60)}")
        if len(plan.conflicts) > _MOST_LINES:
            click.echo(f"  and {len(plan.conflicts) - _MOST_LINES:,} more; --json lists them")


def _show(one: Correction) -> None:
    click.echo(f"  {one_line(one.prompt)}")
    if one.original:
        click.echo(f"    - {one_line(one.original)}")
    click.echo(f"    + {one_line(one.corrected)}")


def _as_json(plan: Plan, file: Path) -> dict[str, Any]:
    read = plan.read
    return {
        "file": str(file),
        "format": read.format,
        "corrections": len(plan.additions),
        "known": plan.known,
        "skipped": read.skipped_count,
        "reasons": dict(Counter(skipped.reason for skipped in read.skipped)),
        "lines": [{"line": skipped.line, "reason": skipped.reason} for skipped in read.skipped],
        "conflicts": [
            {
                "prompt": one.prompt,
                "present": one.present,
                "imported": one.imported,
                "holds": "imported" if one.imported_holds else "present",
            }
            for one in plan.conflicts
        ],
    }


def _corrections(count: int) -> str:
    return f"{count:,} {'correction' if count == 1 else 'corrections'}"
