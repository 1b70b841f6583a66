"""A few screens as they stand, in text: what is written where, and what in which style.

`make snapshots` writes them anew; the change is then read as any other, for they are plain
files. The header is left out,
for it is the same everywhere and has tests of its own.
"""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
from fake_crontab import no_crontab
from studio_fakes import FakeEngine, fake_studio
from textual.color import Color
from tui_driving import AppPilot, chat, go, settled, until
from tui_values import MORNING, a_lesson, add_correction, add_lessons, add_night, by_arm

from studio.domain.nights import NightState
from studio.services import learn_lessons
from studio.services.studio import Studio
from studio.settings import NightSettings, SamplingSettings, Settings, UiSettings
from studio.tui.app import StudioApp

FOLDER = Path(__file__).parent / "snapshots"
RENEW = "STUDIO_SNAPSHOTS_RENEW"
MOST_SHOWN = 160

Steps = Callable[[AppPilot], Awaitable[None]]


async def in_chat(pilot: AppPilot) -> None:
    app = pilot.app
    assert isinstance(app, StudioApp)
    (conversation,) = app.studio.log.conversations.recent()
    chat(pilot).open_conversation(conversation.id)
    await until(pilot, lambda: chat(pilot).answers)
    await settled(pilot)


async def editing(pilot: AppPilot) -> None:
    await in_chat(pilot)
    await pilot.press("escape", "e", *"only ")
    await until(pilot, lambda: "{+only+}" in "\n".join(text_of(pilot)))


async def comparing(pilot: AppPilot) -> None:
    await go(pilot, "compare")


async def against_the_correction(pilot: AppPilot) -> None:
    await comparing(pilot)
    await pilot.press("2", "d")
    await until(pilot, lambda: "[-, says context-]" in "\n".join(text_of(pilot)))


async def in_lessons(pilot: AppPilot) -> None:
    await go(pilot, "lessons")


async def letters_over_the_chat(pilot: AppPilot) -> None:
    await in_chat(pilot)
    await pilot.press("ctrl+l")
    await until(pilot, lambda: pilot.app.screen.is_modal)


async def in_nights(pilot: AppPilot) -> None:
    await go(pilot, "nights")


SCREENS: dict[str, tuple[tuple[int, int], Steps, UiSettings]] = {
    "chat": ((80, 24), in_chat, UiSettings()),
    "chat-editing": ((120, 36), editing, UiSettings()),
    "compare": ((120, 36), comparing, UiSettings()),
    "compare-narrow": ((80, 24), comparing, UiSettings()),
    "compare-diff": ((200, 50), against_the_correction, UiSettings(theme="studio-colour-blind")),
    "compare-ascii": ((120, 36), comparing, UiSettings(signs="ascii", theme="studio-contrast")),
    "jump": ((80, 24), letters_over_the_chat, UiSettings(signs="ascii")),
    "lessons": ((80, 24), in_lessons, UiSettings(theme="studio-light")),
    "nights": ((160, 40), in_nights, UiSettings()),
}


def a_fixed_studio(folder: Path, ui: UiSettings) -> Studio:
    """A log whose times are all given, and an engine that takes none."""
    still = UiSettings(theme=ui.theme, signs=ui.signs, reduced_motion=True)
    apart = Settings(ui=still, sampling=SamplingSettings(temperature=0.5), night=NightSettings(scope=-1.0))
    studio = fake_studio(folder, engine=FakeEngine(by_arm), settings=apart)
    add_correction(studio, rationale="the policy changed")
    add_lessons(studio, a_lesson(), a_lesson("Shipping to 日本", pinned=True))
    add_night(studio, NightState.PROMOTED, "Better on 4 of 5 held-back questions; general knowledge stayed.", version=1)
    return studio


def text_of(pilot: AppPilot) -> list[str]:
    return [row.text.rstrip() for row in pilot.app.screen._compositor.render_strips()[1:]]


def drawn(pilot: AppPilot) -> str:
    """The screen's text, then each style with what is drawn in it, in the order of its first appearance."""
    styles: dict[str, dict[str, None]] = {}
    for row in pilot.app.screen._compositor.render_strips()[1:]:
        for text, style, _ in row:
            if style is not None and any(map(str.isalnum, text)):
                marks = [name for name in ("bold", "italic", "underline", "strike", "reverse") if getattr(style, name)]
                colours = [Color.from_rich_color(one).hex if one else "none" for one in (style.color, style.bgcolor)]
                styles.setdefault(" ".join([*marks, " on ".join(colours)]), {})[text.strip()] = None
    told = (f"{style}: {' | '.join(texts)}"[:MOST_SHOWN] for style, texts in styles.items())
    return "\n".join([*_shortened(text_of(pilot)), "", "styles:", *told, ""])


def _shortened(rows: list[str]) -> Iterator[str]:
    """Rows that are alike once, with how many they are."""
    for row, group in groupby(rows):
        yield row
        if (more := sum(1 for _ in group) - 1) > 0:
            yield f"({more} more like it)"


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    size, steps, ui = SCREENS[name]
    monkeypatch.setattr(learn_lessons, "utc_now", lambda: MORNING)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    no_crontab(tmp_path, monkeypatch)
    app = StudioApp(a_fixed_studio(tmp_path, ui))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await steps(pilot)
        await settled(pilot)
        now = drawn(pilot)
    file = FOLDER / f"{name}.txt"
    if os.environ.get(RENEW):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    changed = "\n".join(difflib.unified_diff(before.splitlines(), now.splitlines(), "before", "now", lineterm=""))
    assert not changed, f"{name} looks otherwise. Where that is meant: make snapshots\n{changed}"
