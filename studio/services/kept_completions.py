"""Greedy answers to probes, kept on disk by what was decoded: a repeat is cheap, an interrupted run goes on.

One JSON line an answer, appended, in a file per model. It is a cache: a line that cannot be read is passed over, and
whoever deletes the file loses time and nothing else. What every night asks of the bundled model ships, answered.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from studio.checksum import sha256_of
from studio.domain.checks import Check
from studio.domain.generation import GPU, Completion, FinishReason, Lane, ModelFacts
from studio.small_files import parse_json

_MOST_BYTES = 64_000_000
_COMPUTED = "a memory for each sequence, plain attention"
_COMPUTED_ON_GPU = "a memory for each sequence, on a GPU"
"""How the engine computes an answer. Another way rounds otherwise, and what was kept before is no longer its answer."""


class KeptCompletions:
    """The answers kept in one folder, by model; without a folder as long as the process lives.

    `shipped` is a folder of more of them, only read. Greedy lanes only: draws at a temperature are each their own.
    """

    def __init__(self, folder: Path | None, shipped: Path | None = None) -> None:
        self._folder = folder
        self._shipped = shipped
        self._known: dict[str, dict[str, Completion]] = {}
        self._adapters: dict[tuple[Path, int], str] = {}

    def get(self, model: ModelFacts, lane: Lane, until: Check | None = None) -> Completion | None:
        """The whole answer; where it is not kept, one that went on `until` it was right by this check."""
        known = self._of(model.sha256)
        whole = known.get(self._key(model, lane))
        return known.get(self._key(model, lane, until)) if whole is None and until else whole

    def put(self, model: ModelFacts, lane: Lane, completion: Completion, until: Check | None = None) -> None:
        """Keep an answer, one that was cut with what it was cut at; for good if the disk lets us."""
        key = self._key(model, lane, until)
        self._of(model.sha256)[key] = completion
        if self._folder is None:
            return
        line = json.dumps({"key": key, **asdict(completion)}) + "\n"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(_file(self._folder, model.sha256), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return  # a full or read-only disk costs the repeat its speed
        try:
            os.write(descriptor, line.encode())
        except OSError:
            return
        finally:
            os.close(descriptor)

    def _of(self, model_sha256: str) -> dict[str, Completion]:
        if model_sha256 not in self._known:
            known = _read(_file(self._shipped, model_sha256)) if self._shipped else {}
            if self._folder:
                own = _file(self._folder, model_sha256)
                _begin_anew_when_large(own)
                known |= _read(own)
            self._known[model_sha256] = known
        return self._known[model_sha256]

    def _key(self, model: ModelFacts, lane: Lane, until: Check | None = None) -> str:
        """What the answer depends on besides the model: llama.cpp, the engine, the chat, the adapter, the sampling."""
        from importlib.metadata import version

        adapters = [[self._digest(use.path), use.scale] for use in lane.adapters]
        chat = [(message.role.value, message.content) for message in lane.messages]
        sampling = asdict(lane.sampling)
        if not lane.sampling.thinking_tokens:
            del sampling["thinking_tokens"]  # what was kept before there was such a thing holds
        computed = _COMPUTED_ON_GPU if model.device == GPU else _COMPUTED
        whole: list[object] = [version("llama-cpp-python"), computed, chat, adapters, sampling]
        if until:
            whole.append(asdict(until))
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:32]

    def _digest(self, adapter: Path) -> str:
        """By content: another night's adapter of the same name is another adapter."""
        stamp = (adapter, adapter.stat().st_mtime_ns)
        if stamp not in self._adapters:
            self._adapters[stamp] = sha256_of(adapter)
        return self._adapters[stamp]


def _file(folder: Path, model_sha256: str) -> Path:
    return folder / f"{model_sha256[:12]}.jsonl"


def _begin_anew_when_large(file: Path) -> None:
    with suppress(OSError):
        if file.stat().st_size > _MOST_BYTES:
            file.unlink()


def _read(file: Path) -> dict[str, Completion]:
    known: dict[str, Completion] = {}
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return known
    for line in text.splitlines():
        try:
            fields = parse_json(line)
            key = fields.pop("key")
            known[key] = Completion(**fields | {"finish_reason": FinishReason(fields["finish_reason"])})
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return known
