"""Where a training run stands, in one safetensors file: weights, optimizer moments and a JSON header.

The header holds a digest of all of it: safetensors has none, and a night that goes on from half a file, or from one
with a wrong bit in it, would train all its hours on that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from studio.small_files import parse_json
from studio.training.job import write_atomically

STATE_FILE = "state.safetensors"


@dataclass
class Standing:
    """What a run knows besides tensors. `seconds` of running time, `losses` per step, `tokens` computed so far."""

    device: str
    dtype: str
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    losses: tuple[float, ...] = ()
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run changes as it goes: weights by name, the optimizer's moments, and the running average of the weights,
    empty until averaging begins."""

    weights: dict[str, torch.nn.Parameter]
    optimizer: torch.optim.Optimizer
    average: dict[str, torch.Tensor] = field(default_factory=dict)


def save_checkpoint(folder: Path, standing: Standing, trained: Trained) -> None:
    """Replace the checkpoint in one step. Every draw is seeded by its step, so there is no generator state to keep."""
    tensors = {f"average.{name}": value for name, value in trained.average.items()}
    for name, weight in trained.weights.items():
        tensors[f"weight.{name}"] = weight.detach()
        for key, value in trained.optimizer.state.get(weight, {}).items():
            tensors[f"{key}.{name}"] = torch.as_tensor(value)
    folder.mkdir(mode=0o700, exist_ok=True)
    told = json.dumps(asdict(standing))
    document = {"standing": told, "sha256": _digest(told, tensors)}
    write_atomically(folder / STATE_FILE, save(tensors, metadata=document))


def read_standing(folder: Path) -> Standing | None:
    """Where the run stood, or None where there is no whole checkpoint: then it starts anew."""
    try:
        told, tensors = _read(folder)
        document = parse_json(told)
        whole = Standing(**document | {"losses": tuple(document["losses"])})
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError):
        return None
    return whole if tensors else None


def is_damaged(folder: Path) -> bool:
    """Whether there is a checkpoint that is not whole."""
    return (folder / STATE_FILE).exists() and read_standing(folder) is None


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The trained weights by name; of a run that is over, those the adapter was made of."""
    with safe_open(folder / STATE_FILE, framework="pt", device="cpu") as file:
        names = [key for key in file.keys() if key.startswith("weight.")]  # noqa: SIM118 - not a mapping
        return {key.removeprefix("weight."): file.get_tensor(key) for key in names}


def restore(folder: Path, trained: Trained, device: torch.device) -> None:
    """Put weights, moments and average back exactly as they were saved, from a checkpoint that is whole."""
    _, tensors = _read(folder)
    for key, value in tensors.items():
        kind, name = key.split(".", 1)
        if kind == "weight":
            with torch.no_grad():
                trained.weights[name].copy_(value)
        elif kind == "average":
            trained.average[name] = value.to(device)
        else:
            # The fused optimizer's kernel reads "step" where the weights lie.
            trained.optimizer.state[trained.weights[name]][kind] = value.to(device)


def _read(folder: Path) -> tuple[str, dict[str, torch.Tensor]]:
    """Raises what safetensors does, OSError, KeyError, and ValueError where a bit of it is another."""
    with safe_open(folder / STATE_FILE, framework="pt", device="cpu") as file:
        document = file.metadata() or {}
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    if _digest(document["standing"], tensors) != document["sha256"]:
        raise ValueError(f"{folder / STATE_FILE} is damaged.")
    return document["standing"], tensors


def _digest(standing: str, tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(standing.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
