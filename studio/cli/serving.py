"""`studio serve`: the arms for other programs; `studio serve-app`: the app in browsers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from studio.cli.frame import Frame, ended_by_signals, pass_frame
from studio.cli.say import say
from studio.errors import EmbedderError, StudioError, UsageError

if TYPE_CHECKING:
    from studio.services.studio import Studio
    from studio.serving.access import Access

API_PORT = 8642
DRIVER = "studio.tui.served_driver:ServedDriver"


host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
allow_host_option = click.option(
    "--allow-host",
    "other_names",
    metavar="NAME",
    multiple=True,
    help="A further name by which it is reached, say that of a proxy; may be repeated.",
)


@click.command()
@host_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=API_PORT,
    show_default=True,
    help="Port to listen on; 0 is any free one.",
)
@click.option("--to-network", is_flag=True, help="Let other machines in, which a --host beyond this one needs.")
@allow_host_option
@click.option("--token", help="The API key clients must show. Default: one kept in the workspace, made once.")
@click.option("--arm", help="The arm that answers where a client names no model. Default: the chat arm.")
@pass_frame
def serve(  # noqa: PLR0917 - click passes them by name
    frame: Frame,
    host: str,
    port: int,
    to_network: bool,
    other_names: tuple[str, ...],
    token: str | None,
    arm: str | None,
) -> None:
    """The arms for other programs: an OpenAI-compatible API.

    Editors and chat programs set to the printed address, with the token as their API key, get the corrected
    assistant: the arms are its models. What is asked lies in the log and comes up in Review. It runs beside the app,
    with an engine of its own, until ctrl+c.
    """
    from studio.serving.access import Reach
    from studio.serving.api import Api
    from studio.serving.listening import is_loopback, listen
    from studio.serving.run import serve_api
    from studio.serving.token_file import checked_token, kept_token

    given = None if token is None else checked_token(token)
    listening = listen(host, port)

    async def use(studio: Studio) -> None:
        from studio.services.answer_clients import ServedArms

        default = studio.arm(arm or studio.settings.chat.arm)
        secret = given or kept_token(studio.workspace.serve_token)
        await _make_ready(studio)
        assistant = ServedArms(studio, default)
        reach = Reach.by(only_loopback=is_loopback(listening), own_name=socket.gethostname(), other_names=other_names)
        where = "as given by --token" if given else f"in {studio.workspace.serve_token}"
        arms = await assistant.arms()
        embedder = asyncio.create_task(_start_embedder(studio))
        try:
            await serve_api(
                listening,
                Api(assistant, reach, secret).application(),
                studio.workspace.diagnostics,
                lambda: _tell_address(listening, arms, where),
            )
        finally:
            embedder.cancel()

    with listening:
        if not (is_loopback(listening) or to_network):
            raise UsageError(
                f"{host} can be reached from other machines, and what is sent is not encrypted.",
                "Add --to-network if that is meant.",
            )
        frame.run(use)


async def _make_ready(studio: Studio) -> None:
    """What a first question would wait for, and what may fail, before anybody is told to come."""
    from studio.services.learn_lessons import learn_pending

    await studio.model()
    if studio.passed_over:
        say(f"studio: {studio.passed_over}", err=True)
    with contextlib.suppress(EmbedderError):  # told when it is started
        await learn_pending(studio)


async def _start_embedder(studio: Studio) -> None:
    """It takes seconds, which only questions that look up lessons wait for."""
    try:
        await studio.embedder.start()
    except EmbedderError as error:  # the arms answer without lessons, and say so
        say(f"studio: {error!s}", err=True)


def _tell_address(listening: socket.socket, arms: Sequence[str], where: str) -> None:
    bound, port = listening.getsockname()[:2]
    say("The arms answer other programs. ctrl+c ends it.")
    for name in _reached_at(bound):
        say(f"  base URL  http://{name}:{port}/v1")
    say(f"  API key   {where}")
    say(f"  models    {arms[0]} (default), {', '.join(arms[1:])}")
    sys.stdout.flush()


@click.command("serve-app")
@host_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; any free one by default.")
@allow_host_option
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
    from studio.serving.run import serve as serve_to_browsers

    workspace = frame.workspace
    listening = listen(host, port)
    access = Access.draw(only_loopback=is_loopback(listening), own_name=socket.gethostname(), other_names=other_names)
    command = [sys.executable, "-P", "-m", "studio", "--workspace", str(workspace.root), "served-app"]

    async def within() -> None:
        with ended_by_signals():
            ended = await serve_to_browsers(
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
    say("The app is served. ctrl+c here, or ctrl+q in the app, ends it.")
    say(f"  present (secret)   http://{here}:{port}/{present}")
    for name in others or [here]:
        say(f"  watch (read-only)  http://{name}:{port}/{watch}")
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
        say(last_words, err=True)
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        raise StudioError(f"The app was ended from outside ({name}).", "What was saved is safe.")
    if exit_code:
        raise SystemExit(exit_code)
    say("The app was closed.")
