"""A night on a graphics card: the same model as on a CPU, and sentences for what only happens there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_training_below import HALF
from test_training_examples import DOME

from benchmarks._random_models import write_random_model
from benchmarks.architectures import CONFIG, SHAPES, randomly_adapted, torch_logits
from studio.domain.nights import NightState
from studio.errors import TrainingError
from studio.training import night_process
from studio.training.checkpoint import Standing
from studio.training.examples import learnt_examples
from studio.training.job import NightFolder, NightJob
from studio.training.model import Place, attach_lora, load

needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@needs_a_gpu
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("packed", [False, True])
def test_every_architecture_computes_there_what_it_computes_on_a_cpu(name: str, packed: bool, tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "model.gguf", SHAPES[name])
    here = randomly_adapted(path, Place("cpu", "float32"))
    there = attach_lora(load(path, Place("cuda", "float32", packed=packed))[0], CONFIG)
    there.eval()
    drawn = dict(here.named_parameters())
    with torch.no_grad():
        for weight_name, weight in there.named_parameters():
            if weight.requires_grad:
                weight.copy_(drawn[weight_name])
    on_cpu, on_gpu = torch_logits(here), torch_logits(there)
    assert np.abs(on_gpu - on_cpu).max() < 1e-3 * np.abs(on_cpu - on_cpu.mean()).max()


def failed_with(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = NightFolder(tmp_path / "night")
    examples = tuple(learnt_examples([DOME], system="", wordings_each=1))
    folder.write_job(NightJob("n1", tmp_path / "model.gguf", "ab" * 32, examples, (DOME.id,), HALF))

    def fail(folder: NightFolder, job: NightJob) -> None:
        raise error

    monkeypatch.setattr(night_process, "train", fail)
    assert night_process.main([str(folder.path)]) == 1
    progress = folder.read_progress()
    assert progress is not None
    assert progress.state is NightState.FAILED
    return progress.message


def test_a_card_that_is_too_small_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...")
    message = failed_with(error, tmp_path, monkeypatch)
    assert message == (
        "The graphics card has not enough free memory for this night. Close what else uses it, or take a smaller model."
    )


def test_a_night_begun_on_a_card_does_not_go_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="began on a GPU that is not there now"):
        night_process._place_of(Standing("cuda", "bfloat16"))
    assert night_process._place_of(Standing("cpu", "float32")) == Place("cpu", "float32")
