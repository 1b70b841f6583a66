"""What trains: models through its loader, and where a night stood, through what a night goes on with.

What the loader does not know is a TrainingError, whatever transformers raises; a checkpoint is taken whole or not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.training.checkpoint import Standing, Trained


def loads(file: Path, _: int) -> bool:
    """Load it as a night does. Raises TrainingError."""
    from studio.training.model import Place, load

    load(file, Place("cpu", "float32"))
    return True


def whole_checkpoint(folder: Path) -> bytes:
    """As a night leaves it after its first step."""
    from studio.training.checkpoint import STATE_FILE, save_checkpoint

    save_checkpoint(folder, *_stepped())
    return (folder / STATE_FILE).read_bytes()


def resumes(file: Path, _: int) -> bool:
    """Go on from it; False where the night would begin anew. Fails where it would go on from what never was."""
    import torch

    from studio.training.checkpoint import STATE_FILE, Trained, is_damaged, read_standing, restore

    folder = file.with_name("checkpoint")
    folder.mkdir(exist_ok=True)
    file.replace(folder / STATE_FILE)
    standing = read_standing(folder)
    assert is_damaged(folder) is (standing is None)
    if standing is None:
        return False
    was, before = _stepped()
    weights = {name: torch.nn.Parameter(torch.zeros_like(weight)) for name, weight in before.weights.items()}
    back = Trained(weights, torch.optim.AdamW(weights.values()))
    restore(folder, back, torch.device("cpu"))
    assert standing == was
    assert all(torch.equal(weights[name], weight) for name, weight in before.weights.items())
    assert all(torch.equal(back.average[name], value) for name, value in before.average.items())
    return True


def _stepped() -> tuple[Standing, Trained]:
    import torch

    from studio.training.checkpoint import Standing, Trained

    weights = {
        f"layers.{at}.lora_A": torch.nn.Parameter(torch.arange(24.0).reshape(4, 6) / (at + 1)) for at in range(3)
    }
    optimizer = torch.optim.AdamW(weights.values(), lr=0.1)
    for weight in weights.values():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    average = {name: weight.detach() / 2 for name, weight in weights.items()}
    return Standing("cpu", "float32", 1, 2.0, 30, (0.5,)), Trained(weights, optimizer, average)
