"""Review: answers nobody has judged, one after the other, the most doubtful first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, WorkerError

from studio.services.review_answers import Judgement, OpenedItem, ReviewItem
from studio.services.studio import Studio
from studio.tui.messages import CompareRequested
from studio.tui.plain_text import one_line
from studio.tui.screens import review_work
from studio.tui.screens.correcting import leave_editor, redo
from studio.tui.screens.review_card import ReviewCard, why_briefly
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.feedback_line import FeedbackLine
from studio.tui.widgets.text_input import PlainTextArea

ACKNOWLEDGED_WITHIN_S = 2.0
"""So long a key waits for the one before it to be on disk, so that it acts on the next answer and not on the same."""
LISTED = 40
READING = "Reading answers…"
NOTHING = (
    "Nothing to review.\n\n"
    "Answers that you have neither accepted nor corrected wait here, the most doubtful first: those that a correction "
    "of yours calls wrong, then those the model was least sure of. Ask something in Chat (F2) or Compare (F3)."
)
ALL_DONE = "All done. What you ask from here on waits here, until you accept or correct it in Chat or here."
ON_ITEM = frozenset(("accept", "edit", "feedback", "skip", "compare"))


class ReviewScreen(StudioScreen):
    """The count on top, the answer to judge beneath it; in large windows what follows beside it.

    `whole`: the queue holds all there is to judge, and not its beginning only. `stale`: the log has changed since.
    """

    MODE = "review"
    CSS_PATH = "../styles/review.tcss"
    AUTO_FOCUS = "ReviewCard"
    HELP = """\
