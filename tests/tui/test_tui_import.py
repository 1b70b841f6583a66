"""The Import screen as a user drives it: what would come in is seen first, comes in whole, and is taken back."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from story_log import HOSTILE
from studio_fakes import fake_studio
from textual.widgets import Input, OptionList, Static
from tui_driving import AppPilot, notices, settled, shown, type_at_once, until

from studio.domain.checks import Check
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.exchange import reading, rows_in
from studio.services.studio import Studio
from studio.storage import DuckDbLog
from studio.tui.app import StudioApp
from studio.tui.screens.export import ExportScreen
from studio.tui.screens.help import HelpScreen
from studio.tui.screens.importing import ImportScreen
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.file_dialog import FileDialog, entries

SIZES = [(80, 24), (120, 36), (200, 50)]
Q, RIGHT, WRONG = "What is the refund window?", "45 days.", "30 days."


def pair(prompt: str = Q, chosen: str = RIGHT, rejected: str = WRONG, **more: Any) -> str:
    return json.dumps({"prompt": prompt, "chosen": chosen, "rejected": rejected, **more})


def lines(file: Path, *rows: str) -> Path:
    file.write_text("".join(f"{row}\n" for row in rows))
    return file


def correction(prompt: str, corrected: str) -> Correction:
    return Correction(new_id(), prompt, corrected, WRONG, utc_now(), Check())


def in_force(studio: Studio) -> dict[str, str]:
    return {one.prompt: one.corrected for one in studio.log.corrections.in_force()}


def screen(pilot: AppPilot) -> ImportScreen:
    (found,) = [one for one in pilot.app.screen_stack if isinstance(one, ImportScreen)]
    return found


def words(pilot: AppPilot) -> str:
    return " ".join(shown(pilot).split())


def told(pilot: AppPilot, part: str = "headline") -> str:
    return str(screen(pilot).query_one(f"#import-{part}", Static).content)


async def open_import(pilot: AppPilot) -> None:
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExportScreen))
    await pilot.press("i")
    await until(pilot, lambda: isinstance(pilot.app.screen, FileDialog))


async def choose(pilot: AppPilot, file: Path | str) -> None:
    """Type the path, and wait until the file is read."""
    if not isinstance(pilot.app.screen, FileDialog):
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, FileDialog))
    pilot.app.screen.query_one(Input).value = str(file)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ImportScreen))
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_seen_brought_in_learnt_and_taken_back(tmp_path: Path, size: tuple[int, int]) -> None:
    studio = fake_studio(tmp_path)
    studio.log.corrections.add(correction(Q, "60 days."))
    file = lines(tmp_path / "pairs.jsonl", pair(), pair("Who opens?", "Ada."), pair("Who opens?", "Ada."), '{"cut')
    async with StudioApp(studio).run_test(size=size) as pilot:
        await open_import(pilot)
        await choose(pilot, file)
        for part in ("pairs.jsonl: preferences (TRL, Axolotl)", "2 new · 1 answered otherwise before · 2 passed over"):
            assert part in told(pilot)
            assert part.split()[-1] in shown(pilot)
        for part in ("Comes in 2", "Conflicts 1", "Passed over 2", "Who opens?", "- 30 days.", "+ Ada."):
            assert part in words(pilot)
        await pilot.press("right")
        assert "holds, the file's (newer): 45 days. gives way, the one before: 60 days." in words(pilot)
        await pilot.press("right")
        for part in ("line 3: it is the same correction as in line 2", "line 4: it is cut off or no JSON"):
            assert part in words(pilot)
        assert len(studio.log.corrections.all()) == 1
        await pilot.press("i")
        await settled(pilot)
        assert in_force(studio) == {Q: RIGHT, "Who opens?": "Ada."}
        assert {lesson.example_question for lesson in studio.log.lessons.all()} == {Q, "Who opens?"}
        assert "Brought in 2 corrections" in told(pilot)
        assert "2 corrections" in shown(pilot).partition("Imports so far")[2]
        assert not screen(pilot).check_action("bring_in", ())
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportScreen))
        await settled(pilot)
        assert in_force(studio) == {Q: "60 days."}
        assert "taken back" in words(pilot)
        assert not screen(pilot).check_action("take_back", ())
        await choose(pilot, file)
        assert "2 new" in told(pilot), "what was taken back comes again"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ExportScreen)


async def test_any_of_several_imports_is_taken_back(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    async with StudioApp(studio).run_test(size=(120, 36)) as pilot:
        await open_import(pilot)
        for number in (1, 2):
            await choose(pilot, lines(tmp_path / f"{number}.jsonl", pair(f"Question {number}?")))
            await pilot.press("i")
            await settled(pilot)
        await pilot.press("down", "u")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        assert "1.jsonl?" in words(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert len(in_force(studio)) == 2
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await settled(pilot)
        assert in_force(studio) == {"Question 2?": RIGHT}


async def test_another_log_is_merged_and_what_the_two_disagree_on_is_shown(tmp_path: Path) -> None:
    other = DuckDbLog(tmp_path / "other" / "studio.duckdb", tmp_path / "other" / "backups")
    other.open()
    studio = fake_studio(tmp_path / "home")
    both, theirs = correction("In both?", "Yes."), correction("Only there?", f"Yes {HOSTILE}\u202e")
    for log in (other, studio.log):
        log.corrections.add(both)
    other.corrections.add(theirs)
    other.corrections.set_undone(both.id, True, utc_now())
    async with StudioApp(studio).run_test(size=(80, 24)) as pilot:
        await open_import(pilot)
        await choose(pilot, tmp_path / "other" / "studio.duckdb")
        assert "another log of the studio" in told(pilot)
        assert "1 new · 1 in the log already · 1 undone in only one of the two" in told(pilot)
        await pilot.press("right")
        assert "In both? in force here, undone there; it stays as it is here: Yes." in words(pilot)
        await pilot.press("i")
        await settled(pilot)
        assert in_force(studio).keys() == {"In both?", "Only there?"}
        assert not {"\x1b", "\u202e"} & set(told(pilot, "fresh"))
        await choose(pilot, studio.workspace.log_file)
        assert "is the log of this workspace itself" in told(pilot)


async def test_a_file_that_cannot_be_read_is_a_sentence_and_brings_nothing(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path / "home")
    bad: dict[str, tuple[bytes | None, str]] = {
        "missing.jsonl": (None, "There is no file"),
        "empty.csv": (b"", "is empty"),
        "utf16.csv": ("prompt,corrected\na,b\n".encode("utf-16"), "no text in UTF-8"),
        "prose.txt": (b"Dear all,\nplease answer.\n", "no format that the studio knows"),
        "twice.csv": (b"prompt,corrected,prompt\na,b,c\n", "the column 'prompt' twice"),
        "zeros.duckdb": (b"\0" * 8 + b"DUCK" + b"\0" * 100, "zeros.duckdb"),
        "table.parquet": (b"PAR1rest", "a Parquet file"),
        "\x1b[31m.jsonl": (b"[1, 2", "no format that the studio knows"),
    }
    async with StudioApp(studio).run_test(size=(80, 24)) as pilot:
        await open_import(pilot)
        for name, (data, sentence) in bad.items():
            if data is not None:
                (tmp_path / name).write_bytes(data)
            await choose(pilot, tmp_path / name)
            assert sentence in told(pilot), name
            assert "\x1b" not in told(pilot)
            assert not screen(pilot).check_action("bring_in", ())
            await pilot.press("i")
        await choose(pilot, f"{tmp_path}/")
        assert "is a folder" in told(pilot)
        assert notices(pilot) == []
    assert studio.log.imports.all() == []


async def test_escape_ends_reading_and_bringing_in_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake_studio(tmp_path)
    file = lines(tmp_path / "f.jsonl", pair(), pair("Who opens?", "Ada."))
    goes_on = threading.Event()
    read_row = rows_in.read_row

    def waits(*given: Any) -> Any:
        assert goes_on.wait(20)
        return read_row(*given)

    monkeypatch.setattr(reading, "read_row", waits)
    async with StudioApp(studio).run_test(size=(80, 24)) as pilot:
        await open_import(pilot)
        pilot.app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: "Reading" in told(pilot))
        assert "esc ends it" in words(pilot)
        await pilot.press("escape")
        goes_on.set()
        await settled(pilot)
        assert "That was ended: nothing was brought in." in told(pilot)
        await choose(pilot, file)
        goes_on.clear()
        await pilot.press("i", "escape")
        goes_on.set()
        await settled(pilot)
        assert "That was ended: nothing was brought in." in told(pilot)
        assert studio.log.corrections.all() == []
        await choose(pilot, file)
        await pilot.press("i")
        await settled(pilot)
        assert len(in_force(studio)) == 2


async def test_a_path_is_completed_from_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "Data"
    (folder / "inner").mkdir(parents=True)
    lines(folder / "inner" / "pairs 漢字.jsonl", pair())
    (folder / ".hidden").write_text("x")
    async with StudioApp(fake_studio(tmp_path / "home")).run_test(size=(80, 24)) as pilot:
        await open_import(pilot)
        typed = pilot.app.screen.query_one(Input)
        typed.value = f"{tmp_path}/da"
        await settled(pilot)
        await pilot.press("tab")
        assert typed.value == f"{folder}/"
        await settled(pilot)
        listed = pilot.app.screen.query_one(OptionList)
        assert [str(listed.get_option_at_index(at).prompt) for at in range(listed.option_count)] == ["inner/"]
        await pilot.press("down", "enter")
        await settled(pilot)
        assert typed.value == f"{folder}/inner/"
        await type_at_once(pilot, "pai")
        await settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportScreen))
        await settled(pilot)
        assert "1 new" in told(pilot)
    assert [one.name for one in entries(folder, ".")[0]] == [".hidden"]
    assert "cannot be looked into (No such file or directory)" in entries(tmp_path / "none", "")[1]
    assert "cannot be looked into" in entries(Path("a\0b"), "")[1]


@pytest.mark.parametrize("pasted", ["{}", "'{}'"], ids=["bare", "quoted"])
async def test_a_whole_path_may_be_pasted_after_the_folder_shown(tmp_path: Path, pasted: str) -> None:
    file = lines(tmp_path / "pairs.jsonl", pair())
    async with StudioApp(fake_studio(tmp_path / "home")).run_test(size=(80, 24)) as pilot:
        await open_import(pilot)
        await choose(pilot, pilot.app.screen.query_one(Input).value + pasted.format(file))
        assert "1 new" in told(pilot)


async def test_import_is_in_the_palette_everywhere_and_its_keys_in_the_help(tmp_path: Path) -> None:
    async with StudioApp(fake_studio(tmp_path)).run_test(size=(120, 50)) as pilot:
        app = pilot.app
        (command,) = [one for one in app.get_system_commands(app.screen) if one.title == "Import…"]
        await command.callback()
        await until(pilot, lambda: isinstance(app.screen, FileDialog))
        await pilot.press("escape")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        for part in ("Choose a file, or the log of another studio", "Bring in what is shown, all of it or nothing"):
            assert part in words(pilot)
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert "are brought in with i" in words(pilot), "the empty log's screen says how"
        assert [one.title for one in app.get_system_commands(app.screen)].count("Import…") == 1


def test_the_screen_is_imported_without_numpy() -> None:
    code = "import sys, studio.tui.screens.importing; print('numpy' in sys.modules, 'duckdb' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
