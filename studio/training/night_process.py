"""The night's own process: `python -m studio.training.night_process FOLDER`.

Reads the frozen snapshot, trains, writes adapter and manifest. Started again after a kill, it goes on from its
checkpoint. Exit 0 done or cancelled, 1 failed; the reason is in progress.json, the traceback in night.log.
"""

from __future__ import annotations

import importlib.metadata
import resource
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from studio.checksum import sha256_of
from studio.domain.methods import Method
from studio.domain.nights import NightProgress, NightState
from studio.errors import StudioError, TrainingError
from studio.training.base_file import BaseFile, BaseTensor
from studio.training.checkpoint import Standing, is_damaged, read_standing
from studio.training.encoding import encode
from studio.training.foreign import LoraModel
from studio.training.gguf_adapter import adapted_tensors, lora_pairs, write_adapter
from studio.training.job import LOADING, Manifest, NightFolder, NightJob
from studio.training.model import Place, attach_lora, choose_place, files_read_once, load, memory_in, prepare_process
from studio.training.team import join_team, leave_team
from studio.training.trainer import Outcome, Trainer

PACKAGES = ("torch", "transformers", "peft", "gguf")


@dataclass(frozen=True, slots=True)
class _Base:
    """What is needed of the base file later: the tensors adapted, by module, and the memory that was reckoned with."""

    architecture: str
    tensors: Mapping[str, BaseTensor]
    reckoned_bytes: int


@dataclass(frozen=True, slots=True)
class _Run:
    """What the manifest tells of a finished training. `began` by the monotonic clock."""

    standing: Standing
    outcome: Outcome
    base: _Base
    began: float


def main(arguments: list[str]) -> int:
    folder = NightFolder(Path(arguments[0]))
    job: NightJob | None = None
    try:
        job = folder.read_job()
        if folder.read_manifest() is None:
            train(folder, job)
    except Exception as error:  # noqa: BLE001 - the last stand of a process: say it in a sentence, keep the traceback for the log
        traceback.print_exc()
        _tell_failure(folder, job.night_id if job else folder.path.name, _in_words(error))
        return 1
    return 0


def train(folder: NightFolder, job: NightJob) -> None:
    """Train the job to its adapter and manifest, or to the point where it is cancelled."""
    prepare_process()
    team = join_team()
    began = time.monotonic()
    reporter = Reporter(folder, job.night_id, speaks=team.leads)
    earlier = read_standing(folder.checkpoint)
    anew = "its checkpoint is damaged, so it begins anew: " if is_damaged(folder.checkpoint) else ""
    reporter.say(f"{anew}{LOADING}")
    with files_read_once():
        place = _place_of(earlier) if earlier else choose_place(job.model_path, job.config)
        place = team.told(place)
        loaded, tokenizer = load(job.model_path, place)
        model = attach_lora(loaded, job.config)
        base = _read_base(model, job, place)
    reporter.say(f"{anew}reading what the frozen model knows")
    trainer = Trainer(
        model,
        job.config,
        place,
        encode(job.examples, tokenizer),
        folder.checkpoint,
        folder.read_request,
        reporter.step,
        team,
    )
    standing, outcome = trainer.run()
    leave_team(team)
    if not team.leads:
        return
    if outcome is Outcome.CANCELLED:
        reporter.finish(NightState.CANCELLED, "cancelled")
        return
    _export(folder, job, model, base)
    folder.write_manifest(_manifest(folder, job, _Run(standing, outcome, base, began)))
    reporter.finish(NightState.EVALUATING, f"trained: {outcome}")


def _place_of(earlier: Standing) -> Place:
    """Where the night began: elsewhere it would end in another adapter. Raises TrainingError where that is gone."""
    if earlier.device == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "This night began on a GPU that is not there now.", "Begin a new one, or go on where the GPU is."
        )
    return Place(earlier.device, earlier.dtype, earlier.packed)


