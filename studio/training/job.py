"""A night on disk: the frozen snapshot it trains on, its control file, and the files it leaves behind.

A night folder holds `job.json` (the snapshot), `progress.json`, `control`, `checkpoint/`, `night.log` and, written
last, `adapter.gguf` and `manifest.json`. Every file is replaced atomically, so a reader never sees half of one;
a manifest means that the adapter beside it is whole. JSON and safetensors only: nothing here can run code when read.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from studio.domain.generation import ChatMessage, Role
from studio.domain.methods import Method
from studio.domain.nights import NightProgress, NightState, TrainingExample
from studio.durable import write_whole
from studio.errors import TrainingError
from studio.small_files import parse_json, read_small

FORMAT_VERSION = 1
ALL_LINEAR = "all-linear"
MLP = "mlp"
ATTENTION = "attention"
LOADING = "loading the model"
"""How the child's first word ends; until the next it computes on one core alone."""
_MOST_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How the adapter is trained; measurements so far are in docs/night.md.

    `targets` is 'all-linear', 'mlp' or 'attention'; `share_below` of the layers, from the bottom, get no adapter.
    `batch_size` counts examples per step, of which `replay_share` are replayed; `epochs` counts passes over the
    examples to be learnt. The rate warms up over `warmup_share` of the steps, then falls as a cosine to a tenth.
    Training stops early once the mean loss of the last epoch is under `stop_loss` (nats per supervised token), or
    after `max_minutes` of running time. `packed` leaves the model's weights as they lie in the file; None does so
    where they do not fit otherwise.
    """

    method: Method = Method.LORA
    rank: int = 16
    alpha: float = 32.0
    targets: str = ALL_LINEAR
    share_below: float = 0.5
    dropout: float = 0.0
    learning_rate: float = 1e-3
    epochs: int = 4
    batch_size: int = 15
    replay_share: float = 0.334
    kl_weight: float = 2.0
    warmup_share: float = 0.1
    max_gradient_norm: float = 1.0
    stop_loss: float = 0.02
    max_minutes: float = 30.0
    checkpoint_seconds: float = 12.0
    seed: int = 0
    packed: bool | None = None


@dataclass(frozen=True, slots=True)
class NightJob:
    """The frozen snapshot: everything the child needs, so that it never reads the live log."""

    night_id: str
    model_path: Path
    model_sha256: str
    examples: tuple[TrainingExample, ...]
    correction_ids: tuple[str, ...]
    config: TrainingConfig = field(default_factory=TrainingConfig)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an adapter is and how it came about. Times in seconds, memory in bytes, losses in nats per token.

    `running_s` is the training alone over all its processes, without the time it stood still; `wall_s` is what the
    last process took with loading and writing. `reckoned_bytes` is what the peak was expected to be.
    """

    night_id: str
    model_sha256: str
    architecture: str
    method: str
    rank: int
    alpha: float
    targets: tuple[str, ...]
    examples: int
    replayed: int
    correction_ids: tuple[str, ...]
    seed: int
    device: str
    dtype: str
    steps: int
    losses: tuple[float, ...]
    stopped_because: str
    running_s: float
    wall_s: float
    peak_rss_bytes: int
    adapter_sha256: str
    versions: Mapping[str, str]
    config: Mapping[str, Any]
    packed: bool = False
    reckoned_bytes: int | None = None
    peak_gpu_bytes: int = 0
    format_version: int = FORMAT_VERSION


