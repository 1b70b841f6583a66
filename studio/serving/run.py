"""One run of the server: the app starts, is served until it or the server is ended, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from studio.errors import MachineError
from studio.serving.access import Access
from studio.serving.app_child import AppChild
from studio.serving.audience import Audience
from studio.serving.packets import Size
from studio.serving.server import Stage

FIRST_SIZE = Size(120, 36)
"""Until the presenter's browser says how large it is."""


@dataclass(frozen=True)
class Ended:
    """How the app left: its exit code, negative for a signal, and what it wrote to its standard error."""

    exit_code: int
    last_words: str


async def serve(
    listening: socket.socket,
    access: Access,
    command: Sequence[str],
    driver: str,
    diagnostics: Path,
    on_ready: Callable[[], None],
) -> Ended:
    """Serve the app that the command runs, with the driver (`module:Class`), until it ends.

    Cancelled, it ends the app. `on_ready` is called once browsers can come.
    """
    child = await AppChild.start(command, driver, FIRST_SIZE)
    try:
        if await child.ready():
            with _written_down(diagnostics):
                await _attend(child, listening, access, on_ready)
    finally:
        exit_code = await child.end()
    return Ended(exit_code, child.last_words)


async def _attend(child: AppChild, listening: socket.socket, access: Access, on_ready: Callable[[], None]) -> None:
    stage = Stage(access, Audience(child.ask_whole), child, listening.getsockname()[1])
    runner = web.AppRunner(stage.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.SockSite(runner, listening, backlog=512).start()
        except OSError as error:
            raise MachineError(f"The address cannot be served ({error.strerror}).") from error
        on_ready()
        await stage.follow(child.says())
    finally:
        await stage.close()
        await runner.cleanup()


@contextlib.contextmanager
def _written_down(diagnostics: Path) -> Iterator[None]:
    """What goes wrong in single requests is for the diagnostics; addresses, which hold tokens, are not written down."""
    with contextlib.suppress(OSError):
        diagnostics.mkdir(mode=0o700, parents=True, exist_ok=True)
    logger = logging.getLogger("aiohttp")
    try:
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            diagnostics / "serve.log", maxBytes=1_000_000, backupCount=1, delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.propagate = True
