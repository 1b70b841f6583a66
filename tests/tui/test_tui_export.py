"""The Export screen as a user drives it: what is chosen, seen, decided on and written, and what stands in the way."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from story_log import HOSTILE, START, correct, story_log
from studio_fakes import fake_studio
from textual._context import active_app
from textual.widgets import Input, OptionList, Static
from tui_driving import AppPilot, notices, settled, shown, type_at_once, until, write

from studio.domain.checks import Check
from studio.domain.exports import Selection
from studio.domain.identity import new_id
from studio.domain.log import Correction
from studio.exchange import writing
from studio.exchange.examples import ExampleOptions
from studio.exchange.request import ExportRequest
from studio.exchange.splits import Shares
from studio.services.export_corrections import export_corrections
from studio.settings import Settings
from studio.storage import DuckDbLog
from studio.tui.app import StudioApp
from studio.tui.screens.export import ExportScreen
from studio.tui.screens.export_choices import Choices, Findings
from studio.tui.screens.export_private import PrivatePane
from studio.tui.screens.export_settings import SETTINGS, ExportSettings
from studio.tui.screens.export_work import ExportWork
from studio.tui.screens.export_written import WrittenPane
from studio.tui.screens.help import HelpScreen
from studio.tui.widgets.dialogs import LineDialog
from studio.tui.widgets.pick_dialog import PickDialog

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZES = [(80, 24), (120, 36), (200, 50)]
IN_FORCE = Selection(superseded=False, undone=False)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are named from the working directory."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)


def told(log: DuckDbLog, prompt: str, corrected: str, minutes: int = 0, **other: Any) -> None:
    log.corrections.add(
        Correction(
            id=new_id(),
            prompt=prompt,
            corrected=corrected,
            original="I guess.",
            created_at=START.replace(minute=minutes),
            check=Check(),
            **other,
        )
    )


def private_log(folder: Path) -> None:
    """One address twice, a number and a path."""
    log = fake_studio(folder).log
    assert isinstance(log, DuckDbLog)
    told(log, "Whom do I write to?", "Anna@x.org, or call +49 30 1234567.", 1, labels=("mail",))
    told(log, "And if she is away?", "Also to anna@X.org, see /home/anna/away.txt.", 2, labels=("mail", "away"))
    told(log, "What is the refund window?", "It is 45 days.", 3)


# One app for all of them: a start and an entry into Export take longer than most of what is tried there.

Size = tuple[int, int]


class Begin(Protocol):
    """Puts a fresh copy of a log (`story`, `private` or `empty`) under the app, and Export as it is first entered."""

    async def __call__(self, log: str, size: Size = (80, 24)) -> AppPilot: ...


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs, as they are before each test."""
    folder = tmp_path_factory.mktemp("logs")
    story_log(folder / "story")
    private_log(folder / "private")
    fake_studio(folder / "empty").log.open()
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AppPilot]:
    async with StudioApp(fake_studio(tmp_path_factory.mktemp("app"))).run_test(size=(80, 24)) as pilot:
        pilot.app.animation_level = "none"
        await open_export(pilot)
        yield pilot


@pytest.fixture
def begin(running: AppPilot, logs: Path) -> Begin:
    async def anew(log: str, size: Size = (80, 24)) -> AppPilot:
        app = running.app
        assert isinstance(app, StudioApp)
        await settled(running)
        while app.screen is not screen(running):
            await app.pop_screen()
        sessions = app.studio.workspace.sessions
        for file in sessions.glob("studio.duckdb*"):
            file.unlink()
        for file in (logs / log / "sessions").glob("studio.duckdb*"):
            shutil.copy(file, sessions)
        app.clear_notifications()
        await running.resize_terminal(*size)
        export = screen(running)
        export.query_one(PrivatePane).decisions.clear()
        export.query_one("#private-list", OptionList).clear_options()
        if export.work.previews is not None:
            await export.work.previews.close()
        export.work = ExportWork()
        export.query_one(WrittenPane).show_failure("", "")
        go(running, SETTINGS[0].key)
        export.go_to("preview")
        app.log_changed()
        await settled(running)
        return running

    return anew


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _in_the_app(running: AppPilot) -> None:
    """Tests of one app run in tasks of their own, which do not know of it."""
    active_app.set(running.app)


