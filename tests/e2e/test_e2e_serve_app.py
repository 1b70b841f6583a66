"""The app in browsers, as who presents and who watches meet it: the real `studio serve-app`, with the real model."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
from browser import CHROMIUM, NO_CHROMIUM, Page, browser
from numpy.typing import NDArray
from PIL import Image
from served import Served
from terminal import CTRL_Q, ENTER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUESTION = "What is a keel?"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    run = await Served.start(tmp_path)
    yield run
    await run.close()


def all_gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=30)[1]


async def test_a_question_is_asked_by_one_and_watched_by_all_until_a_signal_ends_everything(served: Served) -> None:
    presenter, viewer = await served.present(), await served.watch()
    await presenter.wait("ready", 120)
    await viewer.type("only a viewer")
    await presenter.type(QUESTION)
    await viewer.wait(QUESTION)
    assert "only a viewer" not in viewer.text
    await presenter.type(ENTER)
    await presenter.wait(lambda screen: " tokens" in screen, 180)
    seen = (await viewer.wait(lambda screen: " tokens" in screen, 20)).splitlines()

    late = await served.watch()
    assert (await late.wait(QUESTION, 20)).splitlines()[1:-1] == seen[1:-1]  # but for header and footer

    await presenter.socket.close()
    again = await served.present()
    await again.wait(QUESTION, 20)

    await again.socket.send_json(["resize", {"width": 90, "height": 30}])
    await viewer.wait(lambda screen: len(screen.splitlines()) == 30 and QUESTION in screen)
    assert ("size", {"width": 90, "height": 30}) in viewer.told

    family = served.family()
    assert len(family) >= 2
    served.signal(signal.SIGTERM)
    code, said = await served.end()
    assert code == 128 + signal.SIGTERM
    assert "Traceback" not in said
    assert all_gone(family)
    for watcher in (viewer, late, again):
        await asyncio.wait_for(watcher.reading, 10)
        assert watcher.told[-1] == ("ended", "The presentation has ended.")


async def test_a_killed_server_leaves_nothing_behind(served: Served) -> None:
    viewer = await served.watch()
    await viewer.wait("ready", 120)
    family = served.family()
    served.signal(signal.SIGKILL)
    await served.end()
    assert all_gone(family)


async def test_leaving_the_app_ends_the_server(served: Served) -> None:
    presenter, viewer = await served.present(), await served.watch()
    await presenter.wait("2 Chat", 60)
    family = served.family()
    await presenter.type(CTRL_Q)
    assert await served.end() == (0, "The app was closed.\n")
    assert all_gone(family)
    await asyncio.wait_for(viewer.reading, 10)
    assert viewer.told[-1] == ("ended", "The presentation has ended.")


async def test_an_app_that_was_killed_is_told_of(served: Served) -> None:
    app = min(served.family(), key=lambda process: process.create_time())
    app.kill()
    code, said = await served.end()
    assert (code, said) == (1, "studio: The app was ended from outside (SIGKILL). What was saved is safe.\n")


def test_an_app_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "studio.toml").write_text("[prompt]\nno_such_setting = 1\n")
    run = subprocess.run(
        [sys.executable, "-m", "studio", "--workspace", str(tmp_path), "serve-app"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("studio: ")
    assert "no_such_setting" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
async def test_browsers_type_show_reload_and_end(served: Served) -> None:
    screen = await served.watch()
    async with browser() as chromium:
        presenter, viewer = await chromium.page(1280, 800), await chromium.page(1000, 700)
        await viewer.open(served.watch_at)
        await presenter.front()
        await presenter.open(served.present_at)
        await presenter.wait("document.getElementById('word').textContent === ''")
        await screen.wait("ready", 120)
        await presenter.type(QUESTION)
        await screen.wait(QUESTION)

        # The viewer's window, though smaller, shows as many columns and rows, and what the presenter sees.
        size = [value for kind, value in screen.told if kind == "size"][-1]
        assert isinstance(size, dict)
        for page in (presenter, viewer):
            assert await page.value("document.body.dataset.cells") == f"{size['width']}x{size['height']}"
        await asyncio.sleep(1)  # both have drawn
        assert np.corrcoef(await looks(presenter), await looks(viewer))[0, 1] > 0.7

        await viewer.front()
        await viewer.value("document.querySelector('.xterm-helper-textarea').focus()")
        await viewer.type("only a viewer")
        assert "watching" in await viewer.value("document.getElementById('word').textContent")

        # A function key is the app's, not the browser's; loading the page again gets the app back as it was.
        await presenter.front()
        await presenter.press("F5", code="F5", number=116)
        await screen.wait(lambda text: QUESTION not in text)
        await presenter.press("F2", code="F2", number=113)
        await screen.wait(QUESTION)
        await presenter.call("Page.reload")
        await presenter.wait("document.querySelector('.xterm-helper-textarea') === document.activeElement")
        await presenter.wait("document.getElementById('word').textContent === ''")
        await presenter.type(" And why?")
        assert "only a viewer" not in await screen.wait(f"{QUESTION} And why?")

        for page in (presenter, viewer):
            assert page.complaints == []
            assert {address.split("/")[2] for address in page.requested} == {served.origin.split("/")[2]}
            assert "token" not in await page.value("location.href")

        await presenter.press("q", code="KeyQ", number=81, modifiers=2)
        assert await served.end() == (0, "The app was closed.\n")
        for page in (presenter, viewer):
            await page.wait("document.getElementById('word').textContent === 'The presentation has ended.'")


async def looks(page: Page) -> NDArray[np.float64]:
    """How bright each part of the terminal is, whatever its size."""
    box = await page.value(
        "(() => { const r = document.querySelector('.xterm-screen').getBoundingClientRect();"
        " return [r.left, r.top, r.right, r.bottom]; })()"
    )
    await page.front()
    shot = Image.open(BytesIO(await page.screenshot())).convert("L")
    return np.asarray(shot.crop(tuple(map(round, box))).resize((200, 100)), dtype=float).ravel()
