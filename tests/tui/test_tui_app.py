"""The app around the screens: start, status, themes, keys, failures, and the terminal it leaves behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio
from textual.app import SystemCommand
from textual.selection import Selection
from textual.widgets import TextArea
from tui_driving import AppPilot, ask, chat, notices, settled, shown, until, write
from tui_values import a_lesson, add_lessons

from studio.domain.generation import EngineOptions, ModelFacts
from studio.errors import ModelError
from studio.services.learn_lessons import learn_lesson
from studio.services.record_correction import record_correction
from studio.settings import Settings, UiSettings
from studio.tui.app import StudioApp
from studio.tui.plain_text import displayable, one_line, typed
from studio.tui.recording import Recording
from studio.tui.screens.failure import FailureScreen
from studio.tui.screens.help import HelpScreen
from studio.tui.terminal import guarded_terminal
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.header import MODES, ModeTab, StudioHeader
from studio.tui.widgets.markdown_blocks import complete_blocks, markdown_parser
from studio.tui.widgets.markdown_text import MarkdownText
from studio.tui.widgets.streaming import StreamedMarkdown
from studio.tui.widgets.text_input import Composer

SECRET = "the user's secret words"


def test_the_app_imports_nothing_heavy() -> None:
    heavy = ["torch", "llama_cpp", "tokenizers", "transformers", "matplotlib", "duckdb", "numpy"]
    heavy += ["studio.services.answer_with_arms", "studio.services.learn_lessons", "studio.evaluation"]
    code = f"import sys, studio.tui.app, studio.tui.screens.chat; print([m for m in {heavy!r} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


async def test_the_model_loads_after_the_first_paint_and_the_header_says_so(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: app.status.engine == "ready")
        assert app.status.model == "fake"
        await settled(pilot)
        assert "fake" in shown(pilot)
        assert "0 corrections, 0 lessons" in shown(pilot)


async def test_the_header_names_every_screen_with_its_key_in_two_rows_where_one_is_too_short(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for size, rows in (((80, 24), 2), ((120, 36), 1), ((200, 50), 1), ((100, 30), 2), ((80, 24), 2)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            header = "\n".join(shown(pilot).splitlines()[:rows])
            assert all(f"{key} {name}" in header for key, name in MODES.values()), header
            assert "0 corr" in header, header
        assert "fake" in shown(pilot).splitlines()[0], "there is room for the model, too"
        await pilot.click(list(app.screen.query(ModeTab))[2])
        await until(pilot, lambda: app.current_mode == "lessons")


async def test_a_low_window_has_one_row_of_names_without_keys(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "F2 Chat" in shown(pilot))
        await pilot.resize_terminal(80, 12)
        await until(pilot, lambda: fits(pilot))


@pytest.mark.parametrize("width", [80, 90, 100, 116, 120, 140, 160])
@pytest.mark.parametrize("more", [(), ("models",)])
async def test_the_header_cuts_nothing_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, more: tuple[str, ...]
) -> None:
    for mode in more:
        monkeypatch.setitem(MODES, mode, ("F7", mode.capitalize()))
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: app.status.engine == "ready")
        await settled(pilot)
        header = app.screen.query_one(StudioHeader)
        for night in ("", "night training 42%"):
            app.tell(model="A model of some name 7B", corrections=12, lessons=12, night=night)
            await pilot.pause()
            line = "\n".join(shown(pilot).splitlines()[: header.size.height])
            assert all(part.region.right <= width for part in header.query("*") if part.display), line
            assert all(f"{key} {name}" in line for key, name in MODES.values())
            assert night in line
            if not night:
                assert "12 corr" in line
                assert "12 less…" not in line
            if width >= 160 and not night:
                assert "12 corrections, 12 lessons" in line
                assert "A model" in line


def fits(pilot: AppPilot) -> bool:
    """Whether the header has room for all screens' names, its keys being left out."""
    header = shown(pilot).splitlines()[0]
    return "F2" not in header and "Chat" in header and "Settings" in header and "Models" in header


