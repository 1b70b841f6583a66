"""What the training of a reader asks of the model besides a night: its own answers, and losses on held-out episodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from studio.domain.nights import TrainingExample
from studio.prompting.assemble import chat
from studio.training.batches import Encoded, blocks
from studio.training.checkpoint import read_weights
from studio.training.encoding import REPLAYED_TOKENS, encode, encode_prompt
from studio.training.foreign import LoraModel
from studio.training.job import NightFolder, NightJob, TrainingConfig
from studio.training.model import attach_lora, choose_place, load, prepare_process
from studio.training.night_memory import BLOCK_PLACES
from studio.training.objective import Frozen, block_loss, frozen_distributions
from studio.training.packing import build_block, supervised_logits

ANSWERED_AT_ONCE = 32
ANSWER_TOKENS = REPLAYED_TOKENS + 1  # one more than training looks at, so that none seems to end where it was cut


def read_answers(cache: Path) -> dict[str, str]:
    """The answers kept so far, by question; a line cut off by a kill is passed over."""
    known: dict[str, str] = {}
    for line in cache.read_text(encoding="utf-8").splitlines() if cache.exists() else ():
        try:
            question, answer = json.loads(line)
        except ValueError:
            continue
        known[question] = answer
    return known


def frozen_answers(
    model: Path, questions: Iterable[str], *, system: str, cache: Path, tell: Callable[[int, int], None]
) -> dict[str, str]:
    """The model's own greedy answers, cut after ANSWER_TOKENS; kept in `cache` as they come.

    By the unpacked weights that are then trained, because the divergence is taken from these as well.
    """
    known = read_answers(cache)
    missing = sorted({question for question in questions if question not in known}, key=lambda text: (len(text), text))
    if not missing:
        return known
    prepare_process()
    place = choose_place(model, TrainingConfig())
    loaded, tokenizer = load(model, place)
    with cache.open("a", encoding="utf-8") as file:
        for start in range(0, len(missing), ANSWERED_AT_ONCE):
            together = missing[start : start + ANSWERED_AT_ONCE]
            prompts = [encode_prompt(chat(system, (), question), tokenizer) for question in together]
            for question, answer in zip(together, _greedy(loaded, tokenizer, prompts, place.torch_device), strict=True):
                known[question] = answer
                file.write(json.dumps([question, answer], ensure_ascii=False) + "\n")
            file.flush()
            tell(min(start + ANSWERED_AT_ONCE, len(missing)), len(missing))
    return known


def _greedy(model: Any, tokenizer: Any, prompts: Sequence[tuple[int, ...]], device: torch.device) -> list[str]:
    longest = max(map(len, prompts))
    ids = torch.tensor([[tokenizer.eos_token_id] * (longest - len(prompt)) + [*prompt] for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    with torch.no_grad():
        whole = model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            max_new_tokens=ANSWER_TOKENS,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )
    return [text.strip() for text in tokenizer.batch_decode(whole[:, longest:], skip_special_tokens=True)]


def held_out_losses(
    folder: NightFolder, job: NightJob, examples: Sequence[TrainingExample]
) -> dict[str, tuple[float, float]]:
    """Mean loss per token by kind of episode, (before, after) training, in nats.

    Cross-entropy of the answers wanted; of replayed ones, the divergence from what the frozen model is asked to keep.
    """
    prepare_process()
    place = choose_place(job.model_path, job.config)
    base, tokenizer = load(job.model_path, place)
    model = attach_lora(base, job.config)
    weights = read_weights(folder.checkpoint)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                weight.copy_(weights[name])
    model.eval()
    encoded = encode(examples, tokenizer)
    kinds = {example.index: examples[example.index].source_id.split("/")[0] for example in encoded}
    asked_alone = [one.as_frozen() for one in encoded if one.replay]
    with torch.no_grad():
        with model.disable_adapter():
            frozen = frozen_distributions(
                (block, supervised_logits(model, block))
                for block in (
                    build_block(some, place.torch_device) for some in blocks(asked_alone, BLOCK_PLACES[place.device])
                )
            )
            before = _losses(model, encoded, frozen, kinds, place.torch_device)
        after = _losses(model, encoded, frozen, kinds, place.torch_device)
    return {kind: (before[kind], after[kind]) for kind in before}


def _losses(
    model: LoraModel, encoded: Sequence[Encoded], frozen: Frozen, kinds: Mapping[int, str], device: torch.device
) -> dict[str, float]:
    losses = {}
    for kind in sorted(set(kinds.values())):
        total, tokens = 0.0, 0
        for some in blocks([one for one in encoded if kinds[one.index] == kind], BLOCK_PLACES[device.type]):
            block = build_block(some, device)
            sums = block_loss(block, supervised_logits(model, block), frozen)
            total += float(sums.cross_entropy) + float(sums.divergence)
            tokens += sums.learnt + sums.kept
        losses[kind] = total / tokens
    return losses
