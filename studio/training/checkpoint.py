"""Where a training run stands, in one safetensors file: weights, optimizer moments and a JSON header."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

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
    write_atomically(folder / STATE_FILE, save(tensors, metadata={"standing": json.dumps(asdict(standing))}))


def read_standing(folder: Path) -> Standing | None:
    """Where the run stood, or None where there is no whole checkpoint: then it starts anew."""
    try:
        with safe_open(folder / STATE_FILE, framework="pt") as file:
            document = json.loads(file.metadata()["standing"])
            return Standing(**document | {"losses": tuple(document["losses"])})
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The trained weights by name; of a run that is over, those the adapter was made of."""
    with safe_open(folder / STATE_FILE, framework="pt", device="cpu") as file:
        names = [key for key in file.keys() if key.startswith("weight.")]  # noqa: SIM118 - not a mapping
        return {key.removeprefix("weight."): file.get_tensor(key) for key in names}


def restore(folder: Path, trained: Trained, device: torch.device) -> None:
    """Put weights, moments and average back exactly as they were saved."""
    with safe_open(folder / STATE_FILE, framework="pt", device="cpu") as file:
        for key in file.keys():  # noqa: SIM118 - not a mapping
            kind, name = key.split(".", 1)
            value = file.get_tensor(key)
            if kind == "weight":
                with torch.no_grad():
                    trained.weights[name].copy_(value)
            elif kind == "average":
                trained.average[name] = value.to(device)
            else:
                moment = value if kind == "step" else value.to(device)
                trained.optimizer.state[trained.weights[name]][kind] = moment
