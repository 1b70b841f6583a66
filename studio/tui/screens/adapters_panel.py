"""The adapters there are, or why there are none; and why their keys can do nothing, where they cannot."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from studio.domain.nights import Adapter
from studio.tui.plain_text import displayable
from studio.tui.screens.night_tables import AdaptersTable

NO_ADAPTERS = "No adapter yet, so there is none to use, roll back or switch off: the first night makes one."
NONE_IN_USE = "No adapter is in use: a puts the chosen one into use."


class AdaptersPanel(Vertical):
    """A table, and words above it or in its place."""

    def compose(self) -> ComposeResult:
        yield Static("Adapters", classes="nights-title")
        yield Static("Reading…", id="adapters-empty", markup=False)
        table = AdaptersTable(id="adapters-table")
        table.display = False
        yield table

    def show_adapters(self, adapters: Sequence[Adapter], untrained: str = "") -> None:
        """List these; says so where none is in use or there are none, and what the model is yet to be trained on."""
        table = self.query_one(AdaptersTable)
        table.show_adapters(adapters)
        if not table.listed:
            self.say(f"{untrained}; n starts a night that does it." if untrained else NO_ADAPTERS)
        elif any(adapter.active for adapter in table.listed):
            self.say("", hide_table=False)
        else:
            self.say(NONE_IN_USE, hide_table=False)

    def say(self, words: str, *, hide_table: bool = True) -> None:
        """Words in the place of the table, or above it."""
        empty = self.query_one("#adapters-empty", Static)
        empty.update(displayable(words))
        empty.display = bool(words)
        self.query_one(AdaptersTable).display = not hide_table


def why_not(action: str, adapters: Sequence[Adapter]) -> str:
    """Why this action can do nothing to these adapters; empty where it can."""
    kept = [adapter for adapter in adapters if not adapter.removed]
    if not kept:
        return NO_ADAPTERS
    if action == "adapters_off" and not any(adapter.active for adapter in kept):
        return NONE_IN_USE
    return ""
