"""Printing: the one way in which commands put text on the terminal, whoever wrote it."""

from __future__ import annotations

import click

from studio.reporting.terminal_text import printable


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print it without anything that steers a terminal; on stderr what is about the command and not its result."""
    click.echo(printable(text), nl=nl, err=err)
