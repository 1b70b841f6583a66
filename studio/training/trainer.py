"""One training run: from a night folder to LoRA weights, with checkpoints between steps."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import torch

from studio.training.batches import Encoded, blocks, plan_steps
from studio.training.below import Below
from studio.training.checkpoint import Standing, Trained, read_standing, restore, save_checkpoint
from studio.training.foreign import LoraModel
from studio.training.job import Request, TrainingConfig
from studio.training.model import Place, adapted_layers
from studio.training.night_memory import BLOCK_PLACES
from studio.training.objective import Frozen, block_loss, frozen_distributions
from studio.training.packing import Block, build_block, supervised_logits
from studio.training.team import Team

T = TypeVar("T")

FINAL_RATE = 0.1
AVERAGED_FROM = 2 / 3  # of the steps


class Outcome(StrEnum):
    FINISHED = "all steps done"
    LEARNT = "the loss was small enough"
    OUT_OF_TIME = "the time budget was spent"
    CANCELLED = "cancelled"


def _return_freed_memory() -> None:
    """Have glibc hand back what was freed, a quarter of a gigabyte here; other allocators do so by themselves. So does
    torch on a GPU, where models that answer want it."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


class RunningClock:
    """Seconds a process really ran: the wall's, but no more than it had of a processor.

    While it is stopped (SIGSTOP) or the machine sleeps, the wall's clock goes on and the processor's does not.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._wall, self._processor = time.monotonic(), time.process_time()

    def tick(self) -> float:
        """Add what has passed since the last tick; returns the sum."""
        wall, processor = time.monotonic(), time.process_time()
        self.seconds += min(wall - self._wall, processor - self._processor)
        self._wall, self._processor = wall, processor
        return self.seconds


@dataclass
class Trainer:
    """`model` carries a LoRA; `tell` is called after every step and while paused; `request` says what is wished.

    `team` are the processes that train together, each its share of every step.
    """

    model: LoraModel
    config: TrainingConfig
    place: Place
    examples: Sequence[Encoded]
    checkpoint: Path
    request: Callable[[], Request]
    tell: Callable[[Standing, int, bool], None]
    team: Team = field(default_factory=Team)

    def __post_init__(self) -> None:
        self._in_model = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
        # Updates are far smaller than bfloat16 can add to a weight: they are summed up in float32.
        self._weights = {name: torch.nn.Parameter(weight.detach().float()) for name, weight in self._in_model.items()}
        self._optimizer = torch.optim.AdamW(
            self._weights.values(), lr=self.config.learning_rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True
        )
        self._below: Below | None = None
        self._kept = Trained(self._weights, self._optimizer)
        self._steps = plan_steps(
            [example.index for example in self.examples if not example.replay],
            [example.index for example in self.examples if example.replay],
            epochs=self.config.epochs,
            batch_size=self.config.batch_size,
            replay_share=self.config.replay_share,
            seed=self.config.seed,
        )
        self._all = {example.index: example for example in self.examples}
        self._own = self.team.own(self.examples, self._steps)
        self._owned = {example.index for example in self._own}

    def run(self) -> tuple[Standing, Outcome]:
        """Train from the checkpoint, or from the start where there is none, until one of the outcomes."""
        standing = read_standing(self.checkpoint)
        if standing is None:
            standing = Standing(self.place.device, self.place.dtype, packed=self.place.packed)
        else:
            restore(self.checkpoint, self._kept, self.place.torch_device)
            self._publish()
        clock = RunningClock(standing.seconds)
        try:
            self._below = self._together(self._read_below)
            self._release_below()
            frozen = self._together(self._frozen)
        except _CancelledError:
            self._save(standing)
            return standing, Outcome.CANCELLED
        _return_freed_memory()
        saved_at = time.monotonic()
        while (outcome := self.team.told(self._outcome(standing) if self.team.leads else None)) is None:
            loss, tokens = self._step(standing.step, frozen)
            standing.step += 1
            standing.losses += (loss,)
            standing.tokens += tokens
            standing.seconds = clock.tick()
            self.tell(standing, len(self._steps), False)
            if time.monotonic() - saved_at >= self.config.checkpoint_seconds:
                self._save(standing)
                saved_at = time.monotonic()
        self._settle()
        self._save(standing)
        return standing, outcome

    def _outcome(self, standing: Standing) -> Outcome | None:
        """Waits while paused. Wishes come before results, so that a cancelled night never looks finished."""
        paused = False
        while (request := self.request()) is Request.PAUSE:
            if not paused:
                paused = True
                self._save(standing)
                self.tell(standing, len(self._steps), True)
            time.sleep(0.2)
        if request is Request.CANCEL:
            return Outcome.CANCELLED
        if standing.step >= len(self._steps):
            return Outcome.FINISHED
        epoch = max(1, len(self._steps) // self.config.epochs)
        recent = standing.losses[-epoch:]
        if len(recent) == epoch and sum(recent) / epoch < self.config.stop_loss:
            return Outcome.LEARNT
        return Outcome.OUT_OF_TIME if standing.seconds > 60 * self.config.max_minutes else None

    def _save(self, standing: Standing) -> None:
        if self.team.leads:
            save_checkpoint(self.checkpoint, standing, self._kept)

    def _together(self, work: Callable[[], T]) -> T:
        """What each process makes for itself; where one was cancelled at it, all are."""
        try:
            made, cancelled = [work()], False
        except _CancelledError:
            made, cancelled = [], True
        if self.team.any(cancelled):
            raise _CancelledError
        return made[0]

    def _frozen(self) -> Frozen:
        """The frozen model's distributions on all replayed completions, computed once a process."""
        replayed = [example.as_frozen() for example in self._own if example.replay]
        with torch.no_grad(), self.model.disable_adapter():
            self.model.eval()
            blocks = self._until_cancelled(self._blocks(replayed))
            return frozen_distributions((block, self._logits(block)) for block in blocks)

    def _until_cancelled(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """What precedes the first step takes a while; it is not worth finishing for a night that is not wanted."""
        for block in blocks:
            if self.request() is Request.CANCEL:
                raise _CancelledError
            yield block

    def _read_below(self) -> Below | None:
        """What the layers under the adapter make of all examples, where there are such layers."""
        count = adapted_layers(self.model, self.config)[0]
        if not count:
            return None
        self.model.eval()
        below = Below(self.model, count)
        below.keep(self._until_cancelled(self._blocks(self._own)))
        first = next(self._blocks(self._own), None)
        return below if first is None or below.is_faithful(first) else None

    def _release_below(self) -> None:
        """Give back what the layers below held. Where they cannot be cut off in one process, they are in none."""
        if self.team.any(self._below is None):
            self._below = None
        if self._below is not None:
            self._below.release()
            _return_freed_memory()

    def _logits(self, block: Block) -> torch.Tensor:
        return self._below.logits(block) if self._below else supervised_logits(self.model, block)

    def _blocks(self, examples: Sequence[Encoded]) -> Iterator[Block]:
        for together in blocks(examples, BLOCK_PLACES[self.place.device]):
            yield build_block(together, self.place.torch_device)

    def _publish(self) -> None:
        """Give the model the weights as they now are, in its own precision."""
        with torch.no_grad():
            for name, weight in self._in_model.items():
                weight.copy_(self._weights[name])

    def _average(self, step: int) -> None:
        """Over the last third of the steps keep the mean of the weights (SWA, Izmailov et al. 2018).

        It teaches as much as the last weights do and disturbs what is to be kept less (docs/night.md).
        """
        since = step - math.ceil(AVERAGED_FROM * len(self._steps))
        for name, weight in self._weights.items() if since >= 0 else ():
            if since == 0:
                self._kept.average[name] = weight.detach().clone()
            else:
                self._kept.average[name].lerp_(weight.detach(), 1 / (since + 1))

    def _settle(self) -> None:
        """Take the average for the result, where averaging had begun."""
        with torch.no_grad():
            for name, mean in self._kept.average.items():
                self._weights[name].copy_(mean)
        self._publish()

    def _collect_gradients(self) -> None:
        """Add the gradients of one pass to those of the step."""
        for name, weight in self._in_model.items():
            if weight.grad is not None:
                kept = self._weights[name]
                kept.grad = weight.grad.float() if kept.grad is None else kept.grad.add_(weight.grad)
                weight.grad = None

    def _step(self, step: int, frozen: Frozen) -> tuple[float, int]:
        """One update; returns the loss per supervised token of what is learnt, and the tokens computed."""
        torch.manual_seed(self.config.seed * 1_000_003 + step)  # dropout draws the same when resumed
        self.model.train()
        batch = [self._all[index] for index in self._steps[step]]
        learnt = sum(len(example.completion) for example in batch if not example.replay)
        kept = sum(len(example.completion) for example in batch if example.replay)
        total, tokens = 0.0, 0.0
        for block in self._blocks([example for example in batch if example.index in self._owned]):
            sums = block_loss(block, self._logits(block), frozen)
            loss = sums.cross_entropy / learnt
            if kept:
                loss = loss + self.config.kl_weight * sums.divergence / kept
            torch.autograd.backward(loss)
            self._collect_gradients()
            total += float(sums.cross_entropy.detach())
            tokens += block.tokens
        self.team.add_gradients(self._weights.values())
        total, tokens = self.team.sums([total, tokens])
        torch.nn.utils.clip_grad_norm_(self._weights.values(), self.config.max_gradient_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._rate(step)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._publish()
        self._average(step)
        return total / learnt, round(tokens)

    def _rate(self, step: int) -> float:
        """Linear warm-up, then a cosine down to FINAL_RATE."""
        warmup = max(1, round(self.config.warmup_share * len(self._steps)))
        if step < warmup:
            return (step + 1) / warmup
        progress = (step - warmup) / max(1, len(self._steps) - warmup)
        return FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * progress))


class _CancelledError(Exception):
    """Control flow: the night is not wanted any more."""
