"""The footer's keys."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from studio_fakes import fake_studio
from textual.widgets._footer import FooterKey

from studio.tui.app import StudioApp
from studio.tui.widgets.footer import StudioFooter


async def test_keys_that_went_are_let_go_of(tmp_path: Path) -> None:
    """Each weighs as much as a page of text, and new ones come whenever other keys can be pressed."""
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        footer = app.screen.query_one(StudioFooter)
        await pilot.press("escape")
        await pilot.pause()
        gone = [weakref.ref(key) for key in footer.query(FooterKey)]
        for width in (100, 120, 100):
            await pilot.resize_terminal(width, 36)
            await pilot.pause()
        gc.collect()
        assert footer.query(FooterKey)
        # The last that was touched may still be held by what is being drawn.
        assert sum(key() is not None for key in gone) <= 1
