"""Tables of figures, and their plain text: aligned by terminal cells, ASCII rules, no colour."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from studio.reporting.terminal_text import printable

_COLUMN_GAP = "  "
_LINE = 100


@dataclass(frozen=True, slots=True)
class Table:
    """What a terminal and a page show alike. `left` numbers the columns that hold words; all others are figures."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Sequence[int] = (0,)
    note: str = ""

    def text(self) -> str:
        """Title, table and note as plain text; a table without rows is its title and note."""
        right = [column for column in range(len(self.header)) if column not in self.left]
        table = plain_table(self.header, self.rows, right=right) if self.rows else ""
        return "\n".join(printable(part) for part in (self.title, table, wrapped(self.note)) if part)


def wrapped(text: str) -> str:
    """A sentence or two in lines that most terminals hold."""
    return textwrap.fill(printable(text), _LINE, break_long_words=False, break_on_hyphens=False)


def plain_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    above: Sequence[str] = (),
) -> str:
    """A header, a rule and the rows, aligned left but for the columns numbered in `right`.

    `above` is the first line of headings of two lines. Widths are terminal cells, so that CJK and emoji align. Cells
    are made printable and put on one line.
    """
    heads = [head for head in (above, header) if head]
    table = [[" ".join(printable(cell).split()) for cell in row] for row in (*heads, *rows)]
    to_the_right = frozenset(right)
    widths = [max(cell_len(row[column]) for row in table) for column in range(len(header))]
    table.insert(len(heads), ["-" * width for width in widths])
    return "\n".join(
        _COLUMN_GAP.join(
            _pad(cell, width, column in to_the_right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def stages_table(stages: Mapping[str, Mapping[str, Sequence[bool | None]]]) -> str:
    """Stages across, arms down: how many questions each arm got right, of those that have a check.

    `stages` maps a stage's name ('before', 'after corrections', 'after the night') to verdicts by arm. "After" stands
    on a line of its own: beside the story in the demonstration there are 46 cells.
    """
    arms = list(dict.fromkeys(arm for verdicts in stages.values() for arm in verdicts))
    rows = [[arm, *(_right_of(verdicts.get(arm, ())) for verdicts in stages.values())] for arm in arms]
    after = ["after" if stage.startswith("after ") else "" for stage in stages]
    return plain_table(
        ["arm", *(stage.removeprefix("after ") for stage in stages)],
        rows,
        right=range(1, len(stages) + 1),
        above=["", *after] if any(after) else (),
    )


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space


def _right_of(verdicts: Sequence[bool | None]) -> str:
    judged = [verdict for verdict in verdicts if verdict is not None]
    return f"{sum(judged)}/{len(judged)}" if judged else "-"
