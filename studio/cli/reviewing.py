"""`studio review`: what nobody has judged yet; accept, correct, and take back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, json_option, one_line, pass_frame, print_json
from studio.cli.ids import find_id
from studio.cli.say import say
from studio.domain.log import Correction, Origin
from studio.services import review_answers
from studio.services.review_answers import Judgement, ReviewItem

if TYPE_CHECKING:
    from studio.services.studio import Studio

LISTING = "studio review --limit 0"


@click.group(invoke_without_command=True)
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="The most to list; 0 lists all."
)
@json_option
@click.pass_context
def review(ctx: click.Context, limit: int, as_json: bool) -> None:
    """List the answers that nobody has judged, in the order to judge them in; accept or correct them.

    First those that a correction of yours calls wrong, then those the model was least sure of, then the newest.
    """
    if ctx.invoked_subcommand is not None:
        return
    queue = ctx.ensure_object(Frame).run(review_answers.review_queue)
    shown = queue[:limit] if limit else queue
    if as_json:
        print_json([_fields(item) for item in shown])
        return
    for item in shown:
        say(f"{item.id}  {_why(item)}")
        say(f"  {one_line(item.prompt, 100)}")
        say(f"  {item.arm}: {one_line(item.text, 100)}")
    if len(queue) > len(shown):
        say(f"And {len(queue) - len(shown)} more: {LISTING}", err=True)
    if not queue:
        say('Nothing to review. Ask something: studio ask "…"')


@review.command()
@click.argument("item_id")
@pass_frame
def accept(frame: Frame, item_id: str) -> None:
    """Accept an answer as good. Where a correction calls it wrong, it takes that correction's place."""

    async def use(studio: Studio) -> Judgement:
        opened = await review_answers.open_item(studio, await _find(studio, item_id))
        judgement = await review_answers.accept_item(studio, opened)
        if judgement.made is not None:
            await _learn(studio, judgement.made)
        return judgement

    judgement = frame.run(use)
    if judgement.item.conversation_id is not None:
        say(f"Accepted. To take it back: studio review undo {judgement.item.id}")
    if judgement.made is not None:
        say(f"It replaces your correction. To take that back: studio review undo {judgement.made.id}")
    if judgement.undone is not None:
        say(f"Your correction of it is undone. To bring it back: studio review redo {judgement.undone.id}")


@review.command()
@click.argument("item_id")
@click.option("--answer", "corrected", required=True, help="What the answer should have been.")
@click.option("--rationale", default="", help="Why, in your words.")
@pass_frame
def correct(frame: Frame, item_id: str, corrected: str, rationale: str) -> None:
    """Correct an answer, and learn from that."""

    async def use(studio: Studio) -> str:
        opened = await review_answers.open_item(studio, await _find(studio, item_id))
        judgement = await review_answers.correct_item(
            studio, opened, corrected, rationale=rationale, origin=Origin.COMMAND
        )
        assert judgement.made is not None
        # Said before the lesson is learnt: from here on the correction is on disk, come what may.
        say(f"Saved. To take it back: studio review undo {judgement.made.id}")
        return await _learn(studio, judgement.made)

    say(f"Lesson learnt: {frame.run(use)}")


@review.command()
@click.argument("item_id")
@pass_frame
def undo(frame: Frame, item_id: str) -> None:
    """Take a correction, or that an answer was accepted, back; by the id of either."""
    from studio.services.record_correction import undo_correction, withdraw_feedback
    from studio.services.studio import off_loop

    async def use(studio: Studio) -> str:
        corrections = {one.id: one.prompt for one in await off_loop(studio.log.corrections.all) if not one.undone}
        accepted = {answer.id: turn.prompt for answer, turn in await off_loop(studio.log.answers.accepted)}
        known = corrections | accepted
        found = find_id(item_id, "judgement", known, 'studio sql "FROM corrections"')
        if found in corrections:
            await undo_correction(studio, found)
        else:
            await withdraw_feedback(studio, found)
        return known[found]

    say(f"Taken back: {one_line(frame.run(use))}")


@review.command()
@click.argument("correction_id")
@pass_frame
def redo(frame: Frame, correction_id: str) -> None:
    """Bring an undone correction back."""
    from studio.services.record_correction import redo_correction
    from studio.services.studio import off_loop

    async def use(studio: Studio) -> Correction:
        known = {one.id: one.prompt for one in await off_loop(studio.log.corrections.all) if one.undone}
        found = find_id(correction_id, "undone correction", known, 'studio sql "FROM corrections"')
        return await redo_correction(studio, found)

    say(f"In force again: {one_line(frame.run(use).prompt)}")


async def _find(studio: Studio, wanted: str) -> ReviewItem:
    queue = {item.id: item for item in await review_answers.review_queue(studio)}
    return queue[find_id(wanted, "waiting answer", {one.id: one.prompt for one in queue.values()}, LISTING)]


async def _learn(studio: Studio, correction: Correction) -> str:
    from studio.services.learn_lessons import learn_lesson, learn_pending

    await learn_pending(studio)
    return (await learn_lesson(studio, correction)).title


def _why(item: ReviewItem) -> str:
    sure = item.confidence
    return item.reason.value if sure is None else f"{item.reason.value}, the model {sure:.0%} sure"


def _fields(item: ReviewItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "reason": item.reason.name.lower(),
        "prompt": item.prompt,
        "arm": item.arm,
        "answer": item.text,
        "at": item.at.isoformat(),
        "confidence": item.confidence,
        "correction": None if item.correction is None else item.correction.id,
        "conversation": item.conversation_id,
    }
