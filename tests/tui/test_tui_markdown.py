"""Markdown in one widget: what is drawn in a given width, and what is copied of it."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.geometry import Offset
from textual.highlight import HighlightTheme
from textual.selection import Selection
from tui_driving import until

from studio.tui.widgets.markdown_rows import laid_out, parsed
from studio.tui.widgets.markdown_text import MarkdownText


def rows(text: str, width: int) -> list[str]:
    return [row.content.plain.rstrip() for row in laid_out(parsed(text), width, HighlightTheme)]


@pytest.mark.parametrize(
    ("text", "width", "drawn"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("one\n\ntwo\nthree", 20, ["one", "", "two", "three"]),
        ("- one two three\n  - four\n- five", 9, ["• one two", "  three", "  ▪ four", "• five"]),
        ("9. nine\n10. ten", 20, [" 9. nine", "10. ten"]),
        ("> one two", 6, ["▌ one", "▌ two"]),
        ("```\nabcdefgh\n```", 8, ["", "  abcd", "  efgh", ""]),
        ("|a|b|\n|-|-|\n|漢字|x|", 20, ["a    │ b", "─────┼──", "漢字 │ x"]),
        ("|a|\n|-|\n|one two three|", 9, ["a", "─────────", "one two", "three"]),
        ("---", 5, ["─────"]),
        ("<b>x</b> [red]y[/red]", 40, ["<b>x</b> [red]y[/red]"]),
        ("- ", 9, ["•"]),
    ],
)
def test_it_is_laid_out_in_the_width_there_is(text: str, width: int, drawn: list[str]) -> None:
    assert rows(text, width) == drawn


@pytest.mark.parametrize(
    "text", ["- " * 12 + "deep", "> " * 12 + "deep", "|a" * 12 + "|\n" + "|-" * 12 + "|\n" + "|b" * 11 + "|deep|"]
)
def test_what_is_deeper_or_has_more_columns_than_the_row_has_room_for_loses_no_text(text: str) -> None:
    drawn = rows(text, 9)
    assert "deep" in "".join(drawn)
    assert max(map(len, drawn)) <= 9


async def test_what_was_wrapped_is_copied_as_one_line() -> None:
    shown = MarkdownText("- one two three\n\n```\nabcdefgh\n  i\n```")
    app: App[None] = App()
    async with app.run_test(size=(9, 12)) as pilot:
        await app.mount(shown)
        await until(pilot, lambda: shown.region.width == 9)
        assert shown.get_selection(Selection(None, None)) == ("• one two three\n\nabcdefgh\n  i", "\n")
        # From the second row's word to the middle of the code.
        assert shown.get_selection(Selection(Offset(2, 1), Offset(4, 4))) == ("three\n\nab", "\n")
