"""What would be written: counts, and the first rows in the chosen format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from studio.domain.plural import plural
from studio.tui.plain_text import displayable, padded

if TYPE_CHECKING:
    from studio.exchange.survey import FirstRow, Survey

MOST_ROWS = 8
MOST_CHARACTERS = 1_200
"""Of one text in a row that is shown."""


class PreviewPane(VerticalScroll):
    """Counts above, rows beneath, as one page to scroll."""

    def compose(self) -> ComposeResult:
        yield Static("Reading the log…", id="export-counts", markup=False)
        yield Static(id="export-standing", markup=False)
        yield Static(id="export-rows", markup=False)

    def show_work(self, what: str, done: int, total: int) -> None:
        """What is being done; rows shown before stay until there are others."""
        count = f" {done:,} of {total:,}" if total else f" {done:,}" if done else ""
        self.query_one("#export-counts", Static).update(
            Content.styled(f"{what.capitalize()}{count}…", "$foreground-muted")
        )
        self.query_one("#export-standing", Static).update("")

    def show_problem(self, message: str, hint: str) -> None:
        """Why nothing can be shown."""
        self.query_one("#export-counts", Static).update(
            Content.assemble((displayable(message), "bold $text-warning"), "\n", displayable(hint))
        )
        for part in ("#export-standing", "#export-rows"):
            self.query_one(part, Static).update("")

    def show_counts(self, survey: Survey, in_the_way: str) -> None:
        """`in_the_way` says why the folder cannot be written."""
        lines = [*_counts(survey)]
        if in_the_way:
            lines.append(Content.styled(displayable(in_the_way), "bold $text-warning"))
        self.query_one("#export-counts", Static).update(Content("\n").join(lines))
        self.scroll_home(animate=False)

    def show_private(self, words: str) -> None:
        """How it stands with private data."""
        self.query_one("#export-standing", Static).update(words)

    def show_rows(self, rows: Sequence[FirstRow]) -> None:
        shown = [Content.assemble((f"{row.file}", "bold $text-primary"), "\n", folded(row.row)) for row in rows]
        self.query_one("#export-rows", Static).update(Content("\n\n").join(shown))


def _counts(survey: Survey) -> Iterator[Content]:
    yield Content.styled(plural(survey.corrections, "correction"), "bold")
    width = max((cell_len(name) for name in survey.files), default=0)
    for name, rows in survey.files.items():
        yield Content(f"{padded(name, width)}  {plural(rows, 'row')}")
    if survey.splits:
        yield Content("Corrections: " + ", ".join(f"{name} {count:,}" for name, count in survey.splits.items()))
    if survey.groups is not None:
        shared = f"{survey.alike:,} corrections in {plural(survey.shared, 'group')}" if survey.alike else "none"
        yield Content(f"Near-duplicates or one conversation: {shared}; {plural(survey.groups, 'group')} in all")
    for where, count in survey.left_out.items():
        yield Content(f"Left out of {where}: {count:,}")


def folded(row: dict[str, Any]) -> Content:
    """The row as JSON, each key and each item of a list on a line of its own."""
    parts: list[str | Content | tuple[str, str]] = ["{"]
    for number, (key, value) in enumerate(row.items()):
        parts += [",\n " if number else "", (json.dumps(key), "$text-accent"), ": "]
        if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
            items = ",\n   ".join(_flat(item) for item in value)
            parts.append(f"[\n   {items}]")
        else:
            parts.append(_flat(value))
    return Content.assemble(*parts, "}")


def _flat(value: Any) -> str:
    return displayable(json.dumps(_cut(value), ensure_ascii=False))


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MOST_CHARACTERS else value[:MOST_CHARACTERS] + "…"
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return {key: _cut(item) for key, item in value.items()} if isinstance(value, dict) else value
