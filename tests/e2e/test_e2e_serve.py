"""`studio serve` as other programs meet it: the real command, the bundled model, the official client."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest

from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.evaluation.checks import check_from_edit
from studio.storage import DuckDbLog
from studio.workspace import Workspace

QUESTION = "What is our refund window?"
STORY = "Write a long story about a ship and its crew, with many chapters."


def studio(workspace: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "studio", "--workspace", str(workspace), *arguments]


class Serving:
    """A run of `studio serve`, and a client set up with what it printed."""

    def __init__(self, process: asyncio.subprocess.Process, said: str) -> None:
        self.process = process
        base_url = re.search(r"base URL +(\S+)", said)
        token_file = re.search(r"API key +in (.+)", said)
        assert base_url
        assert token_file
        token = Path(token_file[1]).read_text("ascii").strip()
        self.client = openai.AsyncOpenAI(base_url=base_url[1], api_key=token, timeout=300)

    @classmethod
    async def start(cls, workspace: Path) -> Serving:
        process = await asyncio.create_subprocess_exec(
            *studio(workspace, "serve", "--port", "0", "--arm", "lessons"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(240):
            while "models" not in said:
                line = await process.stdout.readline()
                assert line, f"it ended: {said}"
                said += line.decode()
        return cls(process, said)

    async def streamed(
        self, prompt: str, *, when_begun: Callable[[], None] = lambda: None, **fields: Any
    ) -> tuple[str, openai.types.CompletionUsage]:
        """The text and the usage; `when_begun` is called at its first word."""
        stream = await self.client.chat.completions.create(
            model="default",
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
            **fields,
        )
        text, usage = "", None
        async for chunk in stream:
            said = "".join(choice.delta.content or "" for choice in chunk.choices)
            if said and not text:
                when_begun()
            text += said
            usage = chunk.usage or usage
        assert usage is not None
        return text, usage


@pytest.fixture
def corrected_once(tmp_path: Path) -> Path:
    """A workspace with one correction in its log, whose lesson nobody has learnt yet."""
    now = utc_now()
    check = check_from_edit("30 days.", "45 days.", QUESTION)
    log = DuckDbLog(Workspace(tmp_path).ensure().log_file, tmp_path / "backups")
    log.corrections.add(Correction(new_id(), QUESTION, "45 days.", "30 days.", now, check))
    return tmp_path


@pytest.fixture
async def serving(corrected_once: Path) -> AsyncIterator[Serving]:
    run = await Serving.start(corrected_once)
    yield run
    await run.client.close()
    if run.process.returncode is None:
        run.process.kill()
        await run.process.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_four_clients_at_once_get_the_corrected_assistant_until_a_signal_ends_it(
    serving: Serving, tmp_path: Path
) -> None:
    others = ["What is a keel?", "Name one colour.", "What do bees make?"]
    corrected, *answers = await asyncio.gather(
        *(serving.streamed(prompt, max_tokens=24) for prompt in (QUESTION, *others))
    )
    assert "45 days" in corrected[0]
    assert all(text and 0 < usage.completion_tokens <= 24 for text, usage in answers)
    # What the lesson took of the prompt is counted too.
    assert corrected[1].prompt_tokens > max(usage.prompt_tokens for _, usage in answers)

    family = psutil.Process(serving.process.pid).children(recursive=True)
    with pytest.raises(openai.APIError):  # of a story in mid-sentence
        await serving.streamed(STORY, max_tokens=2000, when_begun=lambda: serving.process.send_signal(signal.SIGTERM))
    rest, _ = await asyncio.wait_for(serving.process.communicate(), 60)
    assert (serving.process.returncode, rest.decode()) == (128 + signal.SIGTERM, "")
    assert not psutil.wait_procs(family, timeout=30)[1]

    log = DuckDbLog(Workspace(tmp_path).log_file, tmp_path / "backups")
    _, rows = log.query(
        "SELECT t.prompt, a.arm, a.text, a.finish_reason, c.origin"
        " FROM answer a JOIN turn t ON t.id = a.turn_id JOIN conversation c ON c.id = t.conversation_id"
    )
    kept = {row[0]: row for row in rows}
    assert len(rows) == len(kept) == 5
    assert {(row[1], row[4]) for row in rows} == {("lessons", "api")}
    assert kept[QUESTION][2] == corrected[0]
    assert kept[STORY][3] == "cancelled"
    assert kept[STORY][2]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--host", "0.0.0.0", "--port", "0"], 2, "Add --to-network if that is meant."),
        (["--port", "0", "--token", "short"], 2, "without spaces"),
        (["--port", "0", "--arm", "gpt-4o"], 2, "Choose from: frozen, context"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    run = subprocess.run(
        studio(tmp_path, "serve", *arguments), capture_output=True, text=True, timeout=120, check=False
    )
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr
    assert run.stderr.startswith("studio: ")
    assert run.stderr.count("\n") == 1
