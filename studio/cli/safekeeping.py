"""`studio doctor`, `backup` and `restore`: is everything whole, and how it comes back."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio.cli.frame import Frame, json_option, pass_frame, print_json
from studio.cli.say import say
from studio.domain.plural import plural

if TYPE_CHECKING:
    from studio.domain.restoring import Restoration
    from studio.services.examine import Finding
    from studio.services.studio import Studio
    from studio.workspace import Workspace


@click.command()
@click.option("--repair", "mend", is_flag=True, help="Mend what can be: moves aside and makes anew, deletes nothing.")
@json_option
@pass_frame
def doctor(frame: Frame, mend: bool, as_json: bool) -> None:
    """Check log, backups, model, adapters, lessons, rights, versions and disk; exit 1 if something is wrong."""
    from studio.services.examine import Finding, examine
    from studio.storage import check_log, set_damaged_log_aside

    workspace = frame.workspace.ensure()
    done: list[str] = []
    if mend and (aside := set_damaged_log_aside(workspace.log_file, workspace.backups)):
        told = f"it could not be read, and lies now at {aside}. {_offer(workspace)}"
        findings = [Finding("log", False, told)]
    elif not mend and workspace.log_file.exists() and (damage := check_log(workspace.log_file)):
        # Everything else needs a log that can be opened.
        findings = [Finding("log", False, f"{' '.join(damage)} {_offer(workspace)}")]
    else:
        done = frame.run(_mend) if mend else []
        findings = frame.run(examine)
    _tell(findings, done, as_json)
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


def _offer(workspace: Workspace) -> str:
    """What to do about a damaged log, as far as there is a backup."""
    from studio.storage import newest_good_backup

    good = newest_good_backup(workspace.log_file, workspace.backups)
    return f"Bring back the newest good backup: studio restore {good}" if good else "There is no backup to bring back."


async def _mend(studio: Studio) -> list[str]:
    from studio.services.repair import repair

    done: list[str] = []
    await repair(studio, done.append)
    return done


def _tell(findings: Iterable[Finding], done: list[str], as_json: bool) -> None:
    if as_json:
        print_json([{"what": f.what, "ok": f.ok, "detail": f.detail} for f in findings])
        for line in done:
            say(line, err=True)
        return
    for line in done:
        say(f"repair {line}")
    for finding in findings:
        say(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.what}: {finding.detail}")


@click.command()
@pass_frame
def backup(frame: Frame) -> None:
    """Copy the log to sessions/backups and verify the copy."""
    from studio.storage import DuckDbLog

    workspace = frame.workspace.ensure()
    made = DuckDbLog.of(workspace).backup()
    say(f"Backed up to {made!s}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_frame
def restore(frame: Frame, file: Path | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put a backup FILE in the log's place; the present log is backed up first. Without FILE: list the backups.

    What would be lost and what would come back is told before, and in a terminal it is asked whether to go on.
    """
    from studio.storage import preview_restore, restore_log

    workspace = frame.workspace.ensure()
    if file is None:
        _list(workspace, as_json)
        return
    file = _found(workspace, file)
    # Without opening the present log for good: it may be the damaged one that this is to replace.
    change = preview_restore(workspace.log_file, file)
    if not as_json:
        _show(change, file)
    if not dry_run:
        asks = change.loses and not yes and not as_json and sys.stdin.isatty()
        if asks and not click.confirm("Restore it? The present log is backed up first."):
            say("Not restored: nothing was changed.")
            raise SystemExit(1)
        restore_log(workspace.log_file, workspace.backups, file)
    if as_json:
        print_json(_as_json(change, file, restored=not dry_run))
    elif not dry_run:
        say(f"Restored {file!s}.")


def _found(workspace: Workspace, file: Path) -> Path:
    """The file, or the backup of that name."""
    among = workspace.backups / file.name
    return among if not file.exists() and file.parent == Path() and among.is_file() else file


def _list(workspace: Workspace, as_json: bool) -> None:
    from studio.storage import known_backups

    known = known_backups(workspace.log_file, workspace.backups)
    if as_json:
        print_json([{"file": str(file), "corrections": count} for file, count in known])
        return
    for file, count in known:
        say(f"{file.name}  {'cannot be read' if count is None else plural(count, 'correction')}")
    if not known:
        say(f"There are no backups in {workspace.backups!s} yet; make one: studio backup")
    else:
        say("See what one would change: studio restore NAME --dry-run", err=True)


def _show(change: Restoration, file: Path) -> None:
    if change.present_fault:
        say(f"The present log cannot be compared, and will be set aside. {change.present_fault}")
    told = False
    for one in change.differences:
        if one.lost:
            say(f"  lost: {plural(one.lost, one.kind.removesuffix('s'))}, made since")
        if one.back:
            say(f"  back: {plural(one.back, one.kind.removesuffix('s'))}")
        if one.otherwise:
            say(f"  as they were: {plural(one.otherwise, one.kind.removesuffix('s'))}, changed since")
        told = told or bool(one.lost or one.back or one.otherwise)
    if not told:
        say(f"Nothing would change: {file.name} holds what the log holds.")


def _as_json(change: Restoration, file: Path, *, restored: bool) -> dict[str, object]:
    kinds = {d.kind: {"lost": d.lost, "back": d.back, "otherwise": d.otherwise} for d in change.differences}
    return {"file": str(file), "restored": restored, "present_fault": change.present_fault, **kinds}