Answers that you have neither accepted nor corrected, one at a time: first those that a correction of yours calls wrong,
then those the model was least sure of, then the newest. a accepts, e corrects in place, f says what is wrong and lets
the model try again, s skips until later, u takes the last step back. A question is here once, however many arms
answered it. To accept what your correction calls wrong puts the answer in that correction's place."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Accept", id="review.accept", tooltip="The answer is good as it is"),
        Binding("e", "edit", "Edit", id="review.edit", tooltip="Correct the answer in place"),
        Binding("f", "feedback", "Feedback", id="review.feedback", tooltip="Say what is wrong; the model tries again"),
        Binding("s", "skip", "Skip", id="review.skip", tooltip="Leave it for later; it goes to the end"),
        Binding("u", "undo", "Undo", id="review.undo", tooltip="Take the last step back, one after the other"),
        Binding("c", "compare", "Compare", id="review.compare", tooltip="Ask all arms the same question"),
    ]

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.queue: list[ReviewItem] = []
        self.whole = False
        self.stale = False
        self.steps: list[Judgement] = []
        self.ahead: dict[str, OpenedItem] = {}
        self.first: asyncio.Future[tuple[list[ReviewItem], OpenedItem | None]] | None = None
        self.stepping = asyncio.Lock()
        self._loading: Worker[None] | None = None
        self._judging: Worker[None] | None = None
        self._redoing: Worker[None] | None = None

    def compose_body(self) -> ComposeResult:
        # Read while the screen is built: of an old log both take as long.
        self.first = asyncio.ensure_future(review_work.read_first(self.studio, LISTED + 1))
        yield Static(READING, id="review-count", markup=False)
        with Horizontal(id="review-body"):
            yield Static(NOTHING, id="review-empty", markup=False)
            yield ReviewCard()
            with Vertical(id="review-next") as following:
                following.border_title = "Next"
                yield Static(id="review-list", markup=False)

    def on_mount(self) -> None:
        self.query_one("#review-empty").display = False
        self.on_log_changed()

    def on_log_changed(self) -> None:
        self.stale = True
        # Not begun anew while it is read: an old log takes seconds, in which more and more would be judged.
        if self._loading is None or self._loading.is_finished:
            self._loading = self.start(review_work.load_queue(self, LISTED + 1), group="load")

    @property
    def card(self) -> ReviewCard:
        return self.query_one(ReviewCard)

    @property
    def writing(self) -> bool:
        """Whether the user is writing about the item shown."""
        return self.card.editor is not None or bool(self.query(FeedbackLine))

    def load_ahead(self) -> None:
        self.start(review_work.read_next(self), group="ahead", exclusive=True)

    # Words --------------------------------------------------------------------------------------------------------

    def stepped(self, judgement: Judgement) -> None:
        """The first of the queue has been dealt with."""
        self.steps.append(judgement)
        self.queue = [item for item in self.queue if item.id != judgement.item.id]

    def describe(self) -> None:
        """Counts, what comes next, or that there is nothing."""
        waiting = {item.id for item in self.queue}
        done = {
            "accepted": sum(step.accepted for step in self.steps),
            "corrected": sum(step.made is not None and not step.accepted for step in self.steps),
            "skipped": len(waiting & {step.item.id for step in self.steps if step.skipped}),
        }
        left = f"{len(self.queue)} left" if self.whole else "Counting what is left…" if self.queue else READING
        words = [left, *(f"{number} {word}" for word, number in done.items() if number)]
        self.query_one("#review-count", Static).update(" · ".join(words))
        self.query_one("#review-empty", Static).update(ALL_DONE if self.steps else NOTHING)
        self.query_one("#review-empty").display = self.whole and not self.queue
        self.query_one("#review-next").set_class(len(self.queue) > 1, "-some")
        lines = [f"{one_line(item.prompt, 60)}\n  {why_briefly(item)}" for item in self.queue[1 : LISTED + 1]]
        self.query_one("#review-list", Static).update(Content("\n".join(lines)))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Actions that have nothing to act on are neither shown nor run."""
        if action in ON_ITEM:
            return self.is_mounted and self.card.opened is not None
        if action == "undo":
            return bool(self.steps)
        return True

    # Judging ------------------------------------------------------------------------------------------------------

    def _free(self) -> OpenedItem | None:
        """The item shown, where it can be acted on; goes back to what the user is writing where it cannot."""
        if self.card.editor is not None:
            self.set_focus(self.card.editor.query_one(PlainTextArea))
        elif lines := self.query(FeedbackLine):
            self.set_focus(lines.first())
        elif self._judging is None or self._judging.is_finished:
            return self.card.opened
        return None

    async def _judge(self, work: Coroutine[Any, Any, None]) -> None:
        self._judging = worker = self.start(self._step(work), group="judge")
        with contextlib.suppress(TimeoutError, WorkerError):  # it is told where the worker ends
            await asyncio.wait_for(asyncio.shield(worker.wait()), ACKNOWLEDGED_WITHIN_S)

    async def _step(self, work: Coroutine[Any, Any, None]) -> None:
        async with self.stepping:
            await work

    async def action_accept(self) -> None:
        if (opened := self._free()) is not None:
            await self._judge(review_work.accept(self, opened))

    async def action_skip(self) -> None:
        if (opened := self._free()) is not None:
            await self._judge(review_work.skip(self, opened))

    async def action_undo(self) -> None:
        if self.steps and (self._free() is not None or not self.queue):
            await self._judge(review_work.undo(self))

    def action_compare(self) -> None:
        if (opened := self._free()) is not None:
            item = opened.item
            self.post_message(CompareRequested(item.prompt, opened.history, [(item.arm, item.text)]))

    # Correcting ---------------------------------------------------------------------------------------------------

    # Both have the focus where the user types when they return: what is typed next may be there already.
    async def action_edit(self) -> None:
        if self._free() is not None:
            await self.card.edit()

    async def action_feedback(self) -> None:
        if self._free() is not None:
            await self.card.say_what_is_wrong()

    @on(FeedbackLine.Submitted, "FeedbackLine")
    async def _redo_with_feedback(self, event: FeedbackLine.Submitted) -> None:
        event.stop()
        words = event.value.strip()
        await self._leave_feedback()
        if words and (opened := self._free()) is not None:
            editor = await self.card.edit(words)
            self._redoing = self.start(redo(self, editor, opened.asked, opened.item.text), group="redo")

    @on(FeedbackLine.Left)
    async def _leave_feedback(self) -> None:
        if self.query(FeedbackLine):
            self.set_focus(self.card)
            await self.query(FeedbackLine).remove()

    @on(AnswerEditor.Saved)
    async def _save(self, event: AnswerEditor.Saved) -> None:
        opened = self.card.opened
        if opened is not None and (self._judging is None or self._judging.is_finished):
            await self._judge(review_work.correct(self, opened, event.editor))

    @on(AnswerEditor.Left)
    def _leave_editor(self, event: AnswerEditor.Left) -> None:
        if event.editor.writing and self._redoing is not None:
            self._redoing.cancel()
        else:
            self.start(leave_editor(event.editor, self.card.close_editor), group="leave")
