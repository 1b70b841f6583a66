"""`studio serve-app`: the app in a browser, for one who presents and many who watch."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from typing import TYPE_CHECKING

import click

from studio.cli.frame import Frame, ended_by_signals, pass_frame
from studio.errors import StudioError, UsageError
from studio.reporting.terminal_text import printable

if TYPE_CHECKING:
    from studio.serving.access import Access

DRIVER = "studio.tui.served_driver:ServedDriver"


@click.command("serve-app")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; any free one by default.")
@click.option(
    "--allow-host",
    "other_names",
    metavar="NAME",
    multiple=True,
    help="A further name by which browsers reach it, say that of a proxy; may be repeated.",
)
@pass_frame
def serve_app(frame: Frame, host: str, port: int, other_names: tuple[str, ...]) -> None:
    """The app in a browser: one presents, any number watch.

    Prints two links. The presenter's opens the app itself, to type into; keep it to yourself. The viewers' shows the
    same screen, read-only. The app ends with this command (ctrl+c) or with ctrl+q in it, not with the browser.

    On this machine alone (the default) whoever can reach it may watch; with any other --host, or an --allow-host,
    viewers need their link too.
    """
    from studio.serving.access import Access
    from studio.serving.listening import is_loopback, listen
    from studio.serving.run import serve

    workspace = frame.workspace
    listening = listen(host, port)
    access = Access.draw(only_loopback=is_loopback(listening), own_name=socket.gethostname(), other_names=other_names)
    command = [sys.executable, "-P", "-m", "studio", "--workspace", str(workspace.root), "served-app"]

    async def within() -> None:
        with ended_by_signals():
            ended = await serve(
                listening, access, command, DRIVER, workspace.diagnostics, lambda: _tell_links(listening, access)
            )
        _tell_end(ended.exit_code, ended.last_words)

    with listening:
        asyncio.run(within())


@click.command("served-app", hidden=True)
@pass_frame
def served_app(frame: Frame) -> None:
    """The app of `studio serve-app`, which is at the other end of its input and output."""
    if sys.stdin.isatty() or sys.stdout.isatty():
        raise UsageError("`studio served-app` is started by `studio serve-app`.", "Use that.")
    frame.open_app()


def _tell_links(listening: socket.socket, access: Access) -> None:
    bound, port = listening.getsockname()[:2]
    present = f"present?token={access.presenter_token}"
    watch = f"?token={access.viewer_token}" if access.viewer_token else ""
    here, *others = _reached_at(bound)
    click.echo("The app is served. ctrl+c here, or ctrl+q in the app, ends it.")
    click.echo(f"  present (secret)   http://{here}:{port}/{present}")
    for name in others or [here]:
        click.echo(f"  watch (read-only)  http://{name}:{port}/{watch}")
    sys.stdout.flush()


def _reached_at(bound: str) -> list[str]:
    """The address for this machine's browser, then those for others."""
    if bound not in {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not listened on
        return [f"[{bound}]" if ":" in bound else bound]
    import psutil

    addresses = [found.address for each in psutil.net_if_addrs().values() for found in each]
    return ["127.0.0.1", *(a for a in addresses if a.count(".") == 3 and not a.startswith("127."))]


def _tell_end(exit_code: int, last_words: str) -> None:
    if last_words and exit_code:
        click.echo(printable(last_words), err=True)
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        raise StudioError(f"The app was ended from outside ({name}).", "What was saved is safe.")
    if exit_code:
        raise SystemExit(exit_code)
    click.echo("The app was closed.")
