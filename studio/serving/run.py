"""One run of the server: the app starts, is served until it or the server is ended, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from studio.serving.access import Access
from studio.serving.app_child import AppChild
from studio.serving.audience import Audience
from studio.serving.packets import Size
from studio.serving.server import Stage
from studio.serving.site import answering, written_down

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
            with written_down(diagnostics):
                await _attend(child, listening, access, on_ready)
    finally:
        exit_code = await child.end()
    return Ended(exit_code, child.last_words)


async def _attend(child: AppChild, listening: socket.socket, access: Access, on_ready: Callable[[], None]) -> None:
    stage = Stage(access, Audience(child.ask_whole), child, listening.getsockname()[1])
    async with answering(stage.application(), listening):
        try:
            on_ready()
            await stage.follow(child.says())
        finally:
            await stage.close()


async def serve_api(
    listening: socket.socket, application: web.Application, diagnostics: Path, on_ready: Callable[[], None]
) -> None:
    """Answer other programs until cancelled. `on_ready` is called once they can come."""
    with written_down(diagnostics):
        async with answering(application, listening, cancels=True):
            on_ready()
            await asyncio.Event().wait()
