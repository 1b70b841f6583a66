"""Choosing one of the labels that corrections carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import App

from studio.tui.widgets.pick_dialog import Pick, PickDialog

NO_LABELS = (
    "No correction has a label yet. Write one beneath an answer that you correct, where it says Labels; "
    "studio correct --label and imports give them too."
)


async def choose_label(app: App[Any], title: str, every: str, labels: Mapping[str, str], now: str) -> str | None:
    """The label picked, of those named with a word about each; empty for `every`, None where it was left as it is."""
    picks = [Pick("", every, "with a label or without"), *(Pick(name, name, about) for name, about in labels.items())]
    picked = await app.push_screen_wait(PickDialog(title, picks, [now], several=False))
    return None if picked is None else picked[0]
