"""A night every day by itself: one line for this workspace in the user's crontab; all other lines stay as they are."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass

import psutil

from studio.errors import MachineError, UsageError
from studio.workspace import Workspace

MARK = "# correction-studio night"
CRONS = frozenset(("cron", "crond", "fcron"))
ANSWERS_WITHIN_S = 20.0
NO_CRONTAB = "There is no crontab on this machine."
NO_CRON = "No cron seems to run on this machine, and without one no night begins: start its service."
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAILY = re.compile(r"\s*(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+\*\s")


@dataclass(frozen=True, slots=True)
class Schedule:
    """`line` as it stands in the crontab; `at` the time of day, HH:MM, None where the line was changed by hand into
    something else."""

    line: str
    at: str | None

    @property
    def words(self) -> str:
        """When a night begins."""
        if self.at is not None:
            return f"every day at {self.at}"
        return f"as its line in the crontab says: {' '.join(self.line.split()[:5])}"


def time_of_day(text: str) -> str:
    """The time as HH:MM. Raises UsageError."""
    if (match := _TIME.fullmatch(text.strip())) is None:
        raise UsageError(f"'{text}' is not a time of day.", "Write it as HH:MM, for example 02:30.")
    return f"{int(match[1]):02}:{match[2]}"


def night_command(workspace: Workspace) -> str:
    """What a scheduler has to run, as a shell takes it. Raises UsageError where no line could hold it."""
    root = str(workspace.root.absolute())
    if not root.isprintable():
        raise UsageError(f"No crontab can name {root!r}.", "Move the workspace to a folder with a plain name.")
    return shlex.join([sys.executable, "-P", "-m", "studio", "--workspace", root, "night"])


def planned_line(workspace: Workspace, at: str) -> str:
    """The line that a night at this time of day would be. What the night prints goes where the app's nights have it."""
    hour, minute = map(int, time_of_day(at).split(":"))
    heard = shlex.quote(str((workspace.diagnostics / "night.out").absolute()))
    command = f"{night_command(workspace)} > {heard} 2>&1".replace("%", r"\%")  # cron takes a bare % for a line's end
    return f"{minute} {hour} * * * {command} {MARK}"


def scheduled_night(workspace: Workspace) -> Schedule | None:
    """This workspace's line in the crontab. Raises MachineError where there is no crontab, or it cannot be read."""
    own = [line for line in _lines() if _is_own(line, workspace)]
    return _schedule(own[-1]) if own else None


def schedule_night(workspace: Workspace, at: str) -> Schedule:
    """Have a night begin every day at this time, in the place of what was scheduled. Raises as scheduled_night does."""
    line = planned_line(workspace, at)
    _replace(workspace, [line])
    return _schedule(line)


def unschedule_night(workspace: Workspace) -> None:
    """Take this workspace's line out. Raises as scheduled_night does."""
    _replace(workspace, [])


def put_back(workspace: Workspace, schedule: Schedule | None) -> None:
    """Have it as it was, to the letter. Raises as scheduled_night does."""
    _replace(workspace, [] if schedule is None else [schedule.line])


def cron_runs() -> bool:
    """Whether somebody reads the crontab; only Linux has to be asked, elsewhere the system starts it."""
    if not sys.platform.startswith("linux"):
        return True
    return any(process.info["name"] in CRONS for process in psutil.process_iter(["name"]))


def _schedule(line: str) -> Schedule:
    daily = _DAILY.match(line)
    return Schedule(line, f"{int(daily[2]):02}:{int(daily[1]):02}" if daily else None)


def _is_own(line: str, workspace: Workspace) -> bool:
    """Another workspace's night is another's line."""
    own = night_command(workspace).partition(" --workspace ")[2].replace("%", r"\%")
    return MARK in line and f" --workspace {own} " in line and not line.lstrip().startswith("#")


def _replace(workspace: Workspace, lines: list[str]) -> None:
    kept = [line for line in _lines() if not _is_own(line, workspace)]
    done = _crontab("-", given="".join(f"{line}\n" for line in (*kept, *lines)))
    if done.returncode:
        by_hand = f"Add this line by hand: {lines[0]}" if lines else f"Take out the line that ends in '{MARK}' by hand."
        raise MachineError(f"The crontab was not changed: {done.stderr.strip()}.", by_hand)


def _lines() -> list[str]:
    done = _crontab("-l")
    if done.returncode == 0:
        # As cron does; others may have put any other sign that ends a line within one.
        return done.stdout.removesuffix("\n").split("\n") if done.stdout else []
    said = done.stderr.strip()
    # Anything else, taken for an empty one, would lose the user's lines with the next that is written.
    if "no crontab" in said.casefold() or "no such file" in said.casefold():
        return []
    raise MachineError(
        f"The crontab cannot be read: {said or 'it says nothing'}.", "crontab -l shows it, where that is allowed."
    )


def _crontab(argument: str, *, given: str | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("crontab")
    if program is None:
        raise MachineError(NO_CRONTAB, "studio night, run every day by any other scheduler, does the same.")
    try:
        done = subprocess.run(
            [program, argument],
            input=None if given is None else given.encode(errors="surrogateescape"),
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            check=False,
            timeout=ANSWERS_WITHIN_S,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{program} does not answer ({error}).", "Try crontab -l in a shell.") from error
    # Lines of others stay as they are, in whichever encoding and with whichever end.
    out, err = (said.decode(errors="surrogateescape") for said in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
