"""One answer to judge: why it is here, what was said before, the question, the answer, the correction it fails."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from studio.domain.generation import ChatMessage, Role
from studio.services.review_answers import OpenedItem, ReviewItem
from studio.tui.plain_text import displayable, one_line
from studio.tui.screens.local_time import local_time
from studio.tui.widgets.answer_editor import AnswerEditor, editor_of
from studio.tui.widgets.feedback_line import open_feedback
from studio.tui.widgets.streaming import StreamedMarkdown
from studio.tui.widgets.word_diff import DiffView, diff_content

SHOWN_BEFORE = 6
"""Messages before the question that are shown: the latest."""


class ReviewCard(VerticalScroll, can_focus=True):
    """Shows one item, and the editor in the place of its answer. Has the focus while single keys act."""

    def __init__(self) -> None:
        super().__init__(id="review-card")
        self.opened: OpenedItem | None = None
        self.editor: AnswerEditor | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="review-why", markup=False)
        yield Static(id="review-before", markup=False)
        yield Static(id="review-question", markup=False, classes="question")
        yield StreamedMarkdown(classes="review-answer")
        yield Static("Your correction says otherwise:", id="review-against", markup=False)
        yield DiffView(id="review-diff")

    def on_mount(self) -> None:
        self.display = False

    async def show_item(self, opened: OpenedItem | None) -> None:
        """Put this item in the place of the one before; None where there is none left."""
        self.opened = opened
        self.display = opened is not None
        if opened is None:
            return
        item = opened.item
        self._say("#review-why", why(item))
        self._say("#review-before", _before(opened.history))
        self._say("#review-question", displayable(item.prompt))
        if item.correction is not None:
            self.query_one("#review-diff", DiffView).update(diff_content(item.text, item.correction.corrected))
        self._show_answer()
        await self.query_one(StreamedMarkdown).finish(item.text)
        self.scroll_home(animate=False)
        if self.screen.focused is None:
            self.screen.set_focus(self)

    async def edit(self, feedback: str = "") -> AnswerEditor:
        """Put an editor in the place of the answer; with feedback it waits for the model's new attempt."""
        assert self.opened is not None
        self.editor = editor_of(self.opened.item.text, self.opened.item.correction, feedback)
        await self.mount(self.editor, after=".review-answer")
        self._show_answer()
        return self.editor

    async def close_editor(self) -> None:
        """Take the editor away and show the answer again."""
        editor, self.editor = self.editor, None
        if editor is not None:
            await editor.remove()
        self._show_answer()
        self.focus()

    async def say_what_is_wrong(self) -> None:
        """Open the line for feedback; it has the focus when this returns."""
        await open_feedback(self, after="#review-diff")

    def _show_answer(self) -> None:
        fails = self.opened is not None and self.opened.item.correction is not None
        self.query_one(StreamedMarkdown).display = self.editor is None
        for part in ("#review-against", "#review-diff"):
            self.query_one(part).display = fails and self.editor is None

    def _say(self, part: str, words: str) -> None:
        widget = self.query_one(part, Static)
        widget.update(Content(words))
        widget.display = bool(words)


def why(item: ReviewItem) -> str:
    """Why the item is here, how sure the model was, which arm answered and when, in one line."""
    return displayable(" · ".join((why_briefly(item), item.arm, local_time(item.at))))


def why_briefly(item: ReviewItem) -> str:
    """Why the item is here, and how sure the model was where that is known."""
    sure = None if item.confidence is None else f"the model was {item.confidence:.0%} sure"
    return " · ".join(filter(None, (item.reason.value, sure)))


def _before(history: tuple[ChatMessage, ...]) -> str:
    left_out = len(history) - SHOWN_BEFORE
    lines = [f"{left_out} earlier messages are not shown."] if left_out > 0 else []
    for message in history[-SHOWN_BEFORE:]:
        who = "you" if message.role is Role.USER else "model"
        lines.append(f"{who}: {one_line(message.content, 300)}")
    return "\n".join(lines)
