"""One answer in the transcript: by whom and with what, its text, what became of it; and the editor in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from studio.domain.log import Answer, Correction, Feedback, Given
from studio.tui.plain_text import displayable, one_line
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.first_word import FirstWordWait
from studio.tui.widgets.given import describe_cost, describe_ending, describe_given
from studio.tui.widgets.ground import VerticalGround
from studio.tui.widgets.streaming import StreamedMarkdown
from studio.tui.widgets.thinking import KEY, ThinkingView
from studio.tui.widgets.word_diff import DiffView, diff_content

if TYPE_CHECKING:
    from studio.services.converse import Exchange
    from studio.tui.app import StudioApp


class AnswerView(Vertical, can_focus=True):
    """An answer, streaming or settled. Focus selects it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "other(-1)", "Previous answer", show=False, id="answer.previous"),
        Binding("down", "other(1)", "Next answer", show=False, id="answer.next"),
        Binding(KEY, "thinking", "Thinking", show=False, id="answer.thinking", tooltip="What it thought before"),
    ]

    class Moved(Message):
        """The user wants another answer selected: `step` -1 the one before, 1 the one after."""

        def __init__(self, step: int) -> None:
            self.step = step
            super().__init__()

    def __init__(
        self,
        arm: str,
        answer: Answer | None = None,
        correction: Correction | None = None,
        feedback: Feedback | None = None,
    ) -> None:
        super().__init__()
        self.arm = arm
        self.answer = answer
        self.correction = correction
        self.feedback = feedback
        self.editor: AnswerEditor | None = None
        self.begun = answer is not None
        self._given = answer.given if answer else Given()
        self._failure = ""
        self._wait = FirstWordWait(self, self._describe)
        # With their words from the beginning: each change of them lays the whole transcript out anew.
        self._title = Static(self._by(), markup=False, classes="answer-title")
        self._thinking = ThinkingView(answer.thinking if answer else "")
        shown = correction.corrected if correction else answer.text if answer else ""
        self._text = StreamedMarkdown(shown, classes="answer-body")
        self._diff = DiffView(classes="answer-diff")
        self._diff.display = False
        self._status = Static(self._became(), markup=False, classes="answer-status")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._thinking
        yield self._text
        yield self._diff
        yield self._status

    def on_mount(self) -> None:
        if self.answer is None:
            self._wait.begin()
        self._describe()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.focus()

    def action_other(self, step: int) -> None:
        self.post_message(self.Moved(step))

    def action_thinking(self) -> None:
        self._thinking.toggle()

    # While it streams ---------------------------------------------------------------------------------------------

    def begin(self, given: Given) -> None:
        """The arm has been given this; its first token is on its way."""
        self.begun = True
        self._given = given
        self._wait.model_reads()
        self._describe()
        cast("StudioApp", self.app).flusher.add(self._text)

    def write(self, delta: str, *, is_thinking: bool = False) -> None:
        if self._wait.end():
            self._describe()
        into = self._thinking if is_thinking else self._text
        into.write(delta)

    def fail(self, message: str, hint: str) -> None:
        """Why there is no whole answer, in words."""
        self._wait.end()
        self._failure = " ".join(filter(None, (message, hint)))

    # Once it is settled -------------------------------------------------------------------------------------------

    async def settle(self, answer: Answer | None, correction: Correction | None, feedback: Feedback | None) -> None:
        """Show the answer as the log has it: corrected, accepted, cancelled or failed."""
        cast("StudioApp", self.app).flusher.remove(self._text)
        self._wait.end()
        self.answer = answer or self.answer
        self.correction, self.feedback = correction, feedback
        if self.answer is not None:
            self._given = self.answer.given
            self._thinking.settle(self.answer.thinking)
            await self._text.finish(correction.corrected if correction else self.answer.text)
        if correction is None:
            self._diff.display = False
        elif self._diff.display:
            self._diff.update(diff_content(correction.original, correction.corrected))
        self._show_text()
        self._describe()

    def toggle_diff(self) -> None:
        """Show what the correction changed, or the corrected text again."""
        if self.correction is not None:
            self._diff.update(diff_content(self.correction.original, self.correction.corrected))
        self._diff.display = self.correction is not None and not self._diff.display
        self._show_text()

    # The editor in its place --------------------------------------------------------------------------------------

    async def edit(self, editor: AnswerEditor) -> None:
        """Put an editor in the place of the text; it has the focus when this returns."""
        self.editor = editor
        await self.mount(editor, before=self._status)
        self._show_text()

    async def close_editor(self) -> None:
        """Take the editor away and show the text again."""
        editor, self.editor = self.editor, None
        if editor is not None:
            await editor.remove()
        self._show_text()
        self.screen.set_focus(self)

    def _show_text(self) -> None:
        self._text.display = self.editor is None and not self._diff.display
        self.set_class(self.editor is not None, "-editing")

    # Words --------------------------------------------------------------------------------------------------------

    def _describe(self) -> None:
        for part, words in ((self._title, self._by()), (self._status, self._became())):
            if part.content != words:
                part.update(words)
        self._status.set_class(not self._became(), "-empty")
        self.set_class(self.correction is not None, "-corrected")
        self.set_class(bool(self._failure or self._ending()), "-broken")

    def _by(self) -> Content:
        """By which arm, and with what."""
        return Content.assemble((self.arm, "bold"), ("  " + describe_given(self._given), "$foreground-muted"))

    def _became(self) -> str:
        """What became of it, and what it cost."""
        lines = [
            self._wait.words,
            *self._marks(),
            self._failure or self._ending(),
            describe_cost(self.answer) if self.answer else "",
        ]
        return displayable(" · ".join(filter(None, lines)))

    def _ending(self) -> str:
        return describe_ending(self.answer) if self.answer else ""

    def _marks(self) -> list[str]:
        marks: list[str] = []
        if self.correction is not None:
            why = f" ({one_line(self.correction.rationale, 60)})" if self.correction.rationale else ""
            marks.append(f"± corrected by you{why}, d shows the change")
        if self.feedback is Feedback.ACCEPTED:
            marks.append("✓ accepted as good")
        elif self.feedback is Feedback.PREFERRED:
            marks.append("★ preferred")
        return marks


class ExchangeView(VerticalGround):
    """A question and its answers, oldest first."""

    def __init__(self, prompt: str, exchange: Exchange | None = None) -> None:
        super().__init__()
        self.prompt = prompt
        self.exchange = exchange

    def compose(self) -> ComposeResult:
        yield Static(Content(displayable(self.prompt)), classes="question")
        exchange = self.exchange
        for answer in exchange.answers if exchange else ():
            correction = exchange.correction_of(answer) if exchange else None
            yield AnswerView(answer.arm, answer, correction, exchange.feedback.get(answer.id) if exchange else None)

    @property
    def answers(self) -> list[AnswerView]:
        # Not by a query, which looks at everything within: it is asked for with every change of the focus.
        return [child for child in self.children if isinstance(child, AnswerView)]

    async def add_answer(self, arm: str) -> AnswerView:
        """A view for an answer that is about to stream."""
        view = AnswerView(arm)
        await self.mount(view)
        return view

    async def settle(self, exchange: Exchange) -> None:
        """Show everything as the log has it now."""
        self.exchange = exchange
        known = {view.answer.id for view in self.answers if view.answer is not None}
        fresh = [answer for answer in exchange.answers if answer.id not in known]
        for view in self.answers:
            answer = view.answer
            if answer is None and fresh:
                answer = fresh.pop(0)
            if answer is not None:
                await view.settle(answer, exchange.correction_of(answer), exchange.feedback.get(answer.id))
