"""Answers to probes are decoded once, also over restarts; a damaged or foreign line costs nothing but time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio_fakes import FakeEngine, fake_studio

from studio.domain.arms import FROZEN
from studio.domain.generation import (
    CPU,
    GPU,
    AdapterUse,
    ChatMessage,
    Completion,
    FinishReason,
    Lane,
    ModelFacts,
    Role,
    Sampling,
)
from studio.services.ask_many import Ask, ask_many
from studio.services.kept_completions import KeptCompletions

MODEL = ModelFacts(
    path=None,
    sha256="a" * 64,
    name="a model",
    architecture="llama",
    parameters=1,
    file_bytes=1,
    trained_context_tokens=64,
    context_tokens=64,
    layers=1,
    chat_template="",
    device=CPU,
)
LANE = Lane("", (ChatMessage(Role.USER, "When does the tram leave?"),))
ANSWER = Completion("At ten.", FinishReason.STOP, 12, 0, 3, 0.1, 0.2)


def test_an_answer_is_found_again_by_another_process(tmp_path: Path) -> None:
    KeptCompletions(tmp_path).put(MODEL, LANE, ANSWER)
    assert KeptCompletions(tmp_path).get(MODEL, LANE) == ANSWER


def test_another_model_chat_sampling_or_scale_is_another_question(tmp_path: Path) -> None:
    kept = KeptCompletions(tmp_path)
    kept.put(MODEL, LANE, ANSWER)
    adapter = tmp_path / "adapter.gguf"
    adapter.write_bytes(b"one")
    with_adapter = replace(LANE, adapters=(AdapterUse(adapter),))
    assert kept.get(replace(MODEL, sha256="b" * 64), LANE) is None
    assert kept.get(MODEL, replace(LANE, messages=(ChatMessage(Role.USER, "And back?"),))) is None
    assert kept.get(MODEL, replace(LANE, sampling=Sampling(max_tokens=5))) is None
    assert kept.get(MODEL, with_adapter) is None
    kept.put(MODEL, with_adapter, ANSWER)
    assert kept.get(MODEL, replace(LANE, adapters=(AdapterUse(adapter, 0.5),))) is None


def test_a_gpu_rounds_otherwise_than_the_answers_of_a_cpu(tmp_path: Path) -> None:
    kept = KeptCompletions(tmp_path)
    kept.put(MODEL, LANE, ANSWER)
    on_gpu = replace(MODEL, device=GPU)
    assert kept.get(on_gpu, LANE) is None
    kept.put(on_gpu, LANE, replace(ANSWER, text="At nine."))
    assert kept.get(MODEL, LANE) == ANSWER
    assert kept.get(on_gpu, LANE) == replace(ANSWER, text="At nine.")


def test_an_adapter_is_known_by_its_content(tmp_path: Path) -> None:
    yesterday, today = tmp_path / "one.gguf", tmp_path / "two.gguf"
    yesterday.write_bytes(b"weights")
    today.write_bytes(b"weights")
    KeptCompletions(tmp_path).put(MODEL, replace(LANE, adapters=(AdapterUse(yesterday),)), ANSWER)
    assert KeptCompletions(tmp_path).get(MODEL, replace(LANE, adapters=(AdapterUse(today),))) == ANSWER
    today.write_bytes(b"other weights")
    assert KeptCompletions(tmp_path).get(MODEL, replace(LANE, adapters=(AdapterUse(today),))) is None


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    KeptCompletions(tmp_path).put(MODEL, LANE, ANSWER)
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(b'{"key": 1}\n[]\nnull\n\xff\n' + file.read_bytes() + b'{"key": "half')
    assert KeptCompletions(tmp_path).get(MODEL, LANE) == ANSWER


def test_answers_that_ship_are_read_and_never_written(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    KeptCompletions(shipped).put(MODEL, LANE, ANSWER)
    before = {file: file.read_bytes() for file in shipped.iterdir()}
    kept = KeptCompletions(own, shipped)
    assert kept.get(MODEL, LANE) == ANSWER
    other = replace(LANE, messages=(ChatMessage(Role.USER, "And back?"),))
    kept.put(MODEL, other, replace(ANSWER, text="At noon."))
    again = KeptCompletions(own, shipped)
    assert again.get(MODEL, LANE) == ANSWER
    assert again.get(MODEL, other) == replace(ANSWER, text="At noon.")
    assert {file: file.read_bytes() for file in shipped.iterdir()} == before


async def test_a_repeated_run_asks_the_engine_nothing(tmp_path: Path) -> None:
    first = fake_studio(tmp_path)
    (reply,) = await ask_many(first, [Ask("When does the tram leave?", FROZEN)])
    engine = FakeEngine()
    again = fake_studio(tmp_path, engine=engine)
    (repeated,) = await ask_many(again, [Ask("When does the tram leave?", FROZEN)])
    assert repeated.text == reply.text
    assert engine.asked == []
