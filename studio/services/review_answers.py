"""Going through what nobody has judged: which answers, in which order, and what the user makes of each.

Answers that the user's own correction calls wrong come first, then those the model was least sure of, then the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from studio.domain.generation import ChatMessage, Role
from studio.domain.identity import utc_now
from studio.domain.log import Answer, Correction, Feedback, Origin, Unjudged, confidence
from studio.domain.same_question import folded
from studio.errors import UsageError
from studio.evaluation.checks import judge
from studio.services.converse import history_of
from studio.services.record_correction import record_correction, redo_correction, undo_correction
from studio.services.studio import Studio, off_loop


class ReviewReason(StrEnum):
    """Why an answer is in the queue, in words."""

    NOT_LEARNT = "not learnt: asked again, it is still wrong"
    WRONG = "wrong by your correction"
    UNJUDGED = "not judged yet"


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One answer to judge. `id` is the answer's, or for NOT_LEARNT the correction's, of which no answer is kept.

    `correction` is the one in force that calls it wrong. `mean_log_probability` None: it is not known.
    """

    id: str
    reason: ReviewReason
    prompt: str
    arm: str
    text: str
    at: datetime
    mean_log_probability: float | None = None
    correction: Correction | None = None
    conversation_id: str | None = None

    @property
    def confidence(self) -> float | None:
        """How sure the model was, in (0, 1]."""
        return confidence(self.mean_log_probability)


@dataclass(frozen=True, slots=True)
class OpenedItem:
    """An item with what is needed to judge it. `asked` is the chat that its text answers, the question last."""

    item: ReviewItem
    answer: Answer | None
    history: tuple[ChatMessage, ...]
    asked: tuple[ChatMessage, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of an item, so that it can be taken back: accepted, a correction made or undone; or nothing."""

    item: ReviewItem
    accepted: bool = False
    made: Correction | None = None
    undone: Correction | None = None

    @property
    def skipped(self) -> bool:
        """Whether nothing was said of it."""
        return not self.accepted and self.made is None


async def review_queue(studio: Studio, most: int | None = None) -> list[ReviewItem]:
    """What there is to judge, in the order to judge it in; with `most` only its first so many, sooner.

    A question that was corrected since it was answered is done with; so is an answer that its correction calls right.
    """

    def read() -> list[ReviewItem]:
        arm, corrections = studio.settings.chat.arm, studio.log.corrections
        failing, unjudged = studio.log.probes.failing(arm, most), studio.log.answers.unjudged(arm, most)
        if most is None:
            known = corrections.in_force()
        else:
            questions = {one.turn.prompt for one in unjudged if one.may_be_corrected}
            known = corrections.in_force_of(questions, {result.correction_id or "" for result in failing})
        in_force = {correction.id: correction for correction in known}
        by_question = {folded(correction.prompt): correction for correction in known}
        items = [
            ReviewItem(
                id=correction.id,
                reason=ReviewReason.NOT_LEARNT,
                prompt=correction.prompt,
                arm=result.arm,
                text=result.text,
                at=result.created_at,
                correction=correction,
            )
            for result in failing
            if (correction := in_force.get(result.correction_id or "")) is not None
        ]
        judged = (_as_item(one, by_question.get(folded(one.turn.prompt))) for one in unjudged)
        items += [item for item in judged if item is not None]
        return sorted(items, key=_rank)[:most]

    return await off_loop(read)


def _as_item(one: Unjudged, correction: Correction | None) -> ReviewItem | None:
    if correction is not None and (one.created_at <= correction.created_at or judge(one.text, correction.check).ok):
        return None
    return ReviewItem(
        id=one.answer_id,
        reason=ReviewReason.UNJUDGED if correction is None else ReviewReason.WRONG,
        prompt=one.turn.prompt,
        arm=one.arm,
        text=one.text,
        at=one.created_at,
        mean_log_probability=one.mean_log_probability,
        correction=correction,
        conversation_id=one.turn.conversation_id,
    )


def _rank(item: ReviewItem) -> tuple[bool, float, float]:
    unsure = item.mean_log_probability if item.correction is None else None
    return item.correction is None, 0.0 if unsure is None else min(unsure, 0.0), -item.at.timestamp()


async def open_item(studio: Studio, item: ReviewItem) -> OpenedItem:
    """Read what is needed to judge it."""
    if item.conversation_id is None:
        history = item.correction.history if item.correction else ()
        return OpenedItem(item, None, history, (*history, ChatMessage(Role.USER, item.prompt)))
    answer = await off_loop(studio.log.answers.get, item.id)
    turn = await off_loop(studio.log.conversations.turn, answer.turn_id)
    history = await history_of(studio, item.conversation_id, turn)
    return OpenedItem(item, answer, history, answer.messages)


async def accept_item(studio: Studio, opened: OpenedItem) -> Judgement:
    """The answer is good as it is; on disk when this returns.

    Where a correction says otherwise, the answer takes that correction's place: the user was wrong, or has changed
    their mind.
    """
    item, correction = opened.item, opened.item.correction
    made = undone = None
    if correction is not None and item.text.strip() == correction.original.strip():
        undone = await undo_correction(studio, correction.id)
    elif correction is not None:
        made = await record_correction(
            studio,
            answer=None,
            prompt=item.prompt,
            corrected=item.text,
            original=correction.original,
            history=opened.history,
            supersedes=correction.id,
        )
    if opened.answer is not None:
        await off_loop(studio.log.answers.add_feedback, opened.answer.id, Feedback.ACCEPTED, utc_now())
    return Judgement(item, accepted=True, made=made, undone=undone)


async def correct_item(
    studio: Studio,
    opened: OpenedItem,
    corrected: str,
    *,
    rationale: str = "",
    labels: Sequence[str] | None = None,
    feedback: str = "",
    origin: Origin,
) -> Judgement:
    """Record a correction of the answer, in the place of the one that calls it wrong; on disk when this returns.

    Without labels it keeps those of the one that it replaces. Raises UsageError as record_correction, and where it
    says nothing that the correction it replaces does not.
    """
    earlier = opened.item.correction
    if labels is None:
        labels = earlier.labels if earlier else ()
    said = (corrected.strip(), rationale.strip(), tuple(labels))
    if earlier and said == (earlier.corrected.strip(), earlier.rationale, earlier.labels):
        raise UsageError("This is the correction you saved before.", "Change it, or say why; or skip the answer.")
    made = await record_correction(
        studio,
        answer=opened.answer,
        prompt=opened.item.prompt,
        corrected=corrected,
        original=opened.item.text,
        history=opened.history,
        rationale=rationale,
        labels=labels,
        feedback=feedback,
        supersedes=earlier.id if earlier else None,
        origin=origin,
    )
    return Judgement(opened.item, made=made)


async def take_back(studio: Studio, judgement: Judgement) -> None:
    """As if the item had not been judged. Raises UsageError where that was done already, elsewhere."""
    if judgement.made is not None:
        await undo_correction(studio, judgement.made.id)
    if judgement.undone is not None:
        await redo_correction(studio, judgement.undone.id)
    if judgement.accepted and judgement.item.conversation_id is not None:
        await off_loop(studio.log.answers.withdraw_feedback, judgement.item.id)
