"""What a model thought before its answer: folded in Chat and Compare, a key opens it, and it is never edited."""

from __future__ import annotations

from pathlib import Path

from studio_fakes import FakeEngine, fake_studio, scripted
from tui_driving import ask, chat, shown, until

from studio.tui.app import StudioApp
from studio.tui.messages import CompareRequested
from studio.tui.screens.compare import CompareScreen
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.text_input import PlainTextArea

REPLY = "<think>\nThirty? [bold]No[/bold], the \x1b[31mrule says more.\n</think>\n\nForty-five days."


async def test_folded_in_chat_and_opened_by_a_key(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(scripted(REPLY))))
    async with app.run_test(size=(100, 30)) as pilot:
        await ask(pilot, "How many days?")
        assert "6 words of thought (o)" in shown(pilot)
        assert "Thirty?" not in shown(pilot)
        assert "Forty-five days." in shown(pilot)
        await pilot.press("escape", "o")
        assert "Thirty? [bold]No[/bold], the" in shown(pilot)
        assert "\x1b" not in shown(pilot)
        await pilot.press("o")
        assert "Thirty?" not in shown(pilot)
        await pilot.press("e")
        await until(pilot, lambda: app.screen.query(AnswerEditor))
        assert app.screen.query_one(AnswerEditor).query_one(PlainTextArea).text == "Forty-five days."
        assert chat(pilot).answers[-1].answer is not None


async def test_folded_in_each_pane_of_compare(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path, engine=FakeEngine(scripted(REPLY))))
    async with app.run_test(size=(200, 40)) as pilot:
        app.screen.post_message(CompareRequested("How many days?"))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        await until(pilot, lambda: screen.panes and all(pane.answer for pane in screen.panes))
        await until(pilot, lambda: shown(pilot).count("words of thought (o)") == len(screen.panes))
        assert "Thirty?" not in shown(pilot)
        await pilot.press("o")
        await until(pilot, lambda: shown(pilot).count("Thirty?") == 1)
