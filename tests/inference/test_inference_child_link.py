"""The watch over an engine process: one that is silent is killed, one that was stopped for the user is waited for."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from studio.inference.child_link import ChildDiedError, ChildLink

SILENCE_S = 0.4


@pytest.fixture
async def silent() -> AsyncIterator[ChildLink]:
    """A process that owes an answer and gives none."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import time; time.sleep(600)",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield ChildLink(process, SILENCE_S)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_a_silent_engine_is_stopped(silent: ChildLink) -> None:
    ending = await asyncio.wait_for(silent.open(1).get(), 20)
    assert isinstance(ending, ChildDiedError)
    assert "said nothing for 0.4 seconds" in str(ending)


async def test_while_it_stands_still_for_the_user_its_silence_does_not_count(silent: ChildLink) -> None:
    inbox = silent.open(1)
    os.kill(silent.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(inbox.get(), 4 * SILENCE_S)
    assert silent.is_alive
    os.kill(silent.pid, signal.SIGCONT)
    assert "said nothing" in str(await asyncio.wait_for(inbox.get(), 20))
