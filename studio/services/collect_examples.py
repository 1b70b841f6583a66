"""What a night trains on, gathered from the log: corrections in force, and what must not be lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from studio.domain.arms import FROZEN
from studio.domain.generation import Sampling
from studio.domain.log import Correction
from studio.domain.nights import TrainingExample
from studio.services.ask_many import Ask, ask_many
from studio.services.studio import Studio, off_loop
from studio.training.examples import chat, learnt_examples, near_misses, replay_example, replay_prompts
from studio.training.job import write_atomically

NEAR_MISSES_EACH = 3
REPLAYED_ANSWER_TOKENS = 64
MOST_ACCEPTED = 200


async def collect_examples(studio: Studio, corrections: Sequence[Correction], *, seed: int) -> list[TrainingExample]:
    """Learnt examples in many wordings; replayed ones with the frozen model's answers; answers the user accepted."""
    system = studio.settings.prompt.system
    learnt = learnt_examples(
        await off_loop(studio.log.corrections.all),
        system=system,
        wordings_each=studio.settings.night.wordings_each,
        seed=seed,
    )
    prompts = [*replay_prompts(), *near_misses(corrections, NEAR_MISSES_EACH * len(corrections), seed)]
    answers = await _frozen_answers(studio, prompts)
    replayed = [replay_example(chat(system, prompt), answers[prompt]) for prompt in prompts if answers[prompt]]
    accepted = await off_loop(studio.log.answers.accepted)
    kept = [replay_example(answer.messages, answer.text) for answer, _ in accepted[-MOST_ACCEPTED:] if answer.text]
    return [*learnt, *replayed, *kept]


async def _frozen_answers(studio: Studio, prompts: Sequence[str]) -> dict[str, str]:
    """The frozen model's greedy answers, kept from night to night: they never change for one model and system text."""
    facts = await studio.model()
    sampling = Sampling(max_tokens=REPLAYED_ANSWER_TOKENS)
    file = studio.workspace.nights / f"replay-{facts.sha256[:12]}.json"
    key = studio.settings.prompt.system
    known = await off_loop(_read, file, key)
    missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
    replies = await ask_many(studio, [Ask(prompt, FROZEN) for prompt in missing], sampling=sampling)
    known |= {reply.ask.prompt: reply.text for reply in replies}
    if missing:
        await off_loop(
            write_atomically, file, json.dumps({"system": key, "answers": known}, ensure_ascii=False).encode()
        )
    return known


def _read(file: Path, system: str) -> dict[str, str]:
    try:
        kept = json.loads(file.read_bytes())
        return dict(kept["answers"]) if kept["system"] == system else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a cache: what is not there is computed
