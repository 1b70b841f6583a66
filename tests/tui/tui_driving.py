"""Driving the app in tests: wait on state, read what is on the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual import events
from textual.pilot import Pilot
from tui_values import QUESTION

from studio.tui.app import StudioApp
from studio.tui.messages import CompareRequested
from studio.tui.screens.chat import ChatScreen
from studio.tui.widgets.text_input import Composer

AppPilot = Pilot[None]
NAMED_KEYS = ("enter", "escape", "f7", "ctrl+s", "down")


async def until(pilot: AppPilot, condition: Callable[[], object]) -> None:
    """Let the app work until the condition holds; fails after a minute, for others may be using the machine."""
    async with asyncio.timeout(60):
        looked = time.monotonic()
        while not condition():
            # Looking takes time of the app's own, and pilot.pause() would wake every widget at each look.
            await asyncio.sleep(max(0.01, time.monotonic() - looked))
            looked = time.monotonic()
    await pilot.pause()


async def settled(pilot: AppPilot) -> None:
    """Until no worker but those that run for ever is under way."""
    app = pilot.app
    assert isinstance(app, StudioApp)
    await until(pilot, lambda: all(worker.group == "watch" or worker.is_finished for worker in app.workers))


def shown(pilot: AppPilot) -> str:
    """The text on the screen, row by row."""
    screen = pilot.app.screen
    rows = screen._compositor.render_strips()
    return "\n".join(row.text.rstrip() for row in rows)


def notices(pilot: AppPilot) -> list[str]:
    return [notification.message for notification in pilot.app._notifications]


def chat(pilot: AppPilot) -> ChatScreen:
    app = pilot.app
    assert isinstance(app, StudioApp)
    screen = app.base_screen("chat")
    assert isinstance(screen, ChatScreen)
    return screen


async def write(pilot: AppPilot, text: str) -> None:
    """Put text into whatever has the focus, at once; `pilot.press` types key by key."""
    focused = pilot.app.focused
    assert focused is not None
    focused.post_message(events.Paste(text))
    await pilot.pause()


async def type_at_once(pilot: AppPilot, *keys: str) -> None:
    """Send keys without a pause, as a fast typist, a slow machine or a terminal's buffer do; then let all be taken in.

    A key of several letters that is no name of a key is typed letter by letter."""
    for key in keys:
        for one in [key] if key in NAMED_KEYS else key:
            character = None if one in NAMED_KEYS else one
            pilot.app.post_message(events.Key("space" if one == " " else one, character))
    await pilot.pause()
    await pilot.pause()


async def ask(pilot: AppPilot, question: str) -> None:
    """Ask a question and wait for the answer to be in the log."""
    screen = chat(pilot)
    before = len(screen.answers)
    screen.query_one(Composer).focus()
    await write(pilot, question)
    await pilot.press("enter")
    await until(pilot, lambda: len(screen.answers) > before and screen.answers[-1].answer is not None)
    await settled(pilot)


async def go(pilot: AppPilot, place: str) -> None:
    """Show a screen, or a dialog over the one shown last."""
    app = pilot.app
    assert isinstance(app, StudioApp)
    if place == "compare":
        app.screen.post_message(CompareRequested(QUESTION))
        await until(pilot, lambda: app.current_mode == "compare")
    elif place in ("help", "palette", "themes"):
        await app.run_action({"help": "help", "palette": "command_palette", "themes": "change_theme"}[place])
        await until(pilot, lambda: app.screen.is_modal)
        return  # the palette's own worker goes on as long as it is open
    else:
        await app.action_go(place)
    await settled(pilot)


async def leave(pilot: AppPilot) -> None:
    while pilot.app.screen.is_modal:
        await pilot.press("escape")
        await pilot.pause()
