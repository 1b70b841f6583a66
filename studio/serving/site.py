"""A web application at an address: for as long as a block lasts, and what goes wrong in it is written down."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from aiohttp import web

from studio.diagnostics import DiagnosticsFile
from studio.errors import MachineError

_LEAVE_WITHIN_S = 1.0


@contextlib.asynccontextmanager
async def answering(
    application: web.Application, listening: socket.socket, *, cancels: bool = False
) -> AsyncIterator[None]:
    """Requests are answered within the block. `cancels`: what a client asked for ends when it leaves.

    Raises MachineError where the address cannot be served.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_LEAVE_WITHIN_S, handler_cancellation=cancels)
    await runner.setup()
    try:
        try:
            await web.SockSite(runner, listening, backlog=512).start()
        except OSError as error:
            raise MachineError(f"The address cannot be served ({error.strerror}).") from error
        yield
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def written_down(diagnostics: Path) -> Iterator[None]:
    """What goes wrong in single requests is for the diagnostics; addresses, which hold tokens, are not written down."""
    logger = logging.getLogger("aiohttp")
    try:
        handler: logging.Handler = DiagnosticsFile(diagnostics / "serve.log", kept=1)
    except OSError:
        handler = logging.NullHandler()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.propagate = True