class Request(StrEnum):
    """What the supervisor asks of the child; obeyed between two steps."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


def write_atomically(path: Path, content: bytes, *, durably: bool = True) -> None:
    """Replace `path` in one step, on disk when this returns; unless `durably`, whenever the system sees fit.

    Raises TrainingError when the disk refuses.
    """
    with refusals_told(path):
        write_whole(path, content, durably=durably)


@contextmanager
def refusals_told(path: Path) -> Iterator[None]:
    """Raises TrainingError for the OSError of a disk that refuses to write the path."""
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"The night cannot write {path} ({error.strerror}).", "Free some space or mend the folder's permissions."
        ) from error


@dataclass(frozen=True, slots=True)
class NightFolder:
    """The files of one night, by name and as values."""

    path: Path

    @property
    def job_file(self) -> Path:
        return self.path / "job.json"

    @property
    def progress_file(self) -> Path:
        return self.path / "progress.json"

    @property
    def control_file(self) -> Path:
        return self.path / "control"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def log_file(self) -> Path:
        return self.path / "night.log"

    @property
    def adapter_file(self) -> Path:
        return self.path / "adapter.gguf"

    @property
    def manifest_file(self) -> Path:
        return self.path / "manifest.json"

    def make(self) -> None:
        """Raises TrainingError when the disk refuses."""
        with refusals_told(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Remove what writers left that were killed, and a last word that lost power has damaged; only for whoever
        holds the night's lock, while no child runs."""
        for name in (self.job_file.name, self.progress_file.name, self.manifest_file.name, self.adapter_file.name):
            for draft in self.path.glob(f".{name}.*"):
                draft.unlink(missing_ok=True)
        try:
            self.read_progress()
        except TrainingError:
            self.progress_file.unlink(missing_ok=True)

    def write_job(self, job: NightJob) -> None:
        """Freeze the snapshot. Raises TrainingError when there is nothing to learn or the disk refuses."""
        if not any(not example.replay for example in job.examples):
            raise TrainingError("There are no corrections to train on.", "Correct an answer first.")
        self.make()
        document = asdict(job) | {"format_version": FORMAT_VERSION, "model_path": str(job.model_path)}
        write_atomically(self.job_file, _encode(document))

    def read_job(self) -> NightJob:
        """Raises TrainingError when the snapshot is missing or damaged."""
        document = self._read(self.job_file)
        try:
            return NightJob(
                night_id=document["night_id"],
                model_path=Path(document["model_path"]),
                model_sha256=document["model_sha256"],
                examples=tuple(_example(item) for item in document["examples"]),
                correction_ids=tuple(document["correction_ids"]),
                config=_config(document["config"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"The night's snapshot {self.job_file} is damaged.", "Start a new night.") from error

    def write_progress(self, progress: NightProgress) -> None:
        # After every step: to wait for the disk took a hundredth of a night.
        write_atomically(self.progress_file, _encode(asdict(progress)), durably=False)

    def read_progress(self) -> NightProgress | None:
        """The latest word, or None before the first. Raises TrainingError when it is damaged."""
        if not self.progress_file.exists():
            return None
        document = self._read(self.progress_file)
        try:
            document["state"] = NightState(document["state"])
            document["losses"] = tuple(document["losses"])
            return NightProgress(**document)
        except (KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"{self.progress_file} is damaged.", "Start a new night.") from error

    def request(self, request: Request) -> None:
        """Ask the child to pause, go on or cancel."""
        write_atomically(self.control_file, request.value.encode())

    def read_request(self) -> Request:
        try:
            return Request(self.control_file.read_text().strip())
        except (FileNotFoundError, ValueError):
            return Request.RUN

    def write_manifest(self, manifest: Manifest) -> None:
        write_atomically(self.manifest_file, _encode(asdict(manifest)))

    def read_manifest(self) -> Manifest | None:
        """The finished adapter's manifest, or None while there is none. Raises TrainingError when it is damaged."""
        if not self.manifest_file.exists():
            return None
        document = self._read(self.manifest_file)
        try:
            for key in ("targets", "correction_ids", "losses"):
                document[key] = tuple(document[key])
            return Manifest(**document)
        except (KeyError, TypeError) as error:
            raise TrainingError(f"{self.manifest_file} is damaged.", "Train again.") from error

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            document = parse_json(read_small(path, _MOST_BYTES))
        except (OSError, ValueError) as error:
            raise TrainingError(f"{path} cannot be read.", "Start a new night.") from error
        if not isinstance(document, dict):
            raise TrainingError(f"{path} is damaged.", "Start a new night.")
        return document


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _config(document: dict[str, Any]) -> TrainingConfig:
    known = {item.name for item in dataclasses.fields(TrainingConfig)}
    values = {key: value for key, value in document.items() if key in known}
    return TrainingConfig(**values | {"method": Method(values["method"])})


def _example(document: dict[str, Any]) -> TrainingExample:
    return TrainingExample(
        messages=_messages(document["messages"]),
        completion=document["completion"],
        source_id=document["source_id"],
        replay=document["replay"],
        frozen_messages=_messages(document.get("frozen_messages", ())),
    )


def _messages(documents: Iterable[dict[str, str]]) -> tuple[ChatMessage, ...]:
    return tuple(ChatMessage(Role(item["role"]), item["content"]) for item in documents)
