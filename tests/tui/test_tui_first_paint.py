"""What the first paint does not do twice: parse a style sheet, mount the keys of the footer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from studio_fakes import fake_studio
from textual.css import parse as css_parse
from textual.css import stylesheet
from textual.widgets._footer import FooterKey
from tui_driving import ask, settled, shown, until

from studio.tui.app import STYLES, StudioApp


async def test_no_style_sheet_is_parsed_twice_until_the_colours_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: Counter[str] = Counter()
    parse = css_parse.parse

    def counted(scope: str, css: str, *rest: Any, **options: Any) -> Any:
        parsed[css] += 1
        return parse(scope, css, *rest, **options)

    monkeypatch.setattr(stylesheet, "parse", counted)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("f4")
        await settled(pilot)
        sheets = [(STYLES / name).read_text("utf-8") for name in ("app.tcss", "chat.tcss", "lessons.tcss")]
        assert [parsed[sheet] for sheet in sheets] == [1, 1, 1]
        before = app.screen.styles.background
        app.theme = "textual-light"
        await until(pilot, lambda: app.screen.styles.background != before)
        assert [parsed[sheet] for sheet in sheets] == [2, 2, 2]
        await pilot.press("f2")
        await until(pilot, lambda: app.screen.styles.background != before)


async def test_the_footers_keys_are_mounted_anew_only_where_they_are_others(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "Send" in shown(pilot))
        await settled(pilot)
        keys = list(app.screen.query(FooterKey))
        app.refresh_bindings()
        await settled(pilot)
        assert list(app.screen.query(FooterKey)) == keys
        await ask(pilot, "When?")
        await settled(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "e Edit" in shown(pilot))
        assert list(app.screen.query(FooterKey)) != keys
