"""`studio --record`: a real session in a real terminal; its cast, played again, ends with the same screen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pyte
import pytest
from terminal import CTRL_Q, F3, Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
LEAVING = "\x1b[?1049l"


def studio(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "studio", "--workspace", str(workspace), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)


def replayed(cast: Path) -> str:
    """The last screen before the app left: on leaving it gives the terminal back as it was."""
    header, *lines = [json.loads(line) for line in cast.read_text(encoding="utf-8").splitlines()]
    screen = pyte.Screen(header["width"], header["height"])
    stream = pyte.Stream(screen)
    for _, kind, data in lines:
        if kind == "r":
            columns, rows = data.split("x")
            screen.resize(int(rows), int(columns))
        if kind == "o":
            if LEAVING in data:
                break
            stream.feed(data)
    return drawn(screen)


def seen(app: Terminal) -> str:
    """The last screen before the app left, of what the terminal was sent."""
    screen = pyte.Screen(app.screen.columns, app.screen.lines)
    sent = app.raw.decode("utf-8").rpartition(LEAVING)[0]
    pyte.Stream(screen).feed(re.sub(r"\x1b\[[<>=][0-9;]*[a-zA-Z]", "", sent))
    return drawn(screen)


def drawn(screen: pyte.Screen) -> str:
    return "\n".join(line.rstrip() for line in screen.display)


def test_a_recorded_session_replays_to_its_last_screen(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"
    app = Terminal(tmp_path / "workspace", "--record", str(recorded), columns=100, rows=30)
    try:
        app.wait("ready", 120)
        app.type(F3)
        app.wait("Ask all arms something", 60)
        app.type("What is écrit in “words”?")
        app.wait("“words”?", 60)
        app.type(CTRL_Q)
        assert app.end() == 0
        assert app.is_restored
    finally:
        app.close()
    last = seen(app)
    assert "“words”?" in last
    assert replayed(recorded / "session.cast") == last
    raw = (recorded / "session.cast").read_text(encoding="utf-8")
    assert not re.search(r"u001b\[\?(1000|1003|2004)h", raw), "a replay leaves the viewer's mouse and keyboard alone"
    assert {file.name for file in recorded.iterdir()} == {"session.cast", "index.html", "still-01.svg"}
    assert {file.stat().st_mode & 0o777 for file in recorded.iterdir()} == {0o600}
    assert recorded.stat().st_mode & 0o777 == 0o700


def test_what_cannot_be_recorded_is_refused_in_a_sentence(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    app = Terminal(tmp_path / "workspace", "--record", str(full))
    try:
        assert app.end(60) == 3
        assert "is not empty" in app.text
    finally:
        app.close()
    assert [file.name for file in full.iterdir()] == ["mine"]
    for arguments in (("--record", "x"), ("--record", "x", "where"), ("demo", "--plain", "--record", "x")):
        refused = studio(tmp_path / "workspace", *arguments)
        assert refused.returncode == 2
        assert "--record" in refused.stderr
        assert "Traceback" not in refused.stderr
    bad = tmp_path / "bad.toml"
    bad.write_text('format_version = 1\n[[audience]]\nquestion = "Who?"\n')
    refused = studio(tmp_path / "workspace", "demo", "--plain", "--audience", str(bad))
    assert refused.returncode == 2
    assert f"{bad}, audience 1, answer: is missing." in refused.stderr