def screen(pilot: AppPilot) -> ExportScreen:
    app = pilot.app
    assert isinstance(app, StudioApp)
    base = app.base_screen("export")
    assert isinstance(base, ExportScreen)
    return base


def log_of(pilot: AppPilot) -> DuckDbLog:
    log = screen(pilot).studio.log
    assert isinstance(log, DuckDbLog)
    return log


async def open_export(pilot: AppPilot) -> None:
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExportScreen))
    await settled(pilot)


async def surveyed(pilot: AppPilot) -> None:
    """Until the preview has followed the settings."""
    await until(pilot, lambda: screen(pilot).work.survey is not None)
    await settled(pilot)


def go(pilot: AppPilot, key: str) -> None:
    settings = screen(pilot).query_one(ExportSettings)
    settings.focus()
    settings.highlighted = settings.get_option_index(key)


async def type_in(pilot: AppPilot, key: str, text: str) -> None:
    """Put this in the place of a setting's text."""
    go(pilot, key)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await pilot.pause()


async def choose(pilot: AppPilot, **changes: object) -> None:
    choices = screen(pilot).work.choices
    for key, value in changes.items():
        choices = choices.with_(key, value)
    screen(pilot).choose(choices)
    await surveyed(pilot)


async def written(pilot: AppPilot) -> None:
    await pilot.press("w")
    await settled(pilot)


def preview(pilot: AppPilot) -> str:
    parts = ("#export-counts", "#export-standing", "#export-rows")
    return "\n".join(str(screen(pilot).query_one(part, Static).content) for part in parts)


def headline(pilot: AppPilot) -> str:
    return str(screen(pilot).query_one("#written-headline", Static).content)


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_chosen_is_seen_and_written_as_the_command_line_writes_it(
    begin: Begin, tmp_path: Path, size: tuple[int, int]
) -> None:
    pilot = await begin("story", size)
    for words in ("Format", "trl-sft", "Licence", "6 corrections", "6 rows"):
        assert words in shown(pilot)
    assert "Near-duplicates or one conversation: none; 6 groups in all" in preview(pilot)
    screen(pilot)._show_progress()
    assert "6 corrections" in shown(pilot), "a late tick takes the place of nothing"
    await pilot.press("right")
    go(pilot, "test")
    await pilot.press("right", "right")
    await surveyed(pilot)
    text = shown(pilot)
    for words in ("trl-dpo", "10%", "train.jsonl  5 rows", "test.jsonl   1 row", "train 5, test 1", '"prompt"'):
        assert words in text
    assert "\x1b" not in preview(pilot)
    await written(pilot)
    folder = Path.cwd() / "corrections-trl-dpo"
    assert "Wrote 6 corrections as trl-dpo" in shown(pilot)
    assert str(folder.resolve()) in headline(pilot)
    assert "manifest.json" in str(screen(pilot).query_one("#written-figures", Static).content)
    request = ExportRequest(
        "trl-dpo",
        IN_FORCE,
        ExampleOptions(default_system=Settings().prompt.system),
        Shares(test=0.1),
    )
    export_corrections(log_of(pilot), tmp_path / "same", request)
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert files == {file.name: file.read_bytes() for file in (tmp_path / "same").iterdir()}
    assert len(rows_of(folder / "test.jsonl")) == 1


