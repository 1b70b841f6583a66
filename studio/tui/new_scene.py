"""Another studio in the place of the app's: the demonstration begins again over an empty log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from studio.services.studio import Studio
from studio.tui.widgets.header import MODES

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

CURTAIN = "curtain"


async def change_scene(app: StudioApp, studio: Studio) -> None:
    """Show Chat over `studio`; every screen is made anew, and what went on in the old ones is cancelled.

    To be run beside the app, not by one of the screens that end here. Engine and embedder are the same in both.
    """
    app.add_mode(CURTAIN, _curtain)
    await app.switch_mode(CURTAIN)
    for mode in MODES:
        await app.remove_mode(mode)
    app.studio = studio
    app.tour = None
    app.add_modes()
    await app.switch_mode(app.DEFAULT_MODE)
    await app.remove_mode(CURTAIN)
    app.tell(night="")
    app.log_changed()


def _curtain() -> Screen[Any]:
    return Screen()
