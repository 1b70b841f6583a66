"""Markdown laid out in rows of a given width, each of which is text with styles.

The styles are named by component classes (`.md-heading`, ...), which are the widget's to define.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.content import Content, Span

from studio.tui.widgets.markdown_blocks import markdown_parser

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode
    from textual.highlight import HighlightTheme

BULLETS = ("• ", "▪ ", "‣ ", "◦ ")
NARROWEST = 4
"""Where fewer cells would be left for text, what stands beside it gives way."""
CELL_GAP = Content.styled(" │ ", ".md-line")
CODE_EDGE = "  "


@dataclass(frozen=True, slots=True)
class Row:
    """One row on the screen.

    `joined` stands between the row before and this one's text proper, which begins after `indent` characters, when
    both are copied; None where a line begins that is copied with what stands before its text.
    """

    content: Content
    joined: str | None = None
    indent: int = 0


def parsed(text: str) -> SyntaxTreeNode:
    """The text's blocks."""
    from markdown_it.tree import SyntaxTreeNode

    return SyntaxTreeNode(markdown_parser().parse(text))


def laid_out(document: SyntaxTreeNode, width: int, code_theme: type[HighlightTheme]) -> list[Row]:
    """Its blocks one beneath the other, a blank row between them."""
    layout = _Layout(code_theme)
    rows: list[Row] = []
    for block in document.children:
        laid = list(layout.block(block, width))
        rows += [Row(Content()), *laid] if rows and laid else laid
    return rows


@dataclass(frozen=True, slots=True)
class _Layout:
    """`code_theme`: the styles of code."""

    code_theme: type[HighlightTheme]

    def blocks(self, nodes: Sequence[SyntaxTreeNode], width: int, depth: int) -> Iterator[Row]:
        for node in nodes:
            yield from self.block(node, width, depth)

    def block(self, node: SyntaxTreeNode, width: int, depth: int = 0) -> Iterator[Row]:
        """`depth` counts the bullet lists around it."""
        match node.type:
            case "heading":
                yield from (_styled(row, f".md-{node.tag}") for row in _text(node, width))
            case "paragraph":
                yield from _text(node, width)
            case "fence" | "code_block":
                yield from self._code(node.content, node.info, width)
            case "bullet_list":
                for item in node.children:
                    yield from self._hung(BULLETS[depth % len(BULLETS)], item, width, depth + 1)
            case "ordered_list":
                yield from self._numbered(node, width, depth)
            case "blockquote":
                yield from self._hung("▌ ", node, width, depth, again="▌ ")
            case "hr":
                yield Row(Content.styled("─" * width, ".md-line"))
            case "table":
                yield from _table(node, width)
            case _:
                yield from self.blocks(node.children, width, depth)

    def _numbered(self, node: SyntaxTreeNode, width: int, depth: int) -> Iterator[Row]:
        start = int(node.attrs.get("start", 1))
        marks = [f"{start + index}. " for index in range(len(node.children))]
        for mark, item in zip(marks, node.children, strict=True):
            yield from self._hung(mark.rjust(len(marks[-1])), item, width, depth)

    def _hung(self, mark: str, node: SyntaxTreeNode, width: int, depth: int, again: str = "") -> Iterator[Row]:
        """All of a list's item or a quote to the right of its mark, which may stand at each row `again`; without it,
        where there is no room."""
        room = width - len(mark)
        if room < NARROWEST:
            yield from self.blocks(node.children, width, depth)
            return
        first, rest = (Content.styled(text, ".md-mark") for text in (mark, again.ljust(len(mark))))
        for index, row in enumerate(list(self.blocks(node.children, room, depth)) or [Row(Content())]):
            yield _prefixed(rest if index else first, row)

    def _code(self, code: str, language: str, width: int) -> Iterator[Row]:
        """Its lines as they are, folded where they are longer than the row."""
        from textual.highlight import highlight

        ground = Row(Content.styled(" " * width, ".md-fence"), "", width)
        room = max(NARROWEST, width - 2 * len(CODE_EDGE))
        highlighted = highlight(code.rstrip("\n"), language=language.strip() or None, theme=self.code_theme)
        yield ground
        for line in highlighted.split(allow_blank=True):
            for index, piece in enumerate(line.expand_tabs().fold(room)):
                whole = Content.assemble(CODE_EDGE, _filled(piece, room), CODE_EDGE).stylize_before(".md-fence")
                yield Row(whole, "" if index else "\n", len(CODE_EDGE))
        yield ground