async def test_the_first_rows_are_those_of_the_file(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("story")
    for format_name in ("alpaca", "jsonl", "parquet", "easyedit"):
        await choose(pilot, format_name=format_name)
        text = preview(pilot)
        await written(pilot)
        folder = Path.cwd() / f"corrections-{format_name}"
        manifest = json.loads((folder / "manifest.json").read_text())
        for file in manifest["files"]:
            if file["rows"]:
                assert file["name"] in text
                assert f"{file['rows']:,} row" in text
        if format_name == "jsonl":
            first = rows_of(folder / "corrections.jsonl")[0]
            assert json.dumps(first["prompt"]) in text
            assert manifest["corrections"] == 9, "the whole log: also superseded and undone"
        await pilot.press("escape")


async def test_near_duplicates_are_counted_and_a_tiny_window_is_no_obstacle(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("story", (40, 10))
    told(log_of(pilot), "What time does the ferry leave?", "At nine o'clock sharp.", 1)
    told(log_of(pilot), "When does the ferry leave, what time?", "Nine o'clock sharp.", 2)
    pilot.app.log_changed()  # type: ignore[attr-defined]
    await settled(pilot)
    assert "2 corrections in 1 group; 7 groups in all" in preview(pilot)
    assert "Format" in shown(pilot)
    await written(pilot)
    assert "Wrote 8 corrections" in headline(pilot)


async def test_where_nothing_was_corrected_it_says_what_to_do_first(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("empty")
    assert "Nothing corrected yet" in shown(pilot)
    assert "press e on the answer" in " ".join(shown(pilot).split())
    await written(pilot)
    assert list(Path.cwd().iterdir()) == []
    correct(log_of(pilot), "What is it?", "right", START)
    pilot.app.log_changed()  # type: ignore[attr-defined]
    await surveyed(pilot)
    assert "1 correction\n" in preview(pilot)


# Private data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_each_finding_is_decided_on_and_written_so_everywhere(
    begin: Begin, tmp_path: Path, size: tuple[int, int]
) -> None:
    pilot = await begin("private", size)
    assert "3 texts found, 3 to decide" in preview(pilot)
    await written(pilot)
    assert "3 texts are to be decided on first" in notices(pilot)[-1]
    assert list(Path.cwd().iterdir()) == []
    text = " ".join(shown(pilot).replace("│", " ").split())
    for words in ("Private data: 3 left", "Anna@x.org ×2", "<EMAIL_1>", "In 2 places:", "…Also to anna@X.org"):
        assert words in text
    await pilot.press("a")
    await pilot.press("s")
    assert "1 left" in shown(pilot)
    await pilot.press("r")
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
    pilot.app.screen.query_one(Input).value = "her folder"
    await pilot.press("enter")
    await settled(pilot)
    assert "all decided" in preview(pilot)
    assert '"Also to <EMAIL_1>, see her folder."' in preview(pilot)
    await written(pilot)
    assert "Replaced: 2 EMAIL, 1 PATH. Texts let stand: 1" in " ".join(shown(pilot).replace("│", " ").split())
    folder = Path.cwd() / "corrections-trl-sft"
    answers = [row["completion"][0]["content"] for row in rows_of(folder / "train.jsonl")]
    assert answers == ["<EMAIL_1>, or call +49 30 1234567.", "Also to <EMAIL_1>, see her folder.", "It is 45 days."]
    assert json.loads((folder / "manifest.json").read_text())["privacy"]["let_stand"] == 1
    assert "x.org" not in (folder / "README.md").read_text()


async def test_decisions_are_taken_back_and_kept_when_settings_change(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private")
    await pilot.press("p", "A")
    await settled(pilot)
    private = screen(pilot).query_one(PrivatePane)
    assert private.to_decide == 0
    await pilot.press("u")
    assert private.to_decide == 1
    await choose(pilot, format_name="trl-kto", labels=("away",))
    assert private.to_decide == 1
    assert [text.text for text in screen(pilot).work.survey.private] == ["anna@X.org", "/home/anna/away.txt"]  # type: ignore[union-attr]
    private.query_one(OptionList).highlighted = 0
    await pilot.press("a", "w")
    await settled(pilot)
    folder = Path.cwd() / "corrections-trl-kto"
    (good, _) = rows_of(folder / "train.jsonl")
    assert good["completion"][0]["content"] == "Also to <EMAIL_1>, see <PATH_1>."


async def test_names_are_looked_for_and_placeholders_or_nothing_put_without_asking(
    begin: Begin, tmp_path: Path
) -> None:
    pilot = await begin("private")
    await type_in(pilot, "names", "refund window,  she ")
    await surveyed(pilot)
    assert "5 texts found, 5 to decide" in preview(pilot)
    go(pilot, "findings")
    await pilot.press("right")
    await surveyed(pilot)
    assert "5 texts found, placeholders are put there" in preview(pilot)
    assert "What is the <NAME_2>?" in preview(pilot)
    await written(pilot)
    await pilot.press("escape")
    go(pilot, "findings")
    await pilot.press("right")
    await surveyed(pilot)
    assert "5 texts found and written as they are" in preview(pilot)
    await written(pilot)
    replaced, as_they_are = (Path.cwd() / f"corrections-trl-sft{number}" / "train.jsonl" for number in ("", "-2"))
    assert "What is the <NAME_2>?" in replaced.read_text()
    assert "x.org" not in replaced.read_text().casefold()
    assert "x.org" in as_they_are.read_text().casefold()


async def test_more_than_one_can_decide_on_is_written_with_placeholders_only(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.exchange.survey.MOST_LISTED", 1)
    pilot = await begin("private", (120, 36))
    await pilot.press("p", "A", "w")
    await settled(pilot)
    assert "2 texts are to be decided on first: too many one by one" in notices(pilot)[-1]
    assert "too many to decide one by one" in " ".join(shown(pilot).replace("│", " ").split())
    await choose(pilot, findings=Findings.REPLACE)
    await written(pilot)
    answers = [row["completion"][0]["content"] for row in rows_of(Path.cwd() / "corrections-trl-sft" / "train.jsonl")]
    assert answers[:2] == ["<EMAIL_1>, or call <PHONE_1>.", "Also to <EMAIL_1>, see <PATH_1>."]


async def test_nothing_is_put_in_a_texts_place_by_an_empty_line(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private")
    await pilot.press("p", "r")
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
    pilot.app.screen.query_one(Input).value = "  "
    await pilot.press("enter")
    await settled(pilot)
    assert screen(pilot).query_one(PrivatePane).to_decide == 3


# Settings -------------------------------------------------------------------------------------------------------------


async def test_corrections_are_picked_by_what_the_log_holds(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private")
    go(pilot, "labels")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
    assert "[ ] mail  2" in shown(pilot)
    await write(pilot, "aw")
    await pilot.press("enter")
    assert "[x] away  1" in shown(pilot)
    await pilot.press("escape")
    await surveyed(pilot)
    assert screen(pilot).work.choices.labels == ("away",)
    assert preview(pilot).startswith("1 correction\n")
    await choose(pilot, labels=(), since=START.date(), history=False)
    assert preview(pilot).startswith("3 corrections\n")
    go(pilot, "sessions")
    await pilot.press("enter")
    await settled(pilot)
    assert "the corrections in the log have none" in notices(pilot)[-1]
    await pilot.press("f")
    await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
    await write(pilot, "knowledge edits")
    await pilot.press("enter")
    await surveyed(pilot)
    assert "train.json  3 rows" in preview(pilot)


async def test_sessions_arms_and_models_choose(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("story")
    assert screen(pilot).work.choosable.corrections == 9
    await choose(pilot, superseded=True)
    assert preview(pilot).startswith("8 corrections\n")
    await choose(pilot, undone=True)
    assert preview(pilot).startswith("9 corrections\n")
    told(log_of(pilot), "In another arm?", "Yes.", 9, arm="lessons")
    pilot.app.log_changed()  # type: ignore[attr-defined]
    await surveyed(pilot)
    await choose(pilot, arms=("lessons",))
    assert preview(pilot).startswith("1 correction\n")


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("since", "yesterday", "'yesterday' is no day."),
        ("test", "much", "'much' is no share."),
        ("test", "100%", "at least 0% and less than 100%"),
        ("until", "2026-02-30", "is no day."),
    ],
)
async def test_what_cannot_be_meant_is_told_and_asked_again(
    begin: Begin, tmp_path: Path, key: str, text: str, sentence: str
) -> None:
    pilot = await begin("private")
    await type_in(pilot, key, text)
    await until(pilot, lambda: any(sentence in notice for notice in notices(pilot)))
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
    assert pilot.app.screen.query_one(Input).value == text
    await pilot.press("escape")
    assert screen(pilot).work.choices == Choices()


async def test_what_is_typed_begins_with_what_is_chosen(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private")
    await choose(pilot, test=0.3)
    before = screen(pilot).work.choices
    for key in (setting.key for setting in SETTINGS if setting.take is not None and setting.applies(before)):
        go(pilot, key)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        await pilot.press("enter")
        await settled(pilot)
        assert screen(pilot).work.choices == before, key


async def test_what_a_format_has_no_place_for_is_not_offered(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private")
    await choose(pilot, rationale=True, test=0.3)
    assert '"rationale"' in preview(pilot)
    await choose(pilot, format_name="openai-sft")
    assert '"rationale"' not in preview(pilot)
    await choose(pilot, format_name="jsonl")
    go(pilot, "test")
    await pilot.press("right")
    assert "jsonl has no place for it" in notices(pilot)[-1]
    assert "corrections.jsonl  3 rows" in preview(pilot)


async def test_what_would_be_empty_is_told_in_the_previews_place(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private")
    for changes, sentence in (
        ({"until": START.date().replace(year=2020)}, "No correction fits what was chosen."),
        ({"until": None, "test": 0.9, "validation": 0.2}, "leave something to train on"),
        ({"test": 0.5, "validation": 0.4}, "split would be empty"),
    ):
        choices = screen(pilot).work.choices
        for key, value in changes.items():
            choices = choices.with_(key, value)
        screen(pilot).choose(choices)
        await until(pilot, lambda sentence=sentence: sentence in preview(pilot))  # type: ignore[misc]
        await written(pilot)
        assert list(Path.cwd().iterdir()) == []


# Writing --------------------------------------------------------------------------------------------------------------


async def test_a_folder_that_is_taken_is_told_before_and_left_alone(begin: Begin, tmp_path: Path) -> None:
    taken = Path.cwd() / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    pilot = await begin("story")
    await pilot.press("o")
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
    await write(pilot, "taken")
    await pilot.press("enter")
    await surveyed(pilot)
    assert f"The folder {taken} is not empty." in preview(pilot)
    await written(pilot)
    assert f"The folder {taken} is not empty." in headline(pilot)
    assert [file.name for file in Path.cwd().rglob("*")] == ["taken", "mine.txt"]
    await type_in(pilot, "folder", str(taken / "mine.txt" / "new"))
    await surveyed(pilot)
    await written(pilot)
    assert f"cannot be written: {taken / 'mine.txt'} is a file." in headline(pilot)
    await type_in(pilot, "folder", "")
    await surveyed(pilot)
    await written(pilot)
    assert "Wrote 6 corrections" in headline(pilot)
    assert screen(pilot).work.folder == Path.cwd() / "corrections-trl-sft-2"


async def test_what_is_pressed_at_once_after_a_change_writes_what_was_changed(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("story")
    screen(pilot).choose(screen(pilot).work.choices.with_("format_name", "trl-kto"))
    await type_at_once(pilot, "w")
    await until(pilot, lambda: "Wrote 6 corrections as trl-kto" in headline(pilot))
    assert len(rows_of(Path.cwd() / "corrections-trl-kto" / "train.jsonl")) == 12


async def test_what_came_into_the_log_since_is_not_written_undecided(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private")
    await pilot.press("p", "A")
    told(log_of(pilot), "And who else?", "c@d.org", 8)
    await written(pilot)
    assert "1 place may hold private data (1 EMAIL), so nothing was written." in headline(pilot)
    assert "p shows what is new" in headline(pilot)
    assert list(Path.cwd().iterdir()) == []
    await pilot.press("p")
    await surveyed(pilot)
    assert screen(pilot).query_one(PrivatePane).to_decide == 1


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "The disk is full: nothing was written to"), (errno.EACCES, "cannot be written")],
)
async def test_a_disk_that_fails_is_a_sentence_and_leaves_nothing(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, "No")

    monkeypatch.setattr(writing.RowFile, "_put", fails)
    pilot = await begin("story")
    await written(pilot)
    assert sentence in headline(pilot)
    assert any(sentence in notice for notice in notices(pilot))
    assert list(Path.cwd().iterdir()) == []
    monkeypatch.undo()


async def test_the_writing_shows_how_far_it_is_and_is_ended_by_escape(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    write_rows: Callable[..., None] = writing.RowFile.write

    def waits(file: writing.RowFile, rows: list[bytes]) -> None:
        assert goes_on.wait(20)
        write_rows(file, rows)

    monkeypatch.setattr(writing.RowFile, "write", waits)
    pilot = await begin("story")
    await pilot.press("w")
    await until(pilot, lambda: "Writing: looking for private data" in headline(pilot))
    assert "esc ends it" in shown(pilot)
    assert not screen(pilot).check_action("write", ())
    await pilot.press("escape")
    goes_on.set()
    await until(pilot, lambda: "was ended: nothing was written" in headline(pilot))
    await settled(pilot)
    assert list(Path.cwd().iterdir()) == []
    await written(pilot)
    assert "Wrote 6 corrections" in headline(pilot)


# The rest of the app --------------------------------------------------------------------------------------------------


async def test_every_action_is_in_the_palette_and_in_the_help(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private", (120, 50))
    app = pilot.app
    titles = {command.title for command in app.get_system_commands(app.screen)}
    assert "Go to Export" in titles
    titles = {command.title for command in app.get_system_commands(app.screen)}
    assert {"Write", "Private", "Format", "Folder", "Names"} <= titles
    assert "Accept" not in titles
    await pilot.press("p")
    titles = {command.title for command in app.get_system_commands(app.screen)}
    assert {"Accept", "Replace", "Skip", "Undo", "Rest"} <= titles
    await pilot.press("f1")
    await until(pilot, lambda: isinstance(app.screen, HelpScreen))
    assert "Let this text stand as it is" in shown(pilot)


async def test_nothing_in_a_row_steers_the_terminal(begin: Begin, tmp_path: Path) -> None:
    pilot = await begin("private", (200, 50))
    told(log_of(pilot), HOSTILE, f"{HOSTILE} a\x1b[2J@b.org \u202e", 5)
    pilot.app.log_changed()  # type: ignore[attr-defined]
    await settled(pilot)
    await pilot.press("p")
    private = screen(pilot).query_one(PrivatePane)
    for index in range(len(screen(pilot).work.survey.private)):  # type: ignore[union-attr]
        private.query_one(OptionList).highlighted = index
        await pilot.pause()
        assert not {"\x1b", "\u202e"} & set(str(private.query_one("#private-around", Static).content))
    assert not {"\x1b", "\u202e"} & set(preview(pilot))


async def test_the_copy_of_the_log_is_gone_with_the_app(tmp_path: Path) -> None:
    private_log(tmp_path)
    studio = fake_studio(tmp_path)
    async with StudioApp(studio).run_test() as pilot:
        await open_export(pilot)
        (copy,) = studio.workspace.scratch.iterdir()
        assert copy.stat().st_mode & 0o077 == 0
    assert list(studio.workspace.scratch.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*is marked with")
def test_the_screen_is_imported_without_numpy() -> None:
    code = "import sys, studio.tui.screens.export; print('numpy' in sys.modules, 'duckdb' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
