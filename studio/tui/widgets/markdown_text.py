"""Markdown in one widget.

Textual's own makes a widget of every paragraph, list item and bullet, and lays all of them out anew with every change
of what is around them. Here the text is parsed once, laid out once for a width, and drawn row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip
from textual.visual import RenderOptions, Visual
from textual.widgets import Static

from studio.tui.widgets.ground import SizeKept
from studio.tui.widgets.markdown_rows import Row, laid_out, parsed

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode
    from textual.css.styles import RulesMap
    from textual.highlight import HighlightTheme
    from textual.selection import Selection
    from textual.style import Style
    from textual.widget import Widget

NOTHING = Content()


class MarkdownText(SizeKept, Static):
    """Text that is selected and copied as it is read: wrapped lines are one again, links are not opened.

    `above` and `below` are notes around it that are no Markdown.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "md-code",
        "md-em",
        "md-fence",
        "md-h1",
        "md-h2",
        "md-h3",
        "md-h4",
        "md-h5",
        "md-h6",
        "md-header",
        "md-line",
        "md-link",
        "md-mark",
        "md-note",
        "md-strike",
        "md-strong",
    }

    def __init__(
        self, text: str = "", *, above: Content = NOTHING, below: Content = NOTHING, classes: str | None = None
    ) -> None:
        self._laid = _LaidOut(self)
        self._laid.above, self._laid.below = above, below
        super().__init__(self._laid, classes=classes)
        self.append(text)

    def set_text(self, text: str) -> None:
        """Show this in the place of what was shown."""
        self._laid.documents.clear()
        self._laid.forget()
        self.append(text)

    def append(self, text: str) -> None:
        """Show more beneath it: whole blocks."""
        if text:
            self._laid.documents.append(parsed(text))
        self.update(self._laid)

    def frame(self, above: Content, below: Content) -> None:
        """Show these notes above and below the text."""
        if (above, below) != (self._laid.above, self._laid.below):
            self._laid.above, self._laid.below = above, below
            self.update(self._laid)

    def notify_style_update(self) -> None:
        self._laid.forget()  # in another theme code may have other colours
        super().notify_style_update()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return self._laid.selected(selection), "\n"


class _LaidOut(Visual):
    """Documents one beneath the other, in rows for the width that was asked for last."""

    def __init__(self, widget: Widget) -> None:
        self.documents: list[SyntaxTreeNode] = []
        self.above = self.below = NOTHING
        self._widget = widget
        self._rows: list[Row] = []
        self._width = self._done = 0

    def forget(self) -> None:
        """Lay all out anew when it is drawn next."""
        self._rows, self._done = [], 0

    def selected(self, selection: Selection) -> str:
        """What is selected, as lines; what was wrapped is one line again."""
        words = ""
        for y, row in enumerate(self._lay_out(self._width)):
            if (span := selection.get_span(y)) is not None:
                start, end = span
                piece = row.content.plain[: end if end >= 0 else None]
                piece = piece[max(start, row.indent) if row.joined is not None else start :].rstrip()
                words += (("\n" if row.joined is None else row.joined) if words else "") + piece
        return words

    # A visual, as textual asks for it ------------------------------------------------------------------------------

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002 - textual's signature
        return container_width

    def get_minimal_width(self, rules: RulesMap) -> int:  # noqa: ARG002 - as above
        return 1

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002 - as above
        return len(self._lay_out(width))

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return [self._strip(y, row, style, options) for y, row in enumerate(self._lay_out(width)[:height])]

    def _lay_out(self, width: int) -> list[Row]:
        if width < 1:
            return []  # its size is not known yet
        if width != self._width:
            self.forget()
            self._width = width
        for document in self.documents[self._done :]:
            laid = laid_out(document, width, self._code_theme())
            self._rows += [Row(Content()), *laid] if self._rows and laid else laid
        self._done = len(self.documents)
        return [*self._notes(self.above), *self._rows, *self._notes(self.below)]

    def _notes(self, notes: Content) -> list[Row]:
        lines = notes.stylize_before(".md-note").wrap(self._width) if notes and self._width else ()
        return [Row(line) for line in lines]

    def _code_theme(self) -> type[HighlightTheme]:
        from textual import highlight

        app = self._widget.app
        if not app.native_ansi_color:
            return highlight.HighlightTheme
        return highlight.ANSIDarkHighlightTheme if app.current_theme.dark else highlight.ANSILightHighlightTheme

    def _strip(self, y: int, row: Row, style: Style, options: RenderOptions) -> Strip:
        content = row.content
        if options.selection is not None and (span := options.selection.get_span(y)) is not None:
            start, end = span
            content = content.stylize(options.selection_style or "reverse", start, len(content) if end < 0 else end)
        segments: list[Segment] = []
        x = 0
        for text, text_style in content.render(style, end="", parse_style=options.get_style):
            segments.append(Segment(text, (style + text_style).rich_style_with_offset(x, y)))
            x += len(text)
        return Strip(segments, content.cell_length)
