"""The writing as it goes on, and what was written where, as the manifest has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import ProgressBar, Static

from studio.domain.plural import plural
from studio.domain.sizes import size_text
from studio.tui.plain_text import displayable, padded

if TYPE_CHECKING:
    from studio.exchange.request import ExportRequest, ExportResult

NOTHING_YET = "Nothing has been written yet: w writes what the preview shows."
LEAVES_NOTHING = "esc ends it; the folder appears whole or not at all."


class WrittenPane(VerticalScroll):
    """A headline, a bar while something is being written, and the figures."""

    def compose(self) -> ComposeResult:
        yield Static(NOTHING_YET, id="written-headline", markup=False)
        yield ProgressBar(id="written-bar", show_eta=False)
        yield Static(id="written-figures", markup=False)

    def on_mount(self) -> None:
        self.query_one(ProgressBar).display = False

    def show_progress(self, what: str, done: int, total: int) -> None:
        """What is being written, and how far it is; a total of 0 is not known."""
        self.query_one(ProgressBar).update(total=total or None, progress=done)
        count = f" {done:,} of {total:,}" if total else "…"
        self._show(Content.assemble(("Writing: ", "bold"), f"{what}{count}"), LEAVES_NOTHING, at_work=True)

    def show_failure(self, message: str, hint: str) -> None:
        """Stays until the next try."""
        self._show(Content.assemble((displayable(message), "bold $text-error"), "\n", displayable(hint)))

    def show_result(self, result: ExportResult, request: ExportRequest, folder: Path) -> None:
        self._show(
            Content.assemble(
                (f"Wrote {plural(result.corrections, 'correction')} as {request.format_name}", "bold $text-success"),
                "\nto ",
                displayable(str(folder)),
            ),
            displayable("\n".join(_figures(result, request))),
        )

    def _show(self, headline: Content, figures: str = "", *, at_work: bool = False) -> None:
        self.query_one(ProgressBar).display = at_work
        self.query_one("#written-headline", Static).update(headline)
        self.query_one("#written-figures", Static).update(figures)


def _figures(result: ExportResult, request: ExportRequest) -> Iterator[str]:
    width = max(cell_len(file.name) for file in result.files)
    yield ""
    for file in result.files:
        yield f"{padded(file.name, width)}  {file.rows or 0:>9,} rows {size_text(file.bytes):>8}"
    yield ""
    if result.splits:
        yield "Corrections: " + ", ".join(f"{name} {count:,}" for name, count in result.splits.items())
    for where, count in result.left_out.items():
        yield f"Left out of {where}: {count:,}"
    replaced = ", ".join(f"{count:,} {kind}" for kind, count in result.findings.items()) or "nothing"
    yield f"Replaced: {replaced}. Texts let stand: {request.let_stand:,}"
    yield ""
    yield "README.md is the dataset card; manifest.json holds all options and counts, SHA256SUMS the checksums."
