"""The `studio` command: global options, the app when no verb is given, and how failures are told."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable
from keyword import iskeyword
from pathlib import Path
from types import FrameType
from typing import TextIO, TypeVar

import click

from studio import __version__
from studio.cli.frame import Frame, record_option
from studio.cli.say import say
from studio.diagnostics import DiagnosticsFile
from studio.errors import MachineError, StudioError, UsageError
from studio.workspace import find_workspace

INTERRUPTED = 130
_OUTPUT_FAILS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

# Verbs by the module that holds them: a module is imported when its verb is used, so that `studio` paints at once.
VERBS = {
    "ask": "asking",
    "correct": "asking",
    "prefer": "preferring",
    "review": "reviewing",
    "settings": "settings_verbs",
    "lessons": "lessons",
    "night": "nights",
    "adapters": "nights",
    "models": "models",
    "bench": "measuring",
    "demo": "measuring",
    "report": "reporting",
    "export": "exporting",
    "import": "importing",
    "serve": "serving",
    "serve-app": "serving",
    "served-app": "serving",
    "sql": "log",
    "doctor": "safekeeping",
    "backup": "safekeeping",
    "restore": "safekeeping",
    "where": "log",
}

Decorated = TypeVar("Decorated", bound=Callable[..., object] | click.Command)


def workspace_option(command: Decorated) -> Decorated:
    """`--workspace DIR`, in whichever place it is given; the last one counts."""
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        expose_value=False,
        callback=_choose_workspace,
        help="Folder with local_models/, sessions/ and themes/.",
    )(command)


def _choose_workspace(ctx: click.Context, _: click.Parameter, chosen: Path | None) -> None:
    if chosen is None:
        return
    if not chosen.parts:
        raise click.BadParameter("it is empty", ctx)
    ctx.obj.workspace = find_workspace(chosen)


class LazyVerbs(click.Group):
    """A group whose verbs are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module = __import__(f"studio.cli.{VERBS[cmd_name]}", fromlist=[cmd_name])
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
        _take_workspace(command)
        return command


def _take_workspace(command: click.Command) -> None:
    """Let a verb and what is beneath it take `--workspace` too: people put it last."""
    if not any(parameter.name == "workspace" for parameter in command.params):
        workspace_option(command)
        # Once in the help of `studio` is enough.
        next(p for p in command.params if isinstance(p, click.Option) and p.name == "workspace").hidden = True
    if isinstance(command, click.Group):
        for beneath in command.commands.values():
            _take_workspace(beneath)


@click.group(cls=LazyVerbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@workspace_option
@record_option
@click.version_option(__version__, prog_name="studio")
@click.pass_context
def studio(ctx: click.Context, record: Path | None) -> None:
    """An assistant that learns from being corrected, and a place to watch it learn.

    Without a verb the app opens; without a terminal, the plain demonstration is played.
    """
    if record and (ctx.invoked_subcommand or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError(
            "--record here records the app, which needs a terminal and no verb.",
            "The demonstration is recorded with: studio demo --record FOLDER",
        )
    if ctx.invoked_subcommand is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            ctx.obj.open_app(record)
        else:
            from studio.cli.measuring import demo

            ctx.invoke(demo, plain=True)


def run(arguments: list[str]) -> int:  # noqa: PLR0911 - one exit code per kind of end
    """Run one command; every failure becomes one sentence on stderr and an exit code."""
    _prepare_process()
    frame = Frame()
    try:
        studio.main(arguments, prog_name="studio", standalone_mode=False, obj=frame)
        say(nl=False)  # flushes: an output that cannot be written is to fail here
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.NoSuchOption) and any(a.startswith("-") and " " in a for a in arguments):
            say("Text that begins with a dash goes after two dashes: studio ask -- '-5 or 5?'", err=True)
        return error.exit_code
    except StudioError as error:
        _say(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, less) left.
        _discard_output()
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence for the person, the traceback for the log
        return _unexpected(error, frame)
    return 0


def _prepare_process() -> None:
    """Output that a terminal's encoding lacks is replaced; signals that end the process let it clean up first."""
    streams: tuple[TextIO | None, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        if stream is None:  # closed by the caller
            continue
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[attr-defined]
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Whoever started us with it ignored (nohup) keeps it so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _unexpected(error: Exception, frame: Frame) -> int:
    # An error of a descriptor, not of a named file: those are stdout's, for the rooms tell their own.
    if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_FAILS:
        _discard_output()
        failure = MachineError(f"The output could not be written ({error.strerror}).", "Send it somewhere else.")
        _say(failure)
        return failure.exit_code
    where = _log_traceback(error, frame)
    say(f"studio: Something went wrong that should not have: {type(error).__name__}. {where}", err=True)
    return 1


def _say(error: StudioError) -> None:

    say(f"studio: {error!s}", err=True)


def _discard_output() -> None:
    """Point stdout away, so that the interpreter's flush at exit stays silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _log_traceback(error: Exception, frame: Frame) -> str:
    """Write the error's frames where diagnostics go; say where."""
    with contextlib.suppress(OSError, StudioError):
        file = frame.workspace.diagnostics / "command.log"
        logger, handler = logging.getLogger("studio.command"), DiagnosticsFile(file, kept=2)
        logger.addHandler(handler)
        logger.error("unexpected failure", exc_info=error)
        logger.removeHandler(handler)
        handler.close()
        return f"Details are in {file}."
    return "Nothing was changed that had not been reported as done."
