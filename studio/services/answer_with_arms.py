"""Answer one question with several arms at once, streaming, and keep every answer with its provenance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from studio.domain.arms import ArmRecipe
from studio.domain.checks import Verdict
from studio.domain.generation import (
    ChatMessage,
    Completion,
    FinishReason,
    Lane,
    LaneDelta,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    Sampling,
)
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Answer, Given, Turn
from studio.errors import UsageError
from studio.evaluation.checks import judge
from studio.services.converse import add_turn, history_of
from studio.services.judging_correction import Judging, judging_correction
from studio.services.prepare_lanes import PreparedLane, Question, prepare_lanes, what_is_decoded
from studio.services.studio import Studio, off_loop


@dataclass(frozen=True, slots=True)
class ArmStarted:
    """What the arm was given, before its first token."""

    arm: str
    given: Given


@dataclass(frozen=True, slots=True)
class ArmDelta:
    """More of the arm's answer, or where `is_thinking` of what the model thinks before it."""

    arm: str
    text: str
    is_thinking: bool = False


@dataclass(frozen=True, slots=True)
class ArmFinished:
    """The answer as logged. `verdict` by the correction in force of this prompt, or of the one that it is a rewording
    of, which `reworded` then names; None if there is none."""

    arm: str
    answer: Answer
    verdict: Verdict | None
    reworded: str = ""


@dataclass(frozen=True, slots=True)
class ArmFailed:
    """The arm could not answer; what had arrived is in the log as a failed answer."""

    arm: str
    message: str
    hint: str
    answer: Answer | None


ArmEvent = ArmStarted | ArmDelta | ArmFinished | ArmFailed


async def answer_with_arms(
    studio: Studio,
    prompt: str,
    arms: Sequence[ArmRecipe],
    *,
    conversation_id: str,
    history: Sequence[ChatMessage] | None = None,
    turn: Turn | None = None,
    sampling: Sampling | None = None,
) -> AsyncGenerator[ArmEvent]:
    """Stream the arms' answers; each ends in one ArmFinished or ArmFailed.

    The turn is logged before anything is decoded, or `turn` is used again for a retry. `history` None takes the
    conversation's own. Closing the iterator cancels within one decoding step and keeps the partial answers as
    cancelled. Raises StudioError before the first event where nothing can be asked.
    """
    await studio.model()
    before = await history_of(studio, conversation_id, turn) if history is None else tuple(history)

    async def place() -> Turn:
        return turn or await add_turn(studio, conversation_id, prompt)

    async with aclosing(answer_question(studio, Question(prompt, before), arms, place, sampling)) as events:
        async for event in events:
            yield event


async def answer_question(
    studio: Studio,
    question: Question,
    arms: Sequence[ArmRecipe],
    place: Callable[[], Awaitable[Turn]],
    sampling: Sampling | None = None,
) -> AsyncGenerator[ArmEvent]:
    """As answer_with_arms, for whoever knows the history and the turn: `place` gives it, once it is sure that the arms
    can be asked."""
    if not question.prompt.strip():
        raise UsageError("The question is empty.", "Type something first.")
    prepared = await prepare_lanes(studio, question, arms, sampling or studio.sampling)
    alike: dict[Lane, list[str]] = {}
    for one in prepared:
        alike.setdefault(what_is_decoded(one), []).append(one.lane.key)
    arms_of = {names[0]: names for names in alike.values()}
    recorder = _Recorder(studio, await place(), {one.lane.key: one for one in prepared})
    lanes = [one.lane for one in prepared if one.lane.key in arms_of]
    try:
        for one in prepared:
            yield ArmStarted(one.lane.key, one.given)
        async with aclosing(studio.engine.generate(lanes)) as events:
            async for event in events:
                for arm in arms_of[event.key]:
                    yield await _told(recorder, arm, event)
    finally:
        # Shielded: the user's Esc cancels the question, not the keeping of what was answered by then.
        await asyncio.shield(recorder.keep_unfinished())


async def _told(recorder: _Recorder, arm: str, event: LaneEvent) -> ArmEvent:
    match event:
        case LaneDelta(text=text, is_thinking=is_thinking):
            recorder.arrived(arm, text, is_thinking=is_thinking)
            return ArmDelta(arm, text, is_thinking)
        case LaneFinished(completion=completion):
            answer = await recorder.save(arm, completion)
            judging = await recorder.judging()
            if judging is None:
                return ArmFinished(arm, answer, None)
            return ArmFinished(arm, answer, judge(answer.text, judging.correction.check), judging.reworded)
        case LaneFailed(message=message, hint=hint, text=text):
            broken = _broken(text, FinishReason.FAILED, recorder.thought[arm])
            return ArmFailed(arm, message, hint, await recorder.save(arm, broken))


@dataclass
class _Recorder:
    """Turns finished, failed and cancelled lanes into rows; remembers which are still open."""

    studio: Studio
    turn: Turn
    open: dict[str, PreparedLane]

    def __post_init__(self) -> None:
        self.partial: dict[str, str] = dict.fromkeys(self.open, "")
        self.thought: dict[str, str] = dict.fromkeys(self.open, "")
        self._judging: Judging | None = None
        self._looked_up = False

    def arrived(self, key: str, text: str, *, is_thinking: bool) -> None:
        into = self.thought if is_thinking else self.partial
        into[key] += text

    async def judging(self) -> Judging | None:
        """By what the answers are judged: looked up once for all of them."""
        if not self._looked_up:
            self._judging = await judging_correction(self.studio, self.turn.prompt)
            self._looked_up = True
        return self._judging

    async def save(self, key: str, completion: Completion) -> Answer:
        answer = _as_answer(self.turn, self.open.pop(key), completion)
        await off_loop(self.studio.log.answers.add, [answer])
        return answer

    async def keep_unfinished(self) -> None:
        cancelled = [
            _as_answer(self.turn, one, _broken(self.partial[key], FinishReason.CANCELLED, self.thought[key]))
            for key, one in self.open.items()
        ]
        self.open.clear()
        if cancelled:
            await off_loop(self.studio.log.answers.add, cancelled)


def _as_answer(turn: Turn, prepared: PreparedLane, completion: Completion) -> Answer:
    return Answer(
        id=new_id(),
        turn_id=turn.id,
        arm=prepared.lane.key,
        text=completion.text,
        finish_reason=completion.finish_reason,
        given=prepared.given,
        messages=prepared.lane.messages,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        first_token_s=completion.first_token_s,
        latency_s=completion.latency_s,
        created_at=utc_now(),
        mean_log_probability=completion.mean_log_probability,
        thinking=completion.thinking,
    )


def _broken(text: str, reason: FinishReason, thinking: str) -> Completion:
    return Completion(text, reason, 0, 0, 0, 0.0, 0.0, thinking=thinking)
