"""One answer in the transcript: by whom and with what, its text, what became of it; and the editor in its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from studio.tui.plain_text import displayable, one_line
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.first_word import FirstWordWait
from studio.tui.widgets.given import describe_cost, describe_ending, describe_given
from studio.tui.widgets.ground import PlainText, SizeKept, VerticalGround
from studio.tui.widgets.markdown_text import MarkdownText
from studio.tui.widgets.streaming import StreamedMarkdown
from studio.tui.widgets.thinking import KEY, ThinkingView
from studio.tui.widgets.word_diff import DiffView, diff_content

if TYPE_CHECKING:
    from studio.domain.log import Answer, Correction, Feedback, Given
    from studio.services.converse import Exchange
    from studio.tui.app import StudioApp


class AnswerView(SizeKept, Vertical, can_focus=True):
    """An answer, streaming or settled. Focus selects it.

    One that was settled when it was mounted, without thinking, is drawn by one widget until it is edited: of a long
    conversation so many are laid out with every page.
    """

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
        self._given = answer.given if answer else None
        self._failure = ""
        self._wait = FirstWordWait(self, self._describe)
        self._diff: DiffView | None = None
        self._parts: _Parts | None = None
        self._whole: MarkdownText | None = None
        if answer is None or answer.thinking:
            self._parts = _Parts(self._words, answer.thinking if answer else "")
        else:
            self._whole = MarkdownText(displayable(self._words), above=self._by(), below=Content(self._became()))

    def compose(self) -> ComposeResult:
        yield from (self._parts or filter(None, (self._whole,)))

    def on_mount(self) -> None:
        if self.answer is None:
            self._wait.begin()
        self._describe()

    @property
    def _words(self) -> str:
        """The answer, or what it was corrected to."""
        return self.correction.corrected if self.correction else self.answer.text if self.answer else ""

    async def _apart(self) -> _Parts:
        """In widgets of its own for each part, where it was drawn by one."""
        if self._parts is None:
            self._parts = _Parts(self._words)
            whole, self._whole = self._whole, None
            with self.app.batch_update():
                await self.mount(*self._parts, before=0)
                self._describe()
                if whole is not None:
                    await whole.remove()
        return self._parts

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if not self.has_focus_within:  # a click into its editor chooses a field there
            self.focus()

    def action_other(self, step: int) -> None:
        self.post_message(self.Moved(step))

    def action_thinking(self) -> None:
        if self._parts is not None:
            self._parts.thinking.toggle()

    # While it streams ---------------------------------------------------------------------------------------------

    def begin(self, given: Given) -> None:
        """The arm has been given this; its first token is on its way."""
        self.begun = True
        self._given = given
        self._wait.model_reads()
        self._describe()
        if self._parts is not None:
            cast("StudioApp", self.app).flusher.add(self._parts.text)

    def write(self, delta: str, *, is_thinking: bool = False) -> None:
        if self._wait.end():
            self._describe()
        if self._parts is not None:
            into = self._parts.thinking if is_thinking else self._parts.text
            into.write(delta)

    def fail(self, message: str, hint: str) -> None:
        """Why there is no whole answer, in words."""
        self._wait.end()
        self._failure = " ".join(filter(None, (message, hint)))

    # Once it is settled -------------------------------------------------------------------------------------------

    async def settle(self, answer: Answer | None, correction: Correction | None, feedback: Feedback | None) -> None:
        """Show the answer as the log has it: corrected, accepted, cancelled or failed."""
        self._wait.end()
        before = self._words
        self.answer = answer or self.answer
        self.correction, self.feedback = correction, feedback
        if self.answer is not None:
            self._given = self.answer.given
        if self._whole is not None and self._words != before:
            self._whole.set_text(displayable(self._words))
        if self._parts is not None:
            cast("StudioApp", self.app).flusher.remove(self._parts.text)
            if self.answer is not None:
                self._parts.thinking.settle(self.answer.thinking)
                await self._parts.text.finish(self._words)
            self._show_diff(self._parts, shown=self._shows_diff)
        self._describe()

    async def toggle_diff(self) -> None:
        """Show what the correction changed, or the corrected text again."""
        self._show_diff(await self._apart(), shown=not self._shows_diff)

    @property
    def _shows_diff(self) -> bool:
        return self._diff is not None and self._diff.display

    def _show_diff(self, parts: _Parts, *, shown: bool) -> None:
        correction = self.correction if shown else None
        if correction is not None:
            if self._diff is None:
                self._diff = DiffView(classes="answer-diff")
                self.mount(self._diff, after=parts.text)
            self._diff.update(diff_content(correction.original, correction.corrected))
        if self._diff is not None:
            self._diff.display = correction is not None
        self._show_text(parts)

    # The editor in its place --------------------------------------------------------------------------------------

    async def edit(self, editor: AnswerEditor) -> None:
        """Put an editor in the place of the text; it has the focus when this returns."""
        self.editor = editor
        parts = await self._apart()
        await self.mount(editor, before=parts.status)
        self._show_text(parts)

    async def close_editor(self) -> None:
        """Take the editor away and show the text again."""
        editor, self.editor = self.editor, None
        if editor is not None:
            await editor.remove()
        self._show_text(await self._apart())
        self.screen.set_focus(self)

    def _show_text(self, parts: _Parts) -> None:
        parts.text.display = self.editor is None and not self._shows_diff
        self.set_class(self.editor is not None, "-editing")

    # Words --------------------------------------------------------------------------------------------------------

    def _describe(self) -> None:
        if self._parts is not None:
            self._parts.say(self._by(), self._became())
        elif self._whole is not None:
            self._whole.frame(self._by(), Content(self._became()))
        self.set_class(self.correction is not None, "-corrected")
        self.set_class(bool(self._failure or self._ending()), "-broken")

    def _by(self) -> Content:
        """By which arm, and with what."""
        return Content.assemble(
            (self.arm, "bold"), (f"  {describe_given(self._given) if self._given else ''}", "$foreground-muted")
        )

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
        from studio.domain.log import Feedback

        marks: list[str] = []
        if self.correction is not None:
            why = f" ({one_line(self.correction.rationale, 60)})" if self.correction.rationale else ""
            labels = f" [{one_line(', '.join(self.correction.labels), 40)}]" if self.correction.labels else ""
            marks.append(f"± corrected by you{why}{labels}, d shows the change")
        if self.feedback is Feedback.ACCEPTED:
            marks.append("✓ accepted as good")
        elif self.feedback is Feedback.PREFERRED:
            marks.append("★ preferred")
        return marks


class _Parts:
    """An answer in widgets of its own for by whom it is, what was thought, its text, and what became of it."""

    def __init__(self, text: str = "", thinking: str = "") -> None:
        self.title = Static(markup=False, classes="answer-title")
        self.thinking = ThinkingView(thinking)
        self.text = StreamedMarkdown(text)
        self.status = Static(markup=False, classes="answer-status")

    def __iter__(self) -> Iterator[Widget]:
        return iter((self.title, self.thinking, self.text, self.status))

    def say(self, by: Content, became: str) -> None:
        # Only where they change: each change lays the whole transcript out anew.
        for part, words in ((self.title, by), (self.status, became)):
            if part.content != words:
                part.update(words)
        self.status.set_class(not became, "-empty")


class ExchangeView(VerticalGround):
    """A question and its answers, oldest first."""

    def __init__(self, prompt: str, exchange: Exchange | None = None) -> None:
        super().__init__()
        self.prompt = prompt
        self.exchange = exchange

    def compose(self) -> ComposeResult:
        yield PlainText(displayable(self.prompt), classes="question")
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
