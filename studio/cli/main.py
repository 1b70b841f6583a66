"""The `studio` command: global options, the app when no verb is given, and how failures are told."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import sys
from pathlib import Path

import click

from studio import __version__
from studio.cli.frame import Frame
from studio.errors import StudioError
from studio.workspace import find_workspace

INTERRUPTED = 130

# Verbs by the module that holds them: a module is imported when its verb is used, so that `studio` paints at once.
VERBS = {
    "ask": "asking",
    "correct": "asking",
    "lessons": "lessons",
    "night": "nights",
    "adapters": "nights",
    "bench": "measuring",
    "demo": "measuring",
    "sql": "log",
    "doctor": "log",
    "backup": "log",
    "restore": "log",
    "where": "log",
}


class LazyVerbs(click.Group):
    """A group whose verbs are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module = __import__(f"studio.cli.{VERBS[cmd_name]}", fromlist=[cmd_name])
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=LazyVerbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--workspace", type=click.Path(path_type=Path), help="Folder with local_models/, sessions/ and themes/.")
@click.version_option(__version__, prog_name="studio")
@click.pass_context
def studio(ctx: click.Context, workspace: Path | None) -> None:
    """An assistant that learns from being corrected, and a place to watch it learn.

    Without a verb the app opens; without a terminal, the plain demonstration is played.
    """
    ctx.obj = Frame(find_workspace(workspace))
    if ctx.invoked_subcommand is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            ctx.obj.open_app()
        else:
            from studio.cli.measuring import demo

            ctx.invoke(demo, plain=True)


def main() -> None:
    """Run the command line and leave with the exit code of the contract."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:  # noqa: PLR0911 - one exit code per kind of end
    """Run one command; every failure becomes one sentence on stderr and an exit code."""
    try:
        studio.main(arguments, prog_name="studio", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except StudioError as error:
        click.echo(f"studio: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, less) left; point stdout away so that the interpreter's flush at exit stays silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence for the person, the traceback for the log
        click.echo(
            f"studio: Something went wrong that should not have: {type(error).__name__}. {_log_traceback(error)}",
            err=True,
        )
        return 1
    return 0


def _log_traceback(error: Exception) -> str:
    """Write the traceback, without the values of variables, where diagnostics go; say where."""
    with contextlib.suppress(OSError, StudioError):
        folder = find_workspace().diagnostics
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "command.log"
        handler = logging.handlers.RotatingFileHandler(file, maxBytes=1_000_000, backupCount=2)
        logger = logging.getLogger("studio.command")
        logger.addHandler(handler)
        logger.error("unexpected failure", exc_info=error)
        handler.close()
        return f"Details are in {file}."
    return "Nothing was changed that had not been reported as done."
