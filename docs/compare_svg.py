"""Draws docs/compare.svg, the README's picture: `python docs/compare_svg.py WORKSPACE "QUESTION"`.

All arms answer the question with what the workspace has learnt, in the app itself, without a terminal. Best with a
question that was corrected there, and after a night.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

from studio.bootstrap import build_studio
from studio.tui.app import StudioApp
from studio.workspace import Workspace

SIZE = (114, 32)
"""Two columns of arms: in one row of six, letters would be too small to read on a page."""
PATIENCE_S = 600.0


async def draw(workspace: Path, question: str) -> str:
    app = StudioApp(build_studio(Workspace(workspace)))
    async with app.run_test(size=SIZE) as pilot, asyncio.timeout(PATIENCE_S):
        while app.status.engine != "ready" or app.status.embedder:
            await pilot.pause(0.2)
        await app.action_go("compare")
        compare = cast("Any", app.base_screen("compare"))
        compare.compare(question, ())
        await pilot.pause()
        while compare.answering or app.status.probes or any(pane.answer is None for pane in compare.panes):
            await pilot.pause(0.2)
        app.clear_notifications()
        await pilot.pause(0.5)
        return app.export_screenshot(title="Correction Studio", simplify=True)


if __name__ == "__main__":
    drawn = asyncio.run(draw(Path(sys.argv[1]), sys.argv[2]))
    Path(__file__).with_name("compare.svg").write_text(drawn, encoding="utf-8")
