"""What a night trains on, gathered from the log: corrections in force, and what must not be lost."""

from __future__ import annotations

import random
from collections.abc import Sequence

from studio.domain.arms import FROZEN
from studio.domain.generation import Sampling
from studio.domain.log import Answer, Correction, Turn
from studio.domain.nights import TrainingExample
from studio.evaluation.judging import judge
from studio.services.ask_many import Ask, ask_many
from studio.services.record_correction import same_question
from studio.services.studio import Studio, off_loop
from studio.settings import NightSettings
from studio.training.examples import chat, learnt_examples, near_misses, replay_example, replay_prompts

NEAR_MISSES_EACH = 3
REPLAYED_ANSWER_TOKENS = 13  # one more than training looks at, so that none seems to end where it was cut
MOST_ACCEPTED = 200
REPLAYED_TIMES = 2
"""How often each replayed example is seen in a night: twice keeps as much as once, and asks half the answers."""


async def collect_examples(studio: Studio, corrections: Sequence[Correction], *, seed: int) -> list[TrainingExample]:
    """Learnt examples of these corrections in many wordings, the user's own among them; replayed ones with the frozen
    model's answers; those of the answers that the user accepted which the model gave as shipped."""
    system = studio.settings.prompt.system
    made = await off_loop(studio.log.corrections.all)
    chosen = {correction.id for correction in corrections}
    of_all = learnt_examples(made, system=system, wordings_each=studio.settings.night.wordings_each, seed=seed)
    learnt = [example for example in of_all if example.source_id in chosen]
    prompts = _kept_prompts(corrections, replays_wanted(studio.settings.night, len(learnt)), seed)
    answers = await frozen_answers(studio, prompts)
    replayed = [replay_example(chat(system, prompt), answers[prompt]) for prompt in prompts if answers[prompt]]
    accepted = _still_accepted(await off_loop(studio.log.answers.accepted), made)[-MOST_ACCEPTED:]
    sources = await off_loop(_sources, studio, [answer for answer, _ in accepted])
    kept = [replay_example(answer.messages, answer.text) for answer, _ in accepted if _as_shipped(answer)]
    by_id = {correction.id: correction for correction in corrections}
    asked_anew = [
        TrainingExample(chat(system, turn.prompt), answer.text, correction.id)
        for answer, turn in accepted
        if not _had_history(answer)
        and (correction := by_id.get(sources.get(answer.id, "")))
        and judge(answer.text, correction.check).ok
    ]
    return [*learnt, *asked_anew, *replayed, *kept]


def _sources(studio: Studio, answers: Sequence[Answer]) -> dict[str, str]:
    """By answer, the correction whose lesson it was given.

    Accepted, it is the user's own wording of the corrected question, and what the weights are to answer without the
    lesson (context distillation, Askell et al. 2021, arXiv 2112.00861).
    """
    sources = {lesson.id: lesson.source_ids[-1] for lesson in studio.log.lessons.all()}
    given = {answer.id: answer.given.lessons[0].lesson_id for answer in answers if answer.given.lessons}
    return {answer: sources[lesson] for answer, lesson in given.items() if lesson in sources}


def _as_shipped(answer: Answer) -> bool:
    """Whether the model gave it without adapter and memory. Any other is not what it says by itself: held near to that,
    the weights would be trained away from what was accepted."""
    given = answer.given
    return not (given.adapter_id or given.reader_sha256 or given.lessons or given.correction_ids)


def _had_history(answer: Answer) -> bool:
    """Whether it was asked after other messages, without which it may be another question."""
    return answer.given.history_messages + answer.given.history_trimmed > 0


def _still_accepted(accepted: Sequence[tuple[Answer, Turn]], made: Sequence[Correction]) -> list[tuple[Answer, Turn]]:
    """Without answers that were corrected too, or whose question was: the correction is the user's last word."""
    in_force = [correction for correction in made if correction.in_force]
    corrected = {correction.answer_id for correction in in_force}
    return [
        (answer, turn)
        for answer, turn in accepted
        if answer.text
        and answer.id not in corrected
        and not any(same_question(turn.prompt, correction.prompt) for correction in in_force)
    ]


def replays_wanted(night: NightSettings, learnt: int) -> int:
    """How many replayed examples the steps of a night have room for, if each is seen REPLAYED_TIMES."""
    return round(learnt * night.epochs * night.replay_share / (1 - night.replay_share) / REPLAYED_TIMES)


def _kept_prompts(corrections: Sequence[Correction], wanted: int, seed: int) -> list[str]:
    """Near misses of what is corrected, and as many general prompts, drawn by the seed, as there is room for."""
    near = near_misses(corrections, min(wanted, NEAR_MISSES_EACH * len(corrections)), seed)
    general = replay_prompts()
    draw = random.Random(seed)  # noqa: S311 - variety, not a secret
    return [*near, *draw.sample(general, min(len(general), wanted - len(near)))]


async def frozen_answers(studio: Studio, prompts: Sequence[str]) -> dict[str, str]:
    """The frozen model's greedy answers; kept from night to night, as all answers to probes are."""
    asks = [Ask(prompt, FROZEN) for prompt in dict.fromkeys(prompts)]
    replies = await ask_many(studio, asks, sampling=Sampling(max_tokens=REPLAYED_ANSWER_TOKENS))
    return {reply.ask.prompt: reply.text for reply in replies}