def _prefixed(prefix: Content, row: Row) -> Row:
    return replace(row, content=prefix + row.content, indent=row.indent + len(prefix))


def _filled(content: Content, width: int) -> Content:
    return content + Content(" " * max(0, width - content.cell_length))


def _styled(row: Row, style: str) -> Row:
    return replace(row, content=row.content.stylize_before(style))


# Text ----------------------------------------------------------------------------------------------------------------


def _text(node: SyntaxTreeNode, width: int) -> Iterator[Row]:
    for line in _inline(node).split(allow_blank=True):
        for index, piece in enumerate(line.wrap(width)):
            yield Row(piece, " " if index else None)


STYLES = {"em": ".md-em", "strong": ".md-strong", "s": ".md-strike", "link": ".md-link"}


def _inline(node: SyntaxTreeNode) -> Content:
    """What stands in a paragraph, a heading or a table's cell."""
    pieces = list(_pieces(node, ()))
    spans: list[Span] = []
    end = 0
    for words, styles in pieces:
        start, end = end, end + len(words)
        spans += [Span(start, end, style) for style in styles]
    return Content("".join(words for words, _ in pieces), spans)


def _pieces(node: SyntaxTreeNode, styles: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    match node.type:
        case "text":
            yield re.sub(r"\s+", " ", node.content), styles
        case "code_inline":
            yield node.content, (*styles, ".md-code")
        case "hardbreak":
            yield "\n", ()
        case "softbreak":
            yield " ", styles
        case "image":
            yield (f"🖼  ({node.content})" if node.content else "🖼"), styles
        case _:
            inner = (*styles, STYLES[node.type]) if node.type in STYLES else styles
            for child in node.children:
                yield from _pieces(child, inner)


# Tables --------------------------------------------------------------------------------------------------------------


def _table(table: SyntaxTreeNode, width: int) -> Iterator[Row]:
    """Columns as wide as what they hold, or narrower, where the row has no room for it; cells are wrapped."""
    lines = [[_inline(cell) for cell in line.children] for part in table.children for line in part.children]
    columns = len(lines[0])
    room_for_cells = width - len(CELL_GAP) * (columns - 1)
    if room_for_cells < columns * NARROWEST:
        for line in lines:
            yield from (
                Row(piece, " " if index else None) for index, piece in enumerate(CELL_GAP.join(line).wrap(width))
            )
        return
    natural = [max(cell.cell_length for cell in column) for column in zip(*lines, strict=True)]
    widths = _shared(natural, room_for_cells)
    for number, line in enumerate(lines):
        wrapped = [cell.wrap(room) if cell else [cell] for cell, room in zip(line, widths, strict=True)]
        for index in range(max(map(len, wrapped))):
            pieces = [cell[index] if index < len(cell) else Content() for cell in wrapped]
            filled = [_filled(piece, room) for piece, room in zip(pieces, widths, strict=True)]
            row = Row(CELL_GAP.join(filled))
            yield row if number else _styled(row, ".md-header")
        if number == 0:
            yield Row(Content.styled("─┼─".join("─" * room for room in widths), ".md-line"))


def _shared(wanted: Sequence[int], room: int) -> list[int]:
    """As much for each as it wants; where there is too little, the widest give."""
    widths = [max(1, width) for width in wanted]
    while sum(widths) > room:
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] -= min(sum(widths) - room, max(1, widths[widest] - max(sorted(widths)[-2:-1], default=1)))
    return widths
