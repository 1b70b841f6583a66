"""Markdown as answers have it: how it is parsed, and where it can be cut so that what stands stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from textual.widgets import Markdown


@cache
def markdown_parser() -> MarkdownIt:
    """CommonMark with tables and strike-through; HTML is text, and a line end stays a line end."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("keep_line_ends", _keep_line_ends)
    return parser


def _keep_line_ends(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"


def block_ends(text: str) -> Iterator[int]:
    """Where, counted in characters, blocks end that no later text can change.

    A block ends at a blank line outside a code fence, if the line after it begins at the margin and is no list item:
    list items would still join the list before the blank line.
    """
    fence, blank_before, position = "", False, 0
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        mark = line.lstrip()[:3]
        if fence:
            fence = "" if mark == fence else fence
        else:
            if blank_before and line.strip() and not _may_continue(line):
                yield position
            fence = mark if mark in ("```", "~~~") else ""
        blank_before = not fence and not line.strip()
        position += len(line)


def complete_blocks(text: str) -> int:
    """How many leading characters of `text` are blocks that no later text can change."""
    return max(block_ends(text), default=0)


def pieces(text: str, limit: int = 400) -> Iterator[str]:
    """The text cut at the ends of blocks, into pieces of about `limit` characters where blocks are no longer."""
    start = 0
    for end in block_ends(text):
        if end - start >= limit:
            yield text[start:end]
            start = end
    if start < len(text):
        yield text[start:]


def _may_continue(line: str) -> bool:
    return line[0] in " \t-*+>" or line[0].isdigit()


def markdown_widget(text: str) -> Markdown:
    """A widget for it, which opens no links."""
    # Imported with the first answer: an empty Chat is painted without it.
    from textual.widgets import Markdown

    return Markdown(text or None, parser_factory=markdown_parser, open_links=False)