async def test_a_header_that_was_out_of_sight_while_the_window_changed_fits_it(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f5", "f2")
        await pilot.resize_terminal(80, 14)
        await until(pilot, lambda: fits(pilot))
        await pilot.press("f5")
        await until(pilot, lambda: fits(pilot))


async def test_work_whose_place_is_taken_before_it_began_is_not_complained_of(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test() as pilot:
        await settled(pilot)
        app.log_changed()
        app.log_changed()
        await settled(pilot)
    gc.collect()
    assert [str(warning.message) for warning in recwarn if "never awaited" in str(warning.message)] == []


async def test_a_model_that_cannot_be_loaded_is_told_with_what_to_do(tmp_path: Path) -> None:
    class Broken(FakeEngine):
        async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
            raise ModelError("broken.gguf is no GGUF file.", "Choose another with: studio models use NAME")

    app = StudioApp(fake_studio(tmp_path, engine=Broken()))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: any("broken.gguf is no GGUF file." in notice for notice in notices(pilot)))
        assert any("studio models use NAME" in notice for notice in notices(pilot))
        assert app.status.engine == "no model"


async def test_a_fault_of_its_own_is_told_shortly_and_written_down_without_the_users_text(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))

    async def fail() -> None:
        words = SECRET
        raise ValueError(words)

    async with app.run_test(size=(100, 30)) as pilot:
        chat(pilot).start(fail())
        await until(pilot, lambda: isinstance(app.screen, FailureScreen))
        assert "ValueError" in shown(pilot)
        assert SECRET not in shown(pilot)
        await pilot.press("enter")
        assert app.screen is chat(pilot)
    log = (tmp_path / "sessions" / "diagnostics" / "app.log").read_text()
    assert "ValueError" in log
    assert "in fail" in log
    assert SECRET not in log


async def test_a_failing_action_does_not_end_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test() as pilot:
        monkeypatch.setattr(app, "action_go", lambda mode: 1 / 0)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, FailureScreen))
        await pilot.press("enter")
        await write(pilot, "still here")
        assert chat(pilot).query_one(Composer).text == "still here"


async def test_help_lists_the_keys_and_commands_name_every_action(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(100, 40)) as pilot:
        await ask(pilot, "How many days?")
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Edit", "Feedback", "Accept", "Retry", "Compare", "Sessions", "Quit", "Go to Nights", "Theme"} <= titles
        assert all(isinstance(command, SystemCommand) for command in app.get_system_commands(app.screen))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "Correct the selected answer in place" in shown(pilot)
        assert "s,^o" in shown(pilot), "written as in the footer"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is chat(pilot))


async def test_keys_are_remapped_from_the_settings(tmp_path: Path) -> None:
    settings = Settings(ui=UiSettings(keys={"chat.edit": "x"}))
    app = StudioApp(fake_studio(tmp_path, settings=settings))
    async with app.run_test() as pilot:
        await ask(pilot, "How many days?")
        await pilot.press("escape", "e")
        assert not app.screen.query(AnswerEditor)
        assert chat(pilot).query_one(Composer).text == "e", "a letter that is no key begins a question"
        await pilot.press("escape", "x")
        await until(pilot, lambda: bool(app.screen.query(AnswerEditor)))


