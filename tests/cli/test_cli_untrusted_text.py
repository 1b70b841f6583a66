"""Whatever models, files and their names hold is printed by every command without steering the terminal.

Through a pseudo terminal: elsewhere click takes escapes out by itself, and would hide what a terminal is sent.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from studio.domain.checks import Check
from studio.domain.generation import FinishReason
from studio.domain.identity import new_id, utc_now
from studio.domain.lessons import Lesson
from studio.domain.log import Answer, Conversation, Correction, Feedback, Given, Turn
from studio.domain.nights import Night, NightState, Probe, ProbeKind, ProbeResult
from studio.storage import DuckDbLog
from studio.workspace import Workspace

EVIL = "\x1b]0;owned\x07\x1b[35mpink\x9b2J\u202etext"
STEERING = (b"\x1b]0;owned", b"\x1b[35m", b"\x07", b"\xc2\x9b", "\u202e".encode())
ALL = "import json, sys; from studio.cli.root import run; [run(one) for one in json.loads(sys.argv[1])]"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Of which every text says EVIL."""
    workspace = Workspace(tmp_path).ensure()
    log, now = DuckDbLog.of(workspace), utc_now()
    talk = Conversation(new_id(), EVIL, now, now)
    turn = Turn(new_id(), talk.id, 0, EVIL, now)
    answer = Answer(new_id(), turn.id, EVIL, EVIL, FinishReason.STOP, Given(), (), 1, 1, 0.1, 0.1, now)
    correction = Correction(
        new_id(), EVIL, EVIL + ".", EVIL, now, Check(include=((EVIL,),)), rationale=EVIL, labels=(EVIL,), arm=EVIL
    )
    log.conversations.add(talk)
    log.conversations.add_turn(turn)
    log.answers.add([answer, dataclasses.replace(answer, id=new_id())])
    log.answers.add_feedback(answer.id, Feedback.PREFERRED, now, blind=True)
    log.corrections.add(correction)
    log.lessons.add(Lesson("evil-lesson", EVIL, EVIL, EVIL, EVIL, EVIL, (correction.id,), now, now), [], "none")
    log.nights.add(Night(new_id(), NightState.FAILED, now, "0" * 64, (correction.id,), reason=EVIL))
    log.probes.add([Probe("p", ProbeKind.RELIABILITY, EVIL, correction.check, correction.id)])
    log.probes.add_results([ProbeResult("p", EVIL, EVIL, ok=False, score=0.0, occasion="idle", created_at=now)])
    (workspace.local_models / f"{EVIL}.gguf").write_bytes(b"GGUF, or so it says")
    (tmp_path / f"{EVIL}.jsonl").write_text(json.dumps({"prompt": EVIL, "chosen": EVIL + "!", "rejected": EVIL}))
    return workspace


def test_no_command_sends_what_texts_and_names_hold_to_the_terminal(workspace: Workspace) -> None:
    folder = workspace.root
    verbs = [
        ["lessons", "list"],
        ["lessons", "show", "evil-lesson"],
        ["review"],
        ["prefer"],
        ["night", "list"],
        ["night", "status"],
        ["report", "--out", str(folder / f"report {EVIL}")],
        ["report", "--out", str(folder / "r"), "--label", EVIL],
        ["export", "jsonl", "--out", str(folder / f"out {EVIL}")],
        ["import", str(folder / f"{EVIL}.jsonl"), "--dry-run"],
        ["import", str(folder / f"{EVIL}.none"), "--dry-run"],
        ["models", "add", str(folder / f"{EVIL}.jsonl")],
        ["models", "use", EVIL],
        ["models", "remove", EVIL],
        ["settings", "set", EVIL, EVIL],
        ["settings", "set", "chat.arm", EVIL],
        ["sql", "FROM corrections"],
        ["sql", f"FROM '{EVIL}'"],
        ["restore", EVIL],
        ["correct", "--prompt", EVIL, "--answer", EVIL, "--supersedes", EVIL],
        ["bench", str(folder / EVIL)],
        [EVIL],
    ]
    commands = [["--workspace", str(folder), *verb] for verb in verbs]
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", ALL, json.dumps(commands)], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
    )
    os.close(slave)
    said = b""
    while True:
        try:
            said += os.read(master, 65536)
        except OSError:  # the end, as a terminal tells it
            break
    os.close(master)
    child.wait()
    assert said.count(b"pink") > len(verbs), said.decode(errors="replace")
    assert b"Traceback" not in said, said.decode(errors="replace")
    assert [line for line in said.splitlines() if any(sign in line for sign in STEERING)] == []
