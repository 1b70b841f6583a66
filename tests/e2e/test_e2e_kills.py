"""kill -9 of the engine, of the night and of the app, at random moments: the log is whole, nothing saved is lost.

STUDIO_KILLS sets how many kills of each (2 by default); STUDIO_KILL_SEED the moments.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from no_network import NoNetwork
from terminal import CTRL_Q, CTRL_S, ENTER, ESCAPE, Terminal

from studio.storage import DuckDbLog
from studio.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

STUDIO = (sys.executable, "-m", "studio")
KILLS = int(os.environ.get("STUDIO_KILLS", "2"))
DRAW = random.Random(int(os.environ.get("STUDIO_KILL_SEED", "1")))
SELECT_EVERYTHING = "\x1b[18~"


def log_of(workspace: Path) -> DuckDbLog:
    place = Workspace(workspace)
    return DuckDbLog.of(place)


def ended_by_kill(screen: str, question: str) -> bool:
    """Whether the answer to the question ended, in words, or had ended before the kill."""
    since = screen.rsplit(question, 1)[-1]
    return question in screen and ("the engine restarts" in since or " tok" in since)


def engines_of(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "studio.inference.engine_process" in child.cmdline()]


def test_the_app_killed_at_random_moments(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for number in range(KILLS):
        app = Terminal(tmp_path)
        try:
            app.wait("ready", 120)
            app.type(f"Question number {number}?{ENTER}")
            app.wait(lambda screen: " tok" in screen, 180)
            app.type(ESCAPE)
            app.wait("e Edit", 20)
            app.type("e")
            app.wait("ctrl+s", 20)
            app.type(f"{SELECT_EVERYTHING}Answer {number}.{CTRL_S}")
            app.read_for(DRAW.uniform(0.0, 1.5))
            if "Saved" in app.text:
                acknowledged.append(f"Answer {number}.")
            os.kill(app.pid, signal.SIGKILL)
            app.end()
        finally:
            app.close()
        log = log_of(tmp_path)
        assert log.check() == []
        kept = [correction.corrected for correction in log.corrections.all()]
        assert all(any(text.endswith(saved) for text in kept) for saved in acknowledged)


def test_the_engine_killed_in_mid_answer_is_told_and_the_app_goes_on(tmp_path: Path) -> None:
    app = Terminal(tmp_path)
    try:
        app.wait("ready", 120)
        for number in range(KILLS):
            app.type(f"Tell me a very long story, number {number}.{ENTER}")
            app.read_for(DRAW.uniform(0.2, 1.5))
            for engine in engines_of(app.pid):
                engine.kill()
            ended = partial(ended_by_kill, question=f"number {number}.")
            try:
                app.wait(ended, 30)
            except AssertionError:
                # It met the engine between death and restart, and is back in the input: nothing lost, sent again.
                app.type(ENTER)
                app.wait(ended, 180)
            # The failure is shown a moment before the next question is taken; an Enter in between is refused in words.
            app.read_for(1.0)
        app.type(f"Are you there?{ENTER}")
        app.wait(lambda screen: "Are you there?" in screen and " tok" in screen.split("Are you there?")[-1], 180)
        app.type(CTRL_Q)
        assert app.end() == 0
    finally:
        app.close()
    log = log_of(tmp_path)
    assert log.check() == []
    assert sum(conversation.turns for conversation in log.conversations.recent()) == KILLS + 1


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> NoNetwork:
    return NoNetwork(tmp_path_factory.mktemp("offline"))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, offline: NoNetwork) -> Path:
    """The workspace of somebody without a network, whose nights are killed, and who goes on to the end."""
    workspace = tmp_path_factory.mktemp("story")
    for number in range(3):
        told(
            workspace,
            offline,
            "correct",
            "--prompt",
            f"Which code opens gate {number}?",
            "--answer",
            f"Code {7310 + number}.",
        )
    return workspace


def told(workspace: Path, offline: NoNetwork, *arguments: str) -> str:
    done = subprocess.run(
        [*STUDIO, "--workspace", str(workspace), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=offline.environment,
        cwd=workspace,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_night_killed_at_random_moments_leaves_no_half_adapter(story: Path, offline: NoNetwork) -> None:
    command = [*STUDIO, "--workspace", str(story), "night", "--max-minutes", "0.1"]
    for _ in range(KILLS):
        night = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=offline.environment)
        time.sleep(DRAW.uniform(1.0, 25.0))  # the random moment itself, not synchronisation
        family = psutil.Process(night.pid).children(recursive=True) if night.poll() is None else []
        night.kill()
        night.wait()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
        log = log_of(story)
        assert log.check() == []
        known = [Workspace(story).adapters / adapter.path for adapter in log.adapters.all()]
        assert all(path.is_file() and path.with_name("manifest.json").is_file() for path in known)
    told(story, offline, "night", "--max-minutes", "0.1")
    assert all(night.state.is_over for night in log_of(story).nights.all())


def test_the_whole_story_reaches_for_no_network_and_leaves_nothing_to_others(story: Path, offline: NoNetwork) -> None:
    """Corrected, distilled and trained before; found again, compared, exported and backed up here."""
    answers = told(story, offline, "ask", "Which code opens gate 1?", "--arm", "frozen", "--arm", "lessons", "--json")
    assert "Which code opens gate 1?" in str(json.loads(answers)["answers"][1]["given"]["lessons"])
    told(story, offline, "export", "trl-sft", "--out", str(story / "pairs"))
    told(story, offline, "report", "--out", str(story / "report"))
    told(story, offline, "doctor")
    told(story, offline, "backup")
    assert Workspace(story).log_file.name.removesuffix(".duckdb") in told(story, offline, "restore")
    processes = "\n".join(offline.commands)
    of_nights = ["night_process"] if log_of(story).nights.all() else []  # the test before this one trains
    for process in ("engine_process", "embedder_process", *of_nights):
        assert process in processes
    assert offline.tried == []
    # What else it would have told: a name and an address from a process of the same kind.
    for reach in ("getaddrinfo('example.org', 80)", "create_connection(('192.0.2.1', 80))"):
        subprocess.run(
            [sys.executable, "-c", f"import socket; socket.{reach}"],
            env=offline.environment,
            check=False,
            stderr=subprocess.DEVNULL,
        )
    assert offline.tried == ["example.org", "192.0.2.1"]
    made = [path for path in story.rglob("*") if not path.is_symlink()]
    open_to_others = [str(path.relative_to(story)) for path in made if path.stat().st_mode & 0o077]
    assert open_to_others == []