async def test_the_shipped_themes_are_valid_and_one_is_in_use(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test():
        assert app.theme == "studio-dark"
        for theme in ("studio-light", "nord", "studio-dark"):
            app.theme = theme
        assert {"arm-1", "arm-5", "diff-insert", "diff-delete"} <= set(app.theme_variables)


async def test_every_theme_can_be_chosen_while_arms_are_compared(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: bool(app.screen.query("ArmPane")))
        for theme in app.available_themes:
            app.theme = theme
            await settled(pilot)
            assert app.is_running, theme


async def test_bad_themes_are_named_once_and_good_ones_still_work(tmp_path: Path) -> None:
    themes = tmp_path / "themes"
    themes.mkdir(parents=True)
    (themes / "good.toml").write_text('name = "good"\nprimary = "#123456"\n')
    (themes / "colour.toml").write_text('name = "colour"\nprimary = "no colour"\n')
    (themes / "broken.toml").write_text("name = ")
    (themes / "field.toml").write_text('name = "field"\nprimary = "red"\nnonsense = 1\n')
    (themes / "double.toml").write_text('name = "studio-dark"\nprimary = "red"\n')
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: notices(pilot))
        (notice,) = (one for one in notices(pilot) if "left out" in one)
        for name in ("colour.toml", "broken.toml", "field.toml", "double.toml"):
            assert name in notice
        assert "good" in app.available_themes
        assert "colour" not in app.available_themes


async def test_no_color_takes_the_terminals_own_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test() as pilot:
        assert app.theme == "studio-ansi"
        await until(pilot, lambda: "Ask something" in shown(pilot))
        segments = [segment for row in app.screen._compositor.render_strips() for segment in row]
        colours = {colour for _, style, _ in segments if style for colour in (style.color, style.bgcolor) if colour}
        assert all(colour.is_default for colour in colours)


async def test_an_unknown_theme_is_told(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path, settings=Settings(ui=UiSettings(theme="nowhere"))))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: any("no theme 'nowhere'" in notice for notice in notices(pilot)))


def test_text_is_made_harmless_for_the_screen_and_for_editors() -> None:
    assert displayable("a\x1b[31m\tb\r\nc\x7f\x9b\u202e") == "a␛[31m\tb\nc␡��"
    assert typed("a\x1b[2J\r\nb\rc\x00") == "a[2J\nb\nc"
    assert (displayable("\udcff.gguf"), typed("\udcff.gguf")) == ("�.gguf", ".gguf"), "of a name that is not UTF-8"
    assert one_line("  a\n b  ", 3) == "a b"
    assert one_line("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("one\ntwo", ""),
        ("one\n\n", ""),
        ("one\n\ntwo\n", "one\n\n"),
        ("- a\n\n- b\n", ""),
        ("- a\n\npara\n", "- a\n\n"),
        ("```\na\n\nb\n```\n", ""),
        ("```\na\n\nb\n```\n\nnext\n", "```\na\n\nb\n```\n\n"),
    ],
)
def test_only_whole_blocks_are_mounted_while_streaming(text: str, complete: str) -> None:
    assert text[: complete_blocks(text)] == complete


def test_html_is_text_and_line_ends_stay() -> None:
    tokens = markdown_parser().parse("<b>x</b>\ny")
    kinds = [child.type for token in tokens for child in token.children or ()]
    assert "html_inline" not in kinds
    assert "hardbreak" in kinds


async def test_a_stream_shows_the_same_as_the_whole_text(tmp_path: Path) -> None:
    text = "# Title\n\nA *paragraph*\nwith lines.\n\n- one\n- two\n\n```python\nx = 1\n```\n\nEnd."
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(80, 60)) as pilot:
        streamed, whole = StreamedMarkdown(), StreamedMarkdown(text)
        await chat(pilot).query_one("#exchanges").mount(streamed, whole)
        app.flusher.add(streamed)
        for character in text:
            streamed.write(character)
        await until(pilot, lambda: not streamed.waits)
        await streamed.finish(text)
        app.flusher.remove(streamed)
        await until(pilot, lambda: streamed.region.height == whole.region.height)
        everything = Selection(None, None)
        shows = [one.query_one(MarkdownText).get_selection(everything) for one in (streamed, whole)]
        assert shows[0] == shows[1] == ("Title\n\nA paragraph\nwith lines.\n\n• one\n• two\n\nx = 1\n\nEnd.", "\n")


