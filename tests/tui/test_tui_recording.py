"""A session that is recorded: stills by key and by chapter, and a disk that fails ends the recording alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from studio_fakes import fake_studio
from tui_driving import ask, notices, shown, until

from studio.errors import RecordingError
from studio.services.play_demo import Chapter, Narrator
from studio.services.studio import Studio
from studio.tui.app import StudioApp
from studio.tui.recording import Recording
from studio.tui.screens import demo_story
from studio.tui.screens.demo import DemoScreen, Play


async def two_chapters(studio: Studio, session: Path, narrator: Narrator) -> dict[str, object]:
    for number, title in enumerate(("The first", "The <second>"), 1):
        await narrator.chapter(Chapter(number, 2, title, "Text & more."))
        await narrator.say(f"What came of {number}.")
    return {}


async def test_a_still_is_kept_of_every_chapter_as_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_story, "play_demo", two_chapters)
    for name in ("CHAPTER_S", "LINE_S"):
        monkeypatch.setattr(demo_story, name, 0.0)
    app = StudioApp(fake_studio(tmp_path / "workspace"))
    app.recording = recording = Recording(tmp_path / "recorded", app.TITLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(DemoScreen(app.studio, Play(tmp_path, (), lambda: app.studio)))
        await until(pilot, lambda: "The end." in shown(pilot))
    told = recording.finish()
    assert "2 stills" in told
    stills = sorted((tmp_path / "recorded").glob("still-*.svg"))
    words = [" ".join("".join(ET.fromstring(still.read_text()).itertext()).split()) for still in stills]
    assert "What came of 1." in words[0]
    assert "What came of 2." not in words[0]
    assert "What came of 2." in words[1]
    page = (tmp_path / "recorded" / "index.html").read_text()
    assert "The &lt;second&gt;, chapter 2 of 2. Text &amp; more." in page
    assert (tmp_path / "recorded").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "recorded").iterdir()} == {0o600}


async def test_any_session_keeps_stills_by_key_and_its_last_screen(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path / "workspace"))
    app.recording = recording = Recording(tmp_path / "recorded", app.TITLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "What is the refund window?")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "Kept as a still." in notices(pilot))
        await pilot.press("ctrl+q")
    assert "2 stills" in recording.finish()
    page = (tmp_path / "recorded" / "index.html").read_text()
    assert "<figcaption>Chat</figcaption>" in page
    assert "<figcaption>The end</figcaption>" in page


async def test_a_session_that_is_not_recorded_offers_no_stills(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path / "workspace"))
    async with app.run_test(size=(160, 24)) as pilot:
        await pilot.press("ctrl+g")
        assert "Still" not in shown(pilot)
        assert "Still" not in {command.title for command in app.get_system_commands(app.screen)}
    app.recording = Recording(tmp_path / "recorded", app.TITLE)
    assert app.check_action("keep_still", ())
    app.recording.finish()


async def test_a_folder_that_goes_away_ends_the_recording_with_a_sentence_and_not_the_session(tmp_path: Path) -> None:
    app = StudioApp(fake_studio(tmp_path / "workspace"))
    folder = tmp_path / "recorded"
    app.recording = recording = Recording(folder, app.TITLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        (folder / "session.cast").unlink()
        folder.rmdir()
        await pilot.press("ctrl+g")
        await until(pilot, lambda: any("The recording ends here." in notice for notice in notices(pilot)))
        await ask(pilot, "What is the refund window?")
        assert len(notices(pilot)) == 1
    assert "The recording ended early." in recording.finish()


@pytest.mark.parametrize("kind", ["not empty", "a file"])
def test_nothing_is_recorded_over(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "recorded"
    if kind == "a file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "index.html").write_text("mine")
    with pytest.raises(RecordingError, match=kind):
        Recording(place, "A title")
    mine = place if kind == "a file" else place / "index.html"
    assert mine.read_text() == "mine"
