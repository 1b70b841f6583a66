"""Markdown as answers have it: how it is parsed, and where it can be cut so that what stands stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore


@cache
def markdown_parser() -> MarkdownIt:
    """CommonMark with tables and strike-through; HTML is text, a line end stays a line end.

    What is nested deeper than its limit is left out by the parser, which allows twenty levels by itself.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 60}).enable(["table", "strikethrough"])
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


def _may_continue(line: str) -> bool:
    return line[0] in " \t-*+>" or line[0].isdigit()
