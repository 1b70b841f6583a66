"""Asks the bundled model what every night asks, whatever was corrected, and keeps its answers beside this file.

python local_models/frozen_answers/ask.py

Some five minutes of two cores. To be run again when llama-cpp-python, a prompt, the system message or the way the
engine computes has become another: a test says so, and until it is done nights ask anew.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from studio.bootstrap import build_studio
from studio.services.collect_examples import frozen_answers
from studio.services.evaluate_adapter import ask_frozen
from studio.training.examples import replay_prompts
from studio.workspace import Workspace

FOLDER = Path(__file__).resolve().parent


async def ask(folder: Path) -> Path:
    """The file of all answers."""
    studio = build_studio(Workspace(folder).ensure())
    try:
        await frozen_answers(studio, replay_prompts())
        await ask_frozen(studio, [])
        return studio.workspace.kept_answers / f"{(await studio.model()).sha256[:12]}.jsonl"
    finally:
        await studio.close()


def timeless(line: str) -> str:
    """An answer without what it cost on this machine."""
    costs = {"reused_tokens": 0, "first_token_s": 0.0, "latency_s": 0.0, "mean_log_probability": None}
    return json.dumps(json.loads(line) | costs)


def main() -> None:
    for old in FOLDER.glob("*.jsonl"):
        old.unlink()  # or nothing would be asked
    with tempfile.TemporaryDirectory() as folder:
        answers = asyncio.run(ask(Path(folder)))
        lines = sorted(map(timeless, answers.read_text(encoding="utf-8").splitlines()))
        (FOLDER / answers.name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