def test_what_is_printed_to_descriptor_2_goes_to_a_file(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from studio.tui.terminal import guarded_terminal\n"
        f"with guarded_terminal(Path({str(tmp_path)!r})):\n"
        "    os.write(2, b'native noise'); sys.__stderr__.write('drawn'); sys.__stderr__.flush()\n"
        "sys.stderr.write(' after')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "drawn after"
    assert (tmp_path / "stderr.log").read_text() == "native noise"


def test_the_guard_works_where_nothing_can_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    before = os.fstat(2)
    with guarded_terminal(blocked / "diagnostics"):
        pass
    assert os.fstat(2).st_ino == before.st_ino


async def test_the_processes_are_taken_down_at_the_end(tmp_path: Path) -> None:
    ended: list[bool] = []

    async def take_down() -> None:
        ended.append(True)

    app = StudioApp(fake_studio(tmp_path), on_exit=take_down)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+q")
    assert ended == [True]


async def test_keys_that_the_footer_has_no_room_for_are_left_out_whole_and_help_stays(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)  # with a lesson, or there are few keys to show
    correction = await record_correction(studio, answer=None, prompt="How long?", original="30.", corrected="45 days.")
    await learn_lesson(studio, correction)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 24)) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: "^q Quit ^l Jump f1 Help" in shown(pilot))
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda: "s Filter l Label e Edit p Pin" in shown(pilot) and "Quit" not in shown(pilot))
        assert shown(pilot).rstrip().splitlines()[-1].split("▏")[0].rstrip().endswith("f1 Help")
        await pilot.resize_terminal(120, 24)
        await until(pilot, lambda: "^q Quit ^l Jump f1 Help" in shown(pilot))


async def test_help_names_the_key_for_stills_only_where_the_session_is_recorded(tmp_path: Path) -> None:
    for recorded in (False, True):
        app = StudioApp(fake_studio(tmp_path))
        app.recording = Recording(tmp_path / "recorded", app.TITLE) if recorded else None
        async with app.run_test(size=(120, 60)) as pilot:
            await pilot.press("f1")
            await until(pilot, lambda: "Close the studio" in shown(pilot))
            assert ("as a still" in shown(pilot)) is recorded


async def test_a_screen_is_read_once_when_it_is_entered_for_the_first_time(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key in ("f4", "f9"):
            await pilot.press(key)
            await settled(pilot)
        assert app.log_revision == 0, "nothing was written, and nothing is read again"
        await pilot.press("f4")
        await settled(pilot)
        assert app.log_revision == 1, "back again: the command line may have written meanwhile"


@pytest.mark.parametrize("mode", ["lessons", "settings"])
async def test_a_screen_looks_the_same_whether_its_styles_were_read_before(tmp_path: Path, mode: str) -> None:
    seen = []
    for before in (False, True):
        app = StudioApp(fake_studio(tmp_path))
        async with app.run_test(size=(120, 36)) as pilot:
            if before:
                app.read_styles(mode)
            await pilot.press(MODES[mode][0].lower())
            await settled(pilot)
            seen.append(shown(pilot))
    assert seen[0] == seen[1]
    assert len(seen[0].split()) > 30


async def test_closing_asks_where_a_correction_would_be_lost(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test() as pilot:
        await ask(pilot, "How many days?")
        await pilot.press("escape", "e", "x", "f4", "ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("ctrl+q")
        assert app.return_code is None, "the question is answered first"
        await pilot.press("f1")
        await until(pilot, lambda: not isinstance(app.screen, ConfirmDialog))
        await pilot.press("ctrl+q", "escape")  # over its help, it is not asked a second time
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await until(pilot, lambda: not app.screen.is_modal)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
    assert app.return_code == 0


async def test_closing_asks_where_an_edited_lesson_would_be_lost(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_lessons(studio, a_lesson())
    app = StudioApp(studio)
    async with app.run_test() as pilot:
        await pilot.press("f4")
        await settled(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        await pilot.press("x", "ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert app.return_code is None
