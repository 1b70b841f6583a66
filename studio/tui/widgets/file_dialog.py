"""A dialog to choose a file: a path is typed, and what lies where it leads is listed to complete it."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from studio.domain.sizes import size_text
from studio.tui.plain_text import one_line
from studio.tui.screens.studio_screen import run_beside
from studio.tui.widgets.dialogs import ListDialog

LINE_WIDTH = 68
"""What fits into the dialog beside a scroll bar."""
MOST_LISTED = 500
_BEFORE_A_WHOLE_PATH = re.compile(r"^.*/(?=/|~/|['\"][/~])")


class Entry(NamedTuple):
    """A file, or a folder, of which no size is told."""

    name: str
    is_folder: bool
    bytes: int = 0


class FileDialog(ListDialog[Path | None]):
    """Dismissed with the path, which need not exist, or with None.

    Enter takes what is marked in the list, a folder to look into it; where nothing is marked, the path as it is typed.
    """

    HELP = """\
What lies where the typed path leads is listed. Tab completes the path by what is marked, enter takes it, a folder to
look into it; where nothing is marked, the path as it is typed. Hidden files are listed once their dot is typed."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="file.leave"),
        Binding("down", "move(1)", "Down", show=False, id="file.down"),
        Binding("up", "move(-1)", "Up", show=False, id="file.up"),
        Binding("tab", "complete", "Complete", show=False, priority=True, id="file.complete"),
    ]

    def __init__(self, title: str, folder: Path) -> None:
        super().__init__()
        self._title = title
        self._folder = folder
        self._listed: list[Entry] = []
        self._listed_for: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "tab completes · enter chooses · esc leaves"
            yield Input(
                _as_typed(self._folder, is_folder=True), placeholder="A path", compact=True, select_on_focus=False
            )
            yield OptionList(compact=True)
            yield Static("", markup=False, classes="empty")

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        run_beside(self, self._list(event.value), group="list", exclusive=True)

    async def _list(self, text: str) -> None:
        folder, begun = _parted(text)
        listed, why = await asyncio.to_thread(entries, folder, begun)
        if not self.is_attached:  # it was left meanwhile
            return
        self._listed, self._listed_for = listed[:MOST_LISTED], text
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(entry)) for entry in self._listed])
        # With nothing begun nothing is marked: enter would take what nobody asked for.
        options.highlighted = 0 if begun and self._listed else None
        options.display = bool(self._listed)
        more = len(listed) - len(self._listed)
        empty = self.query_one(".empty", Static)
        empty.update(why or (f"and {more:,} more" if more else "" if listed else "Nothing there begins like that."))
        empty.display = bool(why or more or not listed)

    async def _catch_up(self) -> bool:
        """Wait until the list is of what is typed: a fast typist is ahead of it. Whether the dialog is still there."""
        if self.is_attached and (text := self.query_one(Input).value) != self._listed_for:
            await self._list(text)
        return self.is_attached

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        if not await self._catch_up():
            return
        marked = self._marked
        folder, begun = _parted(event.value)
        if marked is None or marked.name == begun:
            self._take(folder / begun, is_folder=marked is not None and marked.is_folder)
        else:
            self._take(folder / marked.name, is_folder=marked.is_folder)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        entry = self._listed[event.option_index]
        self._take(_parted(self.query_one(Input).value)[0] / entry.name, is_folder=entry.is_folder)

    def _take(self, path: Path, *, is_folder: bool) -> None:
        if is_folder:
            self._type(path, is_folder=True)
        else:
            self.dismiss(path)

    def _type(self, path: Path, *, is_folder: bool) -> None:
        typed = self.query_one(Input)
        typed.value = _as_typed(path, is_folder=is_folder)
        typed.cursor_position = len(typed.value)
        typed.focus()

    async def action_complete(self) -> None:
        if not await self._catch_up():
            return
        marked = self._marked or (self._listed[0] if self._listed else None)
        if marked is not None:
            folder, _ = _parted(self.query_one(Input).value)
            self._type(folder / marked.name, is_folder=marked.is_folder)

    def action_leave(self) -> None:
        self.dismiss(None)

    @property
    def _marked(self) -> Entry | None:
        index = self.query_one(OptionList).highlighted
        return self._listed[index] if index is not None and index < len(self._listed) else None


def entries(folder: Path, begun: str) -> tuple[list[Entry], str]:
    """What in the folder begins so, folders first, hidden ones only where a dot is typed; or why there is nothing."""
    wanted = begun.casefold()
    found = []
    try:
        with os.scandir(folder) as listing:
            for one in listing:
                if not one.name.casefold().startswith(wanted) or (one.name.startswith(".") and not begun):
                    continue
                is_folder = one.is_dir()
                found.append(Entry(one.name, is_folder, 0 if is_folder else one.stat(follow_symlinks=False).st_size))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such name"
        return [], f"{one_line(str(folder), 50)} cannot be looked into ({reason})."
    return sorted(found, key=lambda one: (not one.is_folder, one.name.casefold(), one.name)), ""


def _parted(text: str) -> tuple[Path, str]:
    """The folder that is meant, and what of a name in it is typed; quotes around it, which terminals paste, go.

    A whole path after what was there before, typed or pasted, begins anew.
    """
    text = _BEFORE_A_WHOLE_PATH.sub("", text.strip())
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    before, slash, begun = text.rpartition("/")
    folder = Path(before + slash)
    with suppress(RuntimeError):  # the home folder of nobody
        folder = folder.expanduser()
    return Path.cwd() / folder, begun


def _as_typed(path: Path, *, is_folder: bool) -> str:
    text = str(path)
    return text + "/" if is_folder and not text.endswith("/") else text


def _line(entry: Entry) -> Content:
    size = "" if entry.is_folder else f"  {size_text(entry.bytes)}"
    name = one_line(entry.name, LINE_WIDTH - cell_len(size) - 1) + ("/" if entry.is_folder else "")
    return Content.assemble((name, "bold") if entry.is_folder else name, (size, "$foreground-muted"))
