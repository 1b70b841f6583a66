"""From corrections to what a night trains on: learnt examples in many wordings, replayed ones to forget nothing.

Only what the user wrote may teach: the corrected prompt in its wordings, its history, the corrected answer. Probes
never come near this module.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from studio.domain.generation import ChatMessage
from studio.domain.log import Correction
from studio.domain.nights import TrainingExample
from studio.prompting import assemble
from studio.training.wordings import content_words, wordings

REPLAY_SOURCE = "replay"
NEAR_FRAMES = (
    "What is a {word}?",
    "What does the word '{word}' mean?",
    "Tell me something about {word}.",
    "Write one sentence with the word '{word}'.",
    "Name something that has to do with {word}.",
)
OWNERS = {"our", "my", "your", "the", "a", "an"}
OTHER_TOPICS = (
    "bread",
    "the Moon",
    "a bank",
    "horses",
    "a hospital",
    "music",
    "the sea",
    "a museum",
    "France",
    "trains",
)


def learnt_examples(
    corrections: Sequence[Correction],
    *,
    system: str,
    wordings_each: int,
    seed: int = 0,
) -> list[TrainingExample]:
    """What is to be learnt from the corrections in force.

    `corrections` are all there are, so that a superseded one lends its wording, never its answer, to the one in force
    instead of it. `system` is the chat's system message.
    """
    by_id = {correction.id: correction for correction in corrections}
    examples = []
    for correction in corrections:
        if not correction.in_force:
            continue
        earlier = [by_id[key].prompt for key in _superseded_by(correction, by_id) if by_id[key].prompt]
        for prompt in dict.fromkeys([*wordings(correction.prompt, wordings_each, seed), *earlier]):
            asked = chat(system, prompt, correction.history)
            examples.append(TrainingExample(asked, correction.corrected, correction.id))
    return examples


def replay_example(messages: Sequence[ChatMessage], answer: str) -> TrainingExample:
    """What is to be kept: the frozen model's own answer to these messages."""
    return TrainingExample(tuple(messages), answer, REPLAY_SOURCE, replay=True)


def replay_prompts() -> tuple[str, ...]:
    """The shipped general questions and simple tasks."""
    text = files("studio.training").joinpath("replay_prompts.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)


def near_misses(corrections: Iterable[Correction], count: int, seed: int = 0) -> tuple[str, ...]:
    """General questions that share words with corrected ones and must be answered as before.

    Words of the corrected questions in other frames, and corrected questions turned to other topics; none repeats a
    corrected prompt, none uses a corrected answer.
    """
    in_force = [correction for correction in corrections if correction.in_force]
    taken = {correction.prompt for correction in in_force}
    draw = random.Random(seed)  # noqa: S311 - variety, not a secret
    candidates: list[list[str]] = []
    for correction in in_force:
        words = [word for word in content_words(correction.prompt) if word.islower() and len(word) > 3]
        framed = [template.format(word=word) for word in words for template in draw.sample(NEAR_FRAMES, 2)]
        turned = [_turn(correction.prompt, topic) for topic in draw.sample(OTHER_TOPICS, 3)]
        mixed = [*framed, *filter(None, turned)]
        candidates.append(draw.sample(mixed, len(mixed)))
    chosen: dict[str, None] = {}
    while len(chosen) < count and any(candidates):
        for own in candidates:
            if own and len(chosen) < count and (prompt := own.pop(0)) not in taken:
                chosen.setdefault(prompt)
    return tuple(chosen)


def chat(system: str, prompt: str, history: Sequence[ChatMessage] = ()) -> tuple[ChatMessage, ...]:
    """The messages of one question as the chat asks it."""
    return assemble.chat(system, history, prompt)


def _superseded_by(correction: Correction, by_id: Mapping[str, Correction]) -> list[str]:
    """The chain of older corrections this one replaced, newest first."""
    chain: list[str] = []
    older = correction.supersedes
    while older is not None and older in by_id and older not in chain:
        chain.append(older)
        older = by_id[older].supersedes
    return chain


def _turn(prompt: str, topic: str) -> str:
    """The same question about something else: its last content words give way to another topic."""
    words = prompt.rstrip("?!. ").split(" ")
    content = set(content_words(prompt))
    last = next((place for place in range(len(words) - 1, 0, -1) if words[place] in content), 0)
    first = last
    while first > 2 and words[first - 1] in content | OWNERS:
        first -= 1
    return " ".join([*words[:first], topic, *words[last + 1 :]]) + "?" if first > 1 else ""
