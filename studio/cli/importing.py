"""`studio import`: corrections from a file or from another log; the imports so far, and one of them taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, json_option, one_line, pass_frame, print_json
from studio.cli.ids import find_id
from studio.cli.progress_line import progress_line
from studio.cli.say import say
from studio.domain.plural import plural
from studio.errors import EmbedderError, UsageError

if TYPE_CHECKING:
    from studio.domain.imports import Import
    from studio.domain.log import Correction
    from studio.domain.stores import Log
    from studio.services.import_corrections import Imported
    from studio.services.plan_import import Conflict, Plan, UndoneInOne
    from studio.services.studio import Studio

_SHOWN = 3
_MOST_LINES = 20
_LAST = "the last"


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dry-run", is_flag=True, help="Show what would be brought in, and write nothing.")
@click.option("--list", "listed", is_flag=True, help="The imports so far, newest first.")
@click.option("--undo", is_flag=False, flag_value=_LAST, metavar="[ID]", help="Take an import back: this or the last.")
@json_option
@pass_frame
def import_(frame: Frame, /, file: Path | None, dry_run: bool, listed: bool, undo: str | None, as_json: bool) -> None:
    """Bring in the corrections of FILE: all of them or none, and none twice.

    FILE is what `studio export jsonl` wrote, a preference or SFT file of TRL, OpenAI, ShareGPT, Alpaca or Axolotl, Open
    WebUI's feedback, a CSV with the columns prompt, corrected and original, another studio's log, or the folder that
    `studio export parquet` made of one.
    """
    if (undo or listed) and (file is not None or dry_run or (undo and listed)):
        raise UsageError("--undo and --list are of the imports so far, not of a file.", "Give them alone.")
    if listed:
        _list(frame, as_json)
    elif undo:
        _undo(frame, undo, as_json)
    elif file is None:
        raise UsageError("The import needs a file.", "Name it: studio import FILE")
    elif dry_run:
        _preview(frame, file, as_json)
    else:
        _import(frame, file, as_json)


def _preview(frame: Frame, file: Path, as_json: bool) -> None:
    from studio.services.import_corrections import preview_import

    log = _log(frame)
    with progress_line() as progress:
        previewed = preview_import(log, file, _SHOWN, progress)
    plan, examples = previewed.plan, previewed.examples
    if as_json:
        shown = [{"prompt": one.prompt, "original": one.original, "corrected": one.corrected} for one in examples]
        print_json(_as_json(plan, file) | {"examples": shown})
        return
    _tell(plan, file)
    say(f"Would bring in {plural(len(plan.additions), 'correction')}.")
    for one in examples:
        _show(one)
    say("Nothing was written.", err=True)


def _import(frame: Frame, file: Path, as_json: bool) -> None:
    async def use(studio: Studio) -> tuple[Imported, int]:
        from studio.services.import_corrections import import_corrections, learn_import

        with progress_line() as progress:
            imported = await import_corrections(studio, file, progress)
        if imported.made is None:
            return imported, 0
        # Said before the lessons are learnt: from here on the corrections are on disk, come what may.
        say(f"Brought in {plural(len(imported.plan.additions), 'correction')}; learning from them.", err=True)
        try:
            with progress_line() as progress:
                return imported, await learn_import(studio, imported, progress)
        except EmbedderError as error:
            say(f"studio: {error} The lessons are learnt when it is back.", err=True)
            return imported, 0

    imported, learnt = frame.run(use)
    if as_json:
        print_json(_as_json(imported.plan, file) | {"import": imported.made and imported.made.id, "learnt": learnt})
        return
    _tell(imported.plan, file)
    if imported.made is None:
        say("Nothing new: the log is as it was.")
    else:
        again = len(imported.plan.additions.reinstated)
        say(f"Imported {plural(len(imported.plan.additions), 'correction')}; {learnt} new learnt from.")
        if again:
            say(f"{again:,} of them had been brought in and taken back before.")
        say("To take it back: studio import --undo", err=True)


def _list(frame: Frame, as_json: bool) -> None:
    known = _log(frame).imports.all()
    if as_json:
        keys = ("id", "created_at", "source", "format", "corrections", "undone_at")
        print_json([{key: getattr(one, key) for key in keys} for one in known])
    elif not known:
        say("Nothing has been imported yet.")
    else:
        for one in known:
            back = f"  taken back {_minute(one.undone_at)}" if one.undone_at else ""
            say(f"{one.id}  {_minute(one.created_at)}  {plural(one.corrections, 'correction')}{back}")
            say(f"  {one_line(one.source, 200)}: {one_line(one.format, 80)}")


def _undo(frame: Frame, wanted: str, as_json: bool) -> None:
    from studio.services.import_corrections import imports, undo_import

    async def use(studio: Studio) -> tuple[Import, int]:
        if wanted == _LAST:
            return await undo_import(studio)
        known = {one.id: one.source for one in await imports(studio)}
        return await undo_import(studio, find_id(wanted, "import", known, "studio import --list"))

    back, undone = frame.run(use)
    if as_json:
        print_json({"import": back.id, "source": back.source, "undone": undone})
        return
    when = _minute(back.created_at)
    say(f"Took back the import of {one_line(back.source, 200)} ({when}): {plural(undone, 'correction')} undone.")
    if undone < back.corrections:
        say(f"{plural(back.corrections - undone, 'correction')} of it had been undone before.")
    say("Importing the file once more brings them back.", err=True)


def _tell(plan: Plan, file: Path) -> None:
    read = plan.read
    say(f"{one_line(str(file), 200)}: {read.format}")
    if plan.known:
        say(f"In the log already: {plan.known:,}")
    if read.skipped_count:
        say(f"Passed over: {read.skipped_count:,}")
        for skipped in read.skipped[:_MOST_LINES]:
            say(f"  line {skipped.line}: {one_line(skipped.reason, 200)}")
        _tell_more(read.skipped_count)
    _tell_conflicts(plan.conflicts)
    _tell_undone(plan.undone_in_one)


def _tell_conflicts(conflicts: Sequence[Conflict]) -> None:
    if not conflicts:
        return
    say(f"Answered otherwise before: {len(conflicts):,}; the newer holds")
    for one in conflicts[:_MOST_LINES]:
        holds, gives_way = (one.imported, one.present) if one.imported_holds else (one.present, one.imported)
        whose = "imported" if one.imported_holds else "of the log"
        say(f"  {one_line(one.prompt, 60)}")
        say(f"    holds ({whose}): {one_line(holds, 60)}")
        say(f"    gives way: {one_line(gives_way, 60)}")
    _tell_more(len(conflicts))


def _tell_undone(undone_in_one: Sequence[UndoneInOne]) -> None:
    if not undone_in_one:
        return
    say(f"Undone in only one of the two: {len(undone_in_one):,}; each stays as it is in this log")
    for one in undone_in_one[:_MOST_LINES]:
        where = "undone here, in force there" if one.undone_here else "in force here, undone there"
        say(f"  {where}: {one_line(one.prompt, 60)}")
    _tell_more(len(undone_in_one))


def _tell_more(count: int) -> None:
    if count > _MOST_LINES:
        say(f"  and {count - _MOST_LINES:,} more; --json lists them")


def _show(one: Correction) -> None:
    say(f"  {one_line(one.prompt)}")
    if one.original:
        say(f"    - {one_line(one.original)}")
    say(f"    + {one_line(one.corrected)}")


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
        "undone_in_one": [
            {"prompt": one.prompt, "corrected": one.corrected, "undone_here": one.undone_here}
            for one in plan.undone_in_one
        ],
    }


def _log(frame: Frame) -> Log:
    from studio.storage import DuckDbLog

    workspace = frame.workspace.ensure()
    return DuckDbLog.of(workspace)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
