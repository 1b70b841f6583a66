"""A word diff as text: {+inserted+} and [-deleted-], so that it reads without colour too."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from studio.prompting.word_diff import DiffKind, word_diff
from studio.tui.plain_text import displayable

_MARKS = {DiffKind.INSERT: ("{+", "+}", "$diff-insert"), DiffKind.DELETE: ("[-", "-]", "$diff-delete strike")}


def diff_content(before: str, after: str) -> Content:
    """What changed, marked and coloured. Takes a few milliseconds on long texts: an editor computes it in a thread."""
    return Content.assemble(*(_marked(span.kind, displayable(span.text)) for span in word_diff(before, after)))


def _marked(kind: DiffKind, text: str) -> Content:
    words = text.strip()
    if kind is DiffKind.EQUAL or not words:
        return Content(text)
    # White space at the edges stays outside the marks: words are marked, not gaps.
    start = text.index(words)
    opening, closing, style = _MARKS[kind]
    return Content.assemble(text[:start], (f"{opening}{words}{closing}", style), text[start + len(words) :])


class DiffView(Static):
    """Shows what changed between two texts."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__("", markup=False, id=id, classes=classes)
