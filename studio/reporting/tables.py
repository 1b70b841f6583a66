"""Tables of figures, and their plain text: aligned by terminal cells, ASCII rules, no colour."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

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

    def text(self, width: int | None = None) -> str:
        """Title, table and note as plain text; a table without rows is its title and note.

        Where a `width` is given and the table is wider, figures are told in pieces that each have the first column, and
        words that find no place in a row beneath it.
        """
        title, note = wrapped(self.title, width), wrapped(self.note, width)
        return "\n".join(part for part in (title, *self._pieces(width), note) if part)

    def _pieces(self, width: int | None) -> list[str]:
        if not self.rows:
            return []
        columns = range(len(self.header))
        if width is None or self._fitting(columns, width) == len(columns):
            return [self._columns(columns)]
        if len(self.left) > 1:
            return [self._with_words_beneath(max(1, self._fitting(columns, width)), width)]
        pieces, rest = list[str](), list(columns[1:])
        while rest:
            some = max(1, self._fitting([0, *rest], width) - 1)
            pieces.append(self._columns([0, *rest[:some]]))
            rest = rest[some:]
        return pieces

    def _columns(self, columns: Sequence[int]) -> str:
        return plain_table(
            [self.header[column] for column in columns],
            [[row[column] for column in columns] for row in self.rows],
            right=[place for place, column in enumerate(columns) if column not in self.left],
        )

    def _fitting(self, columns: Sequence[int], width: int) -> int:
        """How many of the columns, from the first, are no wider together."""
        whole = [max(cell_len(_on_one_line(row[column])) for row in (self.header, *self.rows)) for column in columns]
        wide = list(accumulate(cells + len(_COLUMN_GAP) for cells in whole))
        return sum(end - len(_COLUMN_GAP) <= width for end in wide)

    def _with_words_beneath(self, columns: int, width: int) -> str:
        head, rule, *lines = self._columns(range(columns)).splitlines()
        told = [head, rule]
        for line, row in zip(lines, self.rows, strict=True):
            told.append(line)
            for name, words in zip(self.header[columns:], row[columns:], strict=True):
                told += [f"  {part}" for part in wrapped(_on_one_line(f"{name}: {words}"), width - 2).splitlines()]
        return "\n".join(told)


def wrapped(text: str, width: int | None = None) -> str:
    """A sentence or two in lines of at most that width, or in lines that most terminals hold."""
    return textwrap.fill(printable(text), width or _LINE, break_long_words=False, break_on_hyphens=False)


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
    table = [[_on_one_line(cell) for cell in row] for row in (*heads, *rows)]
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


def _on_one_line(cell: str) -> str:
    return " ".join(printable(cell).split())


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space


def _right_of(verdicts: Sequence[bool | None]) -> str:
    judged = [verdict for verdict in verdicts if verdict is not None]
    return f"{sum(judged)}/{len(judged)}" if judged else "-"
