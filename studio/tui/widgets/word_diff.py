"""A word diff as text: {+inserted+} and [-deleted-], so that it reads without colour too."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from studio.prompting.word_diff import DiffKind, DiffSpan, word_diff
from studio.tui.plain_text import displayable

MARKS = {DiffKind.INSERT: ("{+", "+}"), DiffKind.DELETE: ("[-", "-]")}
STYLES = {DiffKind.INSERT: "$diff-insert", DiffKind.DELETE: "$diff-delete strike"}


def diff_content(spans: list[DiffSpan]) -> Content:
    """The spans as one text, marked and coloured."""
    parts: list[Content | tuple[str, str]] = []
    for span in spans:
        text = displayable(span.text)
        if span.kind not in MARKS:
            parts.append(Content(text))
            continue
        # White space at the edges stays outside the marks, so that words are marked and not gaps.
        inner = text.strip()
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :] if inner else ""
        opening, closing = MARKS[span.kind]
        parts += [Content(before), (f"{opening}{inner}{closing}", STYLES[span.kind]), Content(after)] if inner else [Content(text)]
    return Content.assemble(*parts)


class DiffView(Static):
    """Shows what changed between two texts."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__("", markup=False, id=id, classes=classes)

    def compare(self, before: str, after: str) -> None:
        """Show the diff of two short texts at once."""
        self.draw(word_diff(before, after))

    def draw(self, spans: list[DiffSpan]) -> None:
        """Show a diff that was computed elsewhere."""
        self.update(diff_content(spans) if spans else "no change")
