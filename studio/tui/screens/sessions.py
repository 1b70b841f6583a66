"""The sessions dialog: listed newest first, filtered as one types, to be resumed, renamed or begun."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from studio.domain.log import Conversation, Origin
from studio.domain.plural import plural
from studio.tui.plain_text import one_line
from studio.tui.screens.local_time import local_time
from studio.tui.widgets.dialogs import ListDialog

LINE_WIDTH = 70
"""Of a session in the list: what fits into the dialog beside a scroll bar."""
MOST_LISTED = 100
"""Lines at once: a list of thousands takes seconds to be drawn, at each letter typed."""

ORIGIN_WORDS = {Origin.COMPARE: " · compared", Origin.API: " · from the API"}


class SessionVerb(StrEnum):
    RESUME = "resume"
    RENAME = "rename"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """What to do, and with which session; none for a new one."""

    verb: SessionVerb
    conversation: Conversation | None = None


class SessionsScreen(ListDialog[SessionChoice | None]):
    """Dismissed with what the user chose; whoever opened it carries it out."""

    HELP = """\
Your sessions, the latest first. Words of a title, in any order, leave those that contain them; enter goes on with the
one that is marked."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="sessions.leave"),
        Binding("down", "move(1)", "Down", show=False, id="sessions.down"),
        Binding("up", "move(-1)", "Up", show=False, id="sessions.up"),
        Binding("ctrl+r", "rename", "Rename", id="sessions.rename"),
        Binding("ctrl+n", "new", "New session", id="sessions.new"),
    ]

    def __init__(self, conversations: list[Conversation], current: str | None, opened: asyncio.Event) -> None:
        super().__init__()
        self._opened = opened
        self._all = conversations
        self._current = current
        self._shown: list[Conversation] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Sessions"
            dialog.border_subtitle = "enter resumes · ctrl+r renames · ctrl+n new · esc leaves"
            yield Input(placeholder="Type to filter", compact=True)
            yield OptionList(compact=True)
            yield Static("", markup=False, classes="beneath")

    def on_mount(self) -> None:
        self._fill("")
        self.set_focus(self.query_one(Input))
        self._opened.set()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(Input.Submitted)
    def _resume_highlighted(self) -> None:
        self._choose(SessionVerb.RESUME)

    @on(OptionList.OptionSelected)
    def _resume_clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(SessionChoice(SessionVerb.RESUME, self._shown[event.option_index]))

    def action_rename(self) -> None:
        self._choose(SessionVerb.RENAME)

    def action_new(self) -> None:
        self.dismiss(SessionChoice(SessionVerb.NEW))

    def action_leave(self) -> None:
        self.dismiss(None)

    def _choose(self, verb: SessionVerb) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None:
            self.dismiss(SessionChoice(verb, self._shown[index]))

    def _fill(self, wanted: str) -> None:
        words = wanted.casefold().split()
        found = [one for one in self._all if all(word in one.title.casefold() for word in words)]
        self._shown = found[:MOST_LISTED]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(self._line(one)) for one in self._shown])
        options.highlighted = 0 if self._shown else None
        beneath = self.query_one(".beneath", Static)
        beneath.update(self._beneath(len(found)))
        beneath.display = len(found) != len(self._shown) or not found

    def _beneath(self, found: int) -> str:
        if found:
            return f"The latest {MOST_LISTED} of {found:,}: type more of a title to find the others."
        return "No title contains that." if self._all else "No session yet: ask something."

    def _line(self, conversation: Conversation) -> Content:
        turns = plural(conversation.turns, "question")
        came_from = ORIGIN_WORDS.get(conversation.origin, "")
        here = "  (open)" if conversation.id == self._current else ""
        about = f"  {turns}{came_from} · {local_time(conversation.updated_at)}{here}"
        return Content.assemble(
            one_line(conversation.title, LINE_WIDTH - cell_len(about)) or "untitled", (about, "$foreground-muted")
        )