def _in_words(error: Exception) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        error = TrainingError(
            "The graphics card has not enough free memory for this night.",
            "Close what else uses it, or take a smaller model.",
        )
    return str(error) if isinstance(error, StudioError) else f"The night failed: {type(error).__name__}: {error}"


class Reporter:
    """Writes progress.json, keeping what was said before. Of several processes one `speaks`."""

    def __init__(self, folder: NightFolder, night_id: str, *, speaks: bool = True) -> None:
        self._folder = folder
        self._speaks = speaks
        self._latest = NightProgress(night_id, NightState.PREPARING)

    def say(self, message: str) -> None:
        self._write(replace(self._latest, message=message))

    def step(self, standing: Standing, steps: int, paused: bool) -> None:
        per_step = standing.seconds / max(1, standing.step)
        self._write(
            replace(
                self._latest,
                state=NightState.TRAINING,
                step=standing.step,
                steps=steps,
                loss=standing.losses[-1] if standing.losses else None,
                losses=standing.losses,
                elapsed_s=standing.seconds,
                eta_s=per_step * (steps - standing.step) if standing.step else None,
                tokens_per_s=standing.tokens / standing.seconds if standing.seconds else 0.0,
                message="paused" if paused else "training",
                paused=paused,
            )
        )

    def finish(self, state: NightState, message: str) -> None:
        self._write(replace(self._latest, state=state, message=message, eta_s=0.0, paused=False))

    def _write(self, progress: NightProgress) -> None:
        self._latest = replace(progress, rss_bytes=peak_rss_bytes())
        if self._speaks:
            self._folder.write_progress(self._latest)


def peak_rss_bytes() -> int:
    """The most memory this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_gpu_bytes() -> int:
    """The most of a graphics card's memory that torch ever held; 0 where it uses none."""
    return torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0


def _tell_failure(folder: NightFolder, night_id: str, message: str) -> None:
    folder.write_progress(NightProgress(night_id, NightState.FAILED, message=message, rss_bytes=peak_rss_bytes()))


def _read_base(model: LoraModel, job: NightJob, place: Place) -> _Base:
    """The file is not held through the night: its header alone takes hundreds of megabytes."""
    file = BaseFile(job.model_path)
    return _Base(file.architecture, adapted_tensors(model, file), memory_in(place, file.build(), job.config))


def _export(folder: NightFolder, job: NightJob, model: LoraModel, base: _Base) -> None:
    # llama.cpp scales by alpha / rank; rsLoRA by alpha / sqrt(rank).
    root = job.config.rank**0.5
    write_adapter(
        folder.adapter_file,
        lora_pairs(model, base.tensors),
        architecture=base.architecture,
        alpha=job.config.alpha * (root if job.config.method is Method.RSLORA else 1.0),
        metadata={"studio.base_sha256": job.model_sha256, "studio.night_id": job.night_id},
    )


def _manifest(folder: NightFolder, job: NightJob, run: _Run) -> Manifest:
    standing = run.standing
    return Manifest(
        night_id=job.night_id,
        model_sha256=job.model_sha256,
        architecture=run.base.architecture,
        method=job.config.method,
        rank=job.config.rank,
        alpha=job.config.alpha,
        targets=tuple(sorted({tensor.name.split(".")[2] for tensor in run.base.tensors.values()})),
        examples=len(job.examples),
        replayed=sum(example.replay for example in job.examples),
        correction_ids=job.correction_ids,
        seed=job.config.seed,
        device=standing.device,
        dtype=standing.dtype,
        steps=standing.step,
        losses=standing.losses,
        stopped_because=run.outcome,
        running_s=standing.seconds,
        wall_s=time.monotonic() - run.began,
        peak_rss_bytes=peak_rss_bytes(),
        peak_gpu_bytes=peak_gpu_bytes(),
        adapter_sha256=sha256_of(folder.adapter_file),
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
        config=asdict(job.config),
        packed=standing.packed,
        reckoned_bytes=run.base.reckoned_bytes,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
