"""The embedder process: loads MiniLM, fine-tuned, then turns texts into unit vectors until its input ends.

One JSON object a line: `{"id", "texts"}` comes in, `{"id", "vectors"}`
(base64 of little-endian float32) or `{"id", "error"}` goes out; the first line out is `{"ready": true}` or
`{"error"}`, the latter with a `"hint"` where the error is a whole sentence. Started by studio.lessons.embedder, never
imported by the app.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from studio.errors import EmbedderError
from studio.freed_memory import give_back_memory

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until the input ends, or until the parent dies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--lora", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    arguments = parser.parse_args()
    _die_with(arguments.parent)
    # Ctrl+C belongs to the app, which closes this process itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = _claim_standard_output()
    try:
        embed = _load(arguments.model, arguments.lora)
    except EmbedderError as error:
        _say(answers, {"error": error.message, "hint": error.hint})
        raise SystemExit(1) from error
    except Exception as error:  # whatever the libraries raise is told in one line
        _say(answers, {"error": f"{type(error).__name__}: {error}"})
        raise SystemExit(1) from error
    _say(answers, {"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            _say(answers, {"id": request["id"], "vectors": embed(request["texts"])})
        except Exception as error:  # noqa: BLE001
            _say(answers, {"id": request["id"], "error": f"{type(error).__name__}: {error}"})


def _die_with(parent: int) -> None:
    """Ask Linux for a signal at the parent's death; elsewhere the end of the input tells it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(0)


def _claim_standard_output() -> TextIO:
    """Keep the pipe for answers alone: what libraries print on fd 1 goes to the log, where fd 2 goes."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _load(model: Path, lora: Path) -> Callable[[Sequence[str]], list[str]]:
    # Takes a while to import; the death signal must be set before.
    from studio.lessons.minilm import MiniLm

    encoder = MiniLm(model, lora)

    def embed(texts: Sequence[str]) -> list[str]:
        vectors = encoder.embed(texts)
        return [base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii") for vector in vectors]

    embed(["ready"])  # the first call maps the weights: before the first question, not during it
    give_back_memory()  # what merging needed for a while
    return embed


def _say(answers: TextIO, message: dict[str, object]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
