"""What Review's workers do: they call services, then touch the screen. See studio.tui for how errors are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from studio.domain.log import Origin
from studio.services.review_answers import (
    Judgement,
    OpenedItem,
    ReviewItem,
    accept_item,
    correct_item,
    open_item,
    review_queue,
    take_back,
)
from studio.tui.plain_text import one_line
from studio.tui.screens.learning import start_learning
from studio.tui.widgets.answer_editor import AnswerEditor

if TYPE_CHECKING:
    from studio.services.studio import Studio
    from studio.tui.screens.review import ReviewScreen


async def load_queue(screen: ReviewScreen, first: int) -> None:
    """Read the queue until it is as the log is; the first time its first so many before the rest. What is shown stays,
    and what was skipped waits at the end."""
    if not screen.whole and not screen.queue:
        screen.stale = False
        reading, screen.first = screen.first or asyncio.ensure_future(read_first(screen.studio, first)), None
        screen.queue, opened = await reading
        if opened is not None:
            screen.ahead = {opened.item.id: opened}
        screen.whole = len(screen.queue) < first
        screen.stale = screen.stale or not screen.whole
        async with screen.stepping:
            await show_first(screen)
        if screen.stale:
            await screen.drawn()
    while screen.stale:
        screen.stale, before = False, list(screen.steps)
        found = await review_queue(screen.studio)
        async with screen.stepping:
            screen.whole = True
            await _take_over(screen, _since(before, screen.steps, found))


async def read_first(studio: Studio, first: int) -> tuple[list[ReviewItem], OpenedItem | None]:
    """The first so many of the queue, and the very first with what is needed to judge it."""
    queue = await review_queue(studio, first)
    return queue, await open_item(studio, queue[0]) if queue else None


def _since(before: list[Judgement], steps: list[Judgement], found: list[ReviewItem]) -> list[ReviewItem]:
    """What was found, less what was judged while it was read, and with what was taken back meanwhile."""
    judged = {step.item.id for step in steps if not step.skipped and step not in before}
    back = [step.item for step in before if not step.skipped and step not in steps]
    known = {item.id for item in back} | judged
    return [*back, *(item for item in found if item.id not in known)]


async def _take_over(screen: ReviewScreen, found: list[ReviewItem]) -> None:
    shown = screen.card.opened.item if screen.card.opened else None
    skipped = {step.item.id for step in screen.steps if step.skipped}
    screen.queue = sorted(found, key=lambda item: item.id in skipped)
    if shown is not None and (screen.writing or shown in found):
        screen.queue = [shown, *(item for item in screen.queue if item.id != shown.id)]
        screen.describe()
        screen.load_ahead()
    else:
        await show_first(screen)


async def show_first(screen: ReviewScreen) -> None:
    """Show the first of the queue, which was mostly read already, and read the one after it."""
    opened: OpenedItem | None = None
    while screen.queue and (opened is None or opened.item != screen.queue[0]):
        first = screen.queue[0]
        opened = screen.ahead.pop(first.id, None) or await open_item(screen.studio, first)
    await screen.card.show_item(opened if screen.queue else None)
    screen.describe()
    screen.load_ahead()


async def read_next(screen: ReviewScreen) -> None:
    """Have the one after the one shown ready."""
    for item in screen.queue[1:2]:
        if item.id not in screen.ahead:
            screen.ahead = {item.id: await open_item(screen.studio, item)}


async def accept(screen: ReviewScreen, opened: OpenedItem) -> None:
    """Accept the answer, and say so where that goes against a correction."""
    judgement = await accept_item(screen.studio, opened)
    if judgement.undone is not None:
        screen.notify("Accepted. Your correction of it is undone; u brings it back.")
    elif judgement.made is not None:
        screen.notify("Accepted. It takes the place of your correction; u brings that back.")
    await _done(screen, judgement)


async def correct(screen: ReviewScreen, opened: OpenedItem, editor: AnswerEditor) -> None:
    """Keep what the editor holds as a correction. On failure the editor stays as it is."""
    judgement = await correct_item(
        screen.studio,
        opened,
        editor.text,
        rationale=editor.rationale,
        labels=editor.labels,
        feedback=editor.feedback,
        origin=Origin.CHAT,
    )
    await screen.card.close_editor()
    await _done(screen, judgement)


async def _done(screen: ReviewScreen, judgement: Judgement) -> None:
    screen.stepped(judgement)
    await show_first(screen)
    screen.studio_app.log_changed()
    if judgement.made is not None:
        start_learning(screen, judgement.made)


async def skip(screen: ReviewScreen, opened: OpenedItem) -> None:
    """Leave it for later."""
    screen.stepped(Judgement(opened.item))
    screen.queue.append(opened.item)
    await show_first(screen)


async def undo(screen: ReviewScreen) -> None:
    """Take the last step of this sitting back, and show its item again."""
    step = screen.steps[-1]
    await take_back(screen.studio, step)
    screen.steps.pop()
    item = step.item
    screen.queue = [item, *(other for other in screen.queue if other.id != item.id)]
    await show_first(screen)
    if not step.skipped:
        screen.notify(f"Taken back: {one_line(item.prompt, 48)}")
        screen.studio_app.log_changed()
