"""A dialog to pick from a list, one or several, filtered as one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from studio.tui.plain_text import one_line
from studio.tui.widgets.dialogs import ListDialog

LINE_WIDTH = 68
"""What fits into the dialog beside a scroll bar."""
LEAST_ABOUT = 10


class Pick(NamedTuple):
    """What can be picked: its value, how it reads, and a word about it."""

    value: str
    label: str
    about: str = ""


class PickDialog(ListDialog[tuple[str, ...] | None]):
    """Dismissed with the picked values; of one, with None where it was left without a pick.

    `typed`: where no pick contains what was typed, enter takes that, and these words say so.

    Of several, enter marks and takes the mark back, and leaving keeps the marks: to pick none is to pick all.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Done", id="pick.leave"),
        Binding("down", "move(1)", "Down", show=False, id="pick.down"),
        Binding("up", "move(-1)", "Up", show=False, id="pick.up"),
        Binding("ctrl+d", "clear", "All", id="pick.clear"),
    ]

    def __init__(
        self, title: str, picks: Sequence[Pick], chosen: Sequence[str], *, several: bool, typed: str = ""
    ) -> None:
        super().__init__()
        self._title = title
        self._picks = picks
        self._chosen = list(chosen)
        self._several = several
        self._typed = typed
        self._shown: list[Pick] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = (
                "enter marks · ctrl+d none marked, so all · esc done" if self._several else "enter chooses · esc leaves"
            )
            yield Input(placeholder="Type" if self._typed else "Type to filter", compact=True)
            yield OptionList(compact=True)
            yield Static(self._typed or "Nothing contains that.", markup=False, classes="empty")
            yield from self.compose_beneath()

    def compose_beneath(self) -> ComposeResult:
        """What stands beneath the list; nothing here."""
        yield from ()

    def on_mount(self) -> None:
        self._fill("")
        values = [pick.value for pick in self._shown]
        if not self._several and self._chosen and self._chosen[0] in values:
            self.query_one(OptionList).highlighted = values.index(self._chosen[0])

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(Input.Submitted)
    def _pick_highlighted(self, event: Input.Submitted) -> None:
        if (index := self.query_one(OptionList).highlighted) is not None:
            self._pick(index)
        elif self._typed and event.value.strip():
            self.dismiss((event.value.strip(),))

    @on(OptionList.OptionSelected)
    def _pick_clicked(self, event: OptionList.OptionSelected) -> None:
        self._pick(event.option_index)

    def action_clear(self) -> None:
        if self._several:
            self._chosen.clear()
            self._fill(self.query_one(Input).value)

    def action_leave(self) -> None:
        self.dismiss(tuple(self._chosen) if self._several else None)

    def _pick(self, index: int) -> None:
        pick = self._shown[index]
        if not self._several:
            self.dismiss((pick.value,))
            return
        if pick.value in self._chosen:
            self._chosen.remove(pick.value)
        else:
            self._chosen.append(pick.value)
        self.query_one(OptionList).replace_option_prompt_at_index(index, self._line(pick))

    def _fill(self, wanted: str) -> None:
        words = wanted.casefold().split()
        self._shown = [p for p in self._picks if all(word in f"{p.label} {p.about}".casefold() for word in words)]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(self._line(pick)) for pick in self._shown])
        options.highlighted = 0 if self._shown else None
        self.query_one(".empty", Static).display = not self._shown

    def _line(self, pick: Pick) -> Content:
        mark = ("[x] " if pick.value in self._chosen else "[ ] ") if self._several else ""
        label = one_line(pick.label, LINE_WIDTH - len(mark) - LEAST_ABOUT)
        about = one_line(pick.about, LINE_WIDTH - len(mark) - cell_len(label) - 2)
        return Content.assemble(mark, label, (f"  {about}", "$foreground-muted"))
