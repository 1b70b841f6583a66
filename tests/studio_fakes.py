"""Stand-ins behind the ports, for tests of services and of the app: no model, no embedder, a real log."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_reader import manifest_of

from studio.domain.generation import (
    AdapterUse,
    ChatMessage,
    Completion,
    EngineOptions,
    FinishReason,
    Lane,
    LaneDelta,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    ModelFacts,
    Priority,
)
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.domain.nights import Adapter, Night, NightState, TrainingExample
from studio.evaluation.forms_exam import exam_facts, exam_general
from studio.prompting.thinking import ThinkingApart
from studio.services.adapters import adapter_file
from studio.services.evaluate_adapter import GateVerdict
from studio.services.kept_completions import KeptCompletions
from studio.services.studio import Studio
from studio.settings import Settings
from studio.storage import DuckDbLog
from studio.training.examples import chat, replay_example
from studio.training.job import NightFolder
from studio.workspace import Workspace

DIMENSION = 64


def scripted(text: str) -> Callable[[Lane], str]:
    """A reply that is always the same."""
    return lambda lane: text


def from_memory(lane: Lane) -> str:
    """Answers from whatever the prompt holds besides the question; a plain guess without anything."""
    told = " ".join(message.content for message in lane.messages[:-1])
    attached = "".join(f" (adapter x{use.scale:.2f})" for use in lane.adapters)
    return (told or "I guess it is thirty days.") + attached


class FakeEngine:
    """Streams `reply(lane)` word by word, a block of thinking before it apart, as engines do.

    `die_after` words of each lane it fails, as a killed engine does.
    """

    process_id: int | None = None

    architecture = "llama"

    def __init__(self, reply: Callable[[Lane], str] = from_memory, *, die_after: int | None = None) -> None:
        self.reply = reply
        self.die_after = die_after
        self.facts: ModelFacts | None = None
        self.asked: list[Lane] = []
        self.cancelled = False
        self.refused = ""
        self.hold: asyncio.Event | None = None

    async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
        self.facts = ModelFacts(
            path=model,
            sha256="f" * 64,
            name="fake",
            architecture=self.architecture,
            parameters=135_000_000,
            file_bytes=1,
            trained_context_tokens=8192,
            context_tokens=options.context_tokens,
            layers=2,
            chat_template="{{ messages }}",
            device="nowhere",
        )
        return self.facts

    async def generate(
        self, lanes: Sequence[Lane], *, priority: Priority = Priority.INTERACTIVE
    ) -> AsyncGenerator[LaneEvent]:
        self.asked.extend(lanes)
        try:
            for lane in lanes:
                words = self.reply(lane).split(" ")
                apart = ThinkingApart()
                for number, word in enumerate(words):
                    if self.die_after is not None and number >= self.die_after:
                        yield LaneFailed(lane.key, "The engine stopped unexpectedly.", "Ask again.", apart.text)
                        break
                    piece = word if number == 0 else f" {word}"
                    for said in apart.push(piece):
                        yield LaneDelta(lane.key, said.text, said.is_thinking)
                    await (self.hold.wait() if self.hold else asyncio.sleep(0))
                else:
                    apart.finish()
                    yield LaneFinished(
                        lane.key,
                        Completion(
                            apart.text, FinishReason.STOP, 10, 0, len(words), 0.01, 0.02, thinking=apart.thinking
                        ),
                    )
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled = True
            raise

    async def count_prompt_tokens(self, prompts: Sequence[Sequence[ChatMessage]]) -> list[int]:
        return [sum(len(message.content.split()) + 4 for message in prompt) for prompt in prompts]

    def refusal(self, uses: Sequence[AdapterUse]) -> str:
        return self.refused if uses else ""

    async def close(self) -> None:
        self.facts = None


class FakeEmbedder:
    """Bags of hashed words: texts that share words are near each other."""

    name = "fake-embedder"

    async def start(self) -> None:
        return None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [_vector(text) for text in texts]

    async def close(self) -> None:
        return None


def _vector(text: str) -> list[float]:
    vector = [0.0] * DIMENSION
    for word in text.casefold().replace("?", " ").replace(".", " ").split():
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % DIMENSION] += 1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def fake_studio(folder: Path, *, engine: FakeEngine | None = None, settings: Settings | None = None) -> Studio:
    """A studio over a real log in `folder`, with a fake engine and embedder."""
    workspace = Workspace(folder).ensure()
    return Studio(
        settings=settings or Settings(),
        workspace=workspace,
        log=DuckDbLog.of(workspace),
        engine=engine or FakeEngine(),
        embedder=FakeEmbedder(),
        model_path=folder / "fake.gguf",
        completions=KeptCompletions(workspace.kept_answers),
    )


async def promoted(studio: Studio, corrections: Sequence[Correction]) -> Adapter:
    """An adapter in use that a night trained on these corrections."""
    facts = await studio.model()
    night = Night(new_id(), NightState.PROMOTED, utc_now(), facts.sha256, tuple(one.id for one in corrections))
    adapter = Adapter(new_id(), 1, facts.sha256, night.id, "v1.gguf", "0" * 64, "lora", 16, 1.0, utc_now())
    studio.log.nights.add(night)
    studio.log.adapters.add(adapter)
    studio.log.adapters.activate(facts.sha256, adapter.id, "promoted", utc_now())
    adapter_file(studio, adapter).write_bytes(b"weights")
    return adapter


async def a_few_examples(*_: Any, **__: Any) -> list[TrainingExample]:
    """What a night collects, without asking anything."""
    return [replay_example(chat("", "How far?"), "Not far."), TrainingExample(chat("", "How long?"), "45 days.", "c1")]


def a_night_that_trained(folder: NightFolder) -> None:
    """What its process leaves behind at the end."""
    weights = b"an adapter"
    folder.checkpoint.mkdir(exist_ok=True)
    (folder.checkpoint / "state.safetensors").write_bytes(b"where it stood")
    folder.adapter_file.write_bytes(weights)
    job = folder.read_job()
    manifest = manifest_of(weights, job.model_sha256)
    folder.write_manifest(replace(manifest, night_id=job.night_id, correction_ids=job.correction_ids))


async def kept_verdict(*_: Any, **__: Any) -> GateVerdict:
    """A gate that lets nothing through."""
    return GateVerdict(1.0, promote=False, reason="Kept what was in use.", metrics={})


def shorten_exam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure what a model reads best by six facts and no more, where only the way there and back is looked at."""
    facts = exam_facts()[:6]
    monkeypatch.setattr("studio.services.choose_forms.exam_facts", lambda: facts)
    monkeypatch.setattr("studio.services.choose_forms.exam_general", lambda: exam_general()[:6])
