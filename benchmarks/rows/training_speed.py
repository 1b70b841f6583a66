"""A night's training against a plain peft loop: useful tokens a second over the same steps, taken by turns.

Plain is what one would write first: float32, every batch padded to its longest example, the logits of every place, the
frozen model asked at every step for what replay is held to. Both begin with the same weights and walk the same
examples at the same rates, so that the losses can be compared. What the night computes once beforehand is shared out
over its steps. Padding and whatever is computed twice is no use and is not counted.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from benchmarks.table import Row, rounds
from benchmarks.training import a_job
from studio.training.batches import Encoded
from studio.training.encoding import encode
from studio.training.job import NightJob, Request, TrainingConfig
from studio.training.model import Place, attach_lora, choose_place, load, prepare_process
from studio.training.trainer import Trainer

_WANTED = 3.0


def rows(budget_s: float) -> list[Row]:
    prepare_process()
    job = a_job()
    ours, theirs, losses = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        night = _Night(job, Path(folder))
        plain = _Plain(job.config, night)
        for step in rounds(budget_s * 0.7, least=2):
            useful = sum(len(example.tokens) for example in night.batch(step))
            began = time.perf_counter()
            own_loss = night.step(step)
            ours.append(useful / (time.perf_counter() - began + night.shared_s))
            began = time.perf_counter()
            plain_loss = plain.step(step)
            theirs.append(useful / (time.perf_counter() - began))
            losses.append((own_loss, plain_loss))
    apart = max(abs(own - other) / other for own, other in losses)
    note = f"{night.place.dtype}; {len(losses)} steps, losses at most {apart:.1%} apart, at last {losses[-1][0]:.3f}"
    what = "night throughput, useful tokens"
    return [Row(what, "plain peft loop, float32", "tok/s", ours, theirs, _WANTED, more_is_better=True, note=note)]


class _Night:
    """The trainer, a step at a time."""

    def __init__(self, job: NightJob, folder: Path) -> None:
        self.place = choose_place(job.model_path, job.config)
        base, tokenizer = load(job.model_path, self.place)
        self.model_path = job.model_path
        self.examples = encode(job.examples, tokenizer)
        self._trainer: Any = Trainer(
            attach_lora(base, job.config),
            job.config,
            self.place,
            self.examples,
            folder / "checkpoint",
            lambda: Request.RUN,
            lambda *_: None,
        )
        began = time.perf_counter()
        self._trainer._below = self._trainer._read_below()  # noqa: SLF001  as Trainer.run does
        self._frozen = self._trainer._frozen()  # noqa: SLF001
        self.steps = len(self._trainer._steps)  # noqa: SLF001
        self.shared_s = (time.perf_counter() - began) / self.steps

    def batch(self, step: int) -> list[Encoded]:
        by_index = {example.index: example for example in self.examples}
        return [by_index[index] for index in self._trainer._steps[step]]  # noqa: SLF001

    def rate(self, step: int) -> float:
        return float(self._trainer._rate(step))  # noqa: SLF001

    def step(self, step: int) -> float:
        loss, _ = self._trainer._step(step, self._frozen)  # noqa: SLF001
        return float(loss)


class _Plain:
    def __init__(self, config: TrainingConfig, night: _Night) -> None:
        base, _ = load(night.model_path, Place(night.place.device, "float32"))
        self._model: Any = attach_lora(base, config)
        self._config = config
        self._night = night
        weights = [weight for weight in self._model.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(weights, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
        self._weights = weights

    def step(self, step: int) -> float:
        self._model.train()
        batch = self._night.batch(step)
        longest = max(len(example.tokens) for example in batch)
        device = self._night.place.torch_device
        ids = torch.tensor([[*e.tokens] + [0] * (longest - len(e.tokens)) for e in batch], device=device)
        mask = torch.tensor([[1] * len(e.tokens) + [0] * (longest - len(e.tokens)) for e in batch], device=device)
        logits = self._model(input_ids=ids, attention_mask=mask).logits
        with torch.no_grad(), self._model.disable_adapter():
            frozen = self._model(input_ids=ids, attention_mask=mask).logits
        entropy, divergence, learnt, kept = logits.new_zeros(()), logits.new_zeros(()), 0, 0
        for row, example in enumerate(batch):
            places = slice(len(example.prompt) - 1, len(example.tokens))
            if example.replay:
                divergence = divergence + functional.kl_div(
                    logits[row, places].log_softmax(-1),
                    frozen[row, places].log_softmax(-1),
                    log_target=True,
                    reduction="sum",
                )
                kept += len(example.completion)
            else:
                target = torch.tensor(example.completion, device=device)
                entropy = entropy + functional.cross_entropy(logits[row, places], target, reduction="sum")
                learnt += len(example.completion)
        loss = entropy / learnt + self._config.kl_weight * divergence / max(1, kept)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._weights, self._config.max_gradient_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * self._night.rate(step)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return float(entropy.detach()) / learnt
