"""One arm of a comparison: what it was given, its answer as it streams, what that cost, and whether it is right."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from studio.domain.arms import ArmRecipe
from studio.domain.checks import Verdict
from studio.domain.log import Answer, Correction, Given
from studio.tui.plain_text import displayable, one_line
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.first_word import FirstWordWait
from studio.tui.widgets.given import describe_cost, describe_ending, given_or_nothing
from studio.tui.widgets.ground import PlainText, ScrolledGround, VerticalGround
from studio.tui.widgets.streaming import StreamedMarkdown
from studio.tui.widgets.thinking import KEY, ThinkingView
from studio.tui.widgets.word_diff import DiffView, diff_content

if TYPE_CHECKING:
    from studio.tui.app import StudioApp

ARM_COLOURS = 6


class ArmState(StrEnum):
    """How far an arm is, by the sign its tab shows. RIGHT and WRONG are by the correction's own check."""

    IDLE = " "
    WRITING = "…"
    ANSWERED = "■"
    RIGHT = "✓"
    WRONG = "✗"
    FAILED = "!"


STATE_WORDS = {
    ArmState.IDLE: "",
    ArmState.WRITING: "writing…",
    ArmState.ANSWERED: "",
    ArmState.RIGHT: "right ✓",
    ArmState.WRONG: "wrong ✗",
    ArmState.FAILED: "failed !",
}

COLOURED = (ArmState.RIGHT, ArmState.WRONG, ArmState.FAILED)
"""The states that have a colour, and so a class, of their own."""


def describe_verdict(verdict: Verdict) -> str:
    """Right or wrong in words and by sign; for a wrong one what is missing or should not be there."""
    if verdict.ok:
        return "right ✓"
    reasons = "; ".join(one_line(reason, 120) for reason in verdict.reasons)
    return f"wrong ✗: {reasons}" if reasons else "wrong ✗"


class ArmPane(Vertical, can_focus=True):
    """Shows one arm. `position` is its place on the screen, counted from 1: the digit key that goes there.

    `name_seen`: what it shows stood under the arm's name at some time.
    """

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_answer(-1)", "Up", show=False),
        Binding("down", "scroll_answer(1)", "Down", show=False),
        Binding("pageup", "scroll_answer(-8)", "Page up", show=False),
        Binding("pagedown", "scroll_answer(8)", "Page down", show=False),
        Binding(KEY, "thinking", "Thinking", show=False, id="compare.thinking", tooltip="What it thought before"),
    ]

    class StateChanged(Message):
        """The arm began, ended, was judged, renamed or moved."""

        def __init__(self, pane: ArmPane) -> None:
            self.pane = pane
            super().__init__()

    def __init__(self, recipe: ArmRecipe, index: int) -> None:
        super().__init__(classes=f"-arm-{index % ARM_COLOURS + 1}")
        self.recipe = recipe
        self.index = index
        self.position = index + 1
        self.answer: Answer | None = None
        self.verdict: Verdict | None = None
        self.correction: Correction | None = None
        self.editor: AnswerEditor | None = None
        self.state = ArmState.IDLE
        self.preferred = False
        self.blind = False
        self.name_seen = False
        self._titles = ("", "")
        self._reworded = ""
        self._wait = FirstWordWait(self, self._describe)
        self._given: Given | None = None
        self._failure = ""
        self._shows_diff = False
        self._thinking = ThinkingView()

    def compose(self) -> ComposeResult:
        yield PlainText(classes="arm-given")
        # An anchored container keeps short content at its bottom; one child at least as tall keeps it at the top.
        with ScrolledGround(classes="arm-body", can_focus=False), VerticalGround(classes="arm-content"):
            yield self._thinking
            yield StreamedMarkdown(classes="arm-text")
            yield DiffView(classes="arm-diff")
        yield PlainText(classes="arm-verdict")

    def on_mount(self) -> None:
        self._describe()

    @property
    def display_name(self) -> str:
        """The arm's name, or while names are hidden its place."""
        return f"answer {self.position}" if self.blind else self.recipe.name

    @property
    def given_scale(self) -> float | None:
        """The scale its adapter was attached with."""
        return None if self._given is None else self._given.adapter_scale

    # While it streams ---------------------------------------------------------------------------------------------

    async def wait(self) -> None:
        """Forget the last answer; a new one has been asked for."""
        self.answer = self.verdict = self._given = None
        self._failure, self.preferred, self._shows_diff = "", False, False
        self.name_seen = not self.blind
        self._thinking.settle("")
        await self._text.finish("")
        self._wait.begin()
        self._change(ArmState.WRITING)

    def begin(self, given: Given) -> None:
        """The arm has been given this; its first token is on its way."""
        self._given = given
        self._wait.model_reads()
        self.query_one(".arm-body", ScrolledGround).anchor()
        cast("StudioApp", self.app).flusher.add(self._text)
        self._change(ArmState.WRITING)

    def write(self, delta: str, *, is_thinking: bool = False) -> None:
        if self._wait.end():
            self._change(ArmState.WRITING)
        into = self._thinking if is_thinking else self._text
        into.write(delta)

    async def finish(self, answer: Answer, verdict: Verdict | None, reworded: str) -> None:
        """The answer is whole; `verdict` and `reworded` as in `judge`."""
        self.answer = answer
        await self._end(answer)
        self.judge(verdict, reworded)

    async def fail(self, message: str, hint: str, answer: Answer | None) -> None:
        """There is no whole answer; what had arrived is shown with the reason."""
        self.answer = answer
        self._failure = " ".join(filter(None, (message, hint)))
        await self._end(answer)
        self._change(ArmState.FAILED)

    async def stop(self) -> None:
        """The question was cancelled: what had arrived stays on the screen, but is no answer to judge."""
        self._wait.end()
        if self.state is ArmState.WRITING:
            self._failure = "cancelled"
            await self._text.flush()
            cast("StudioApp", self.app).flusher.remove(self._text)
            self._change(ArmState.FAILED)

    async def _end(self, answer: Answer | None) -> None:
        self._wait.end()
        self._thinking.settle(answer.thinking if answer else "")
        cast("StudioApp", self.app).flusher.remove(self._text)
        await self._text.finish(answer.text if answer else "")
        self._to_top()

    def _to_top(self) -> None:
        """A whole answer is read from its beginning, unless the user has scrolled already."""
        body = self.query_one(".arm-body", ScrolledGround)
        follows = body.is_vertical_scroll_end
        body.anchor(False)
        if follows:
            body.scroll_home(animate=False)

    # Once it is settled -------------------------------------------------------------------------------------------

    def judge(self, verdict: Verdict | None, reworded: str = "") -> None:
        """Right or wrong by the check of the correction in force; None where there is none.

        `reworded` is the question that was corrected, where another one was asked.
        """
        self.verdict = verdict
        self._reworded = reworded
        if verdict is None:
            self._change(ArmState.ANSWERED)
        else:
            self._change(ArmState.RIGHT if verdict.ok else ArmState.WRONG)

    def show_diff(self, correction: Correction | None, *, shown: bool) -> None:
        """Show the answer's difference from the correction, or the answer itself."""
        self.correction = correction
        self._shows_diff = shown and correction is not None and self.answer is not None
        if self._shows_diff and correction is not None and self.answer is not None:
            self.query_one(DiffView).update(diff_content(self.answer.text, correction.corrected))
        self._describe()

    def set_blind(self, blind: bool) -> None:
        """Hide or show whatever tells which arm this is."""
        self.blind = blind
        self.name_seen = self.name_seen or not blind
        self.set_class(blind, "-blind")
        self._change(self.state)

    def set_preferred(self, preferred: bool) -> None:
        self.preferred = preferred
        self._change(self.state)

    def move_to(self, position: int) -> None:
        """It has another place on the screen now."""
        self.position = position
        self._change(self.state)

    async def edit(self, text: str | None = None, rationale: str = "", labels: Sequence[str] = ()) -> None:
        """Put an editor in the place of the answer; it has the focus when this returns.

        It begins with the answer, or with this text, and with this rationale and these labels.
        """
        assert self.answer is not None, "only a whole answer is edited"
        self.editor = AnswerEditor(
            self.answer.text, starting_text=text, starting_rationale=rationale, starting_labels=labels
        )
        await self.query_one(".arm-content").mount(self.editor)
        self._describe()

    async def close_editor(self) -> None:
        editor, self.editor = self.editor, None
        if editor is not None:
            await editor.remove()
        self._describe()
        self.screen.set_focus(self)

    def action_thinking(self) -> None:
        self._thinking.toggle()

    def action_scroll_answer(self, lines: int) -> None:
        body = self.query_one(".arm-body", ScrolledGround)
        body.release_anchor()
        body.scroll_relative(y=lines, animate=False)

    # Words --------------------------------------------------------------------------------------------------------

    @property
    def _text(self) -> StreamedMarkdown:
        return self.query_one(StreamedMarkdown)

    def _change(self, state: ArmState) -> None:
        self.state = state
        self._describe()
        self.post_message(self.StateChanged(self))

    def _describe(self) -> None:
        mark = " ★ preferred" if self.preferred else ""
        state = self._wait.words or STATE_WORDS[self.state]
        self._entitle(displayable(f"{self.position} {self.display_name}{mark}"), state)
        self._say(".arm-given", self._given_words())
        self._say(".arm-verdict", self._verdict_words())
        self._text.display = self.editor is None and not self._shows_diff
        self.query_one(DiffView).display = self.editor is None and self._shows_diff
        # At once: each change of class looks up the styles of everything in the pane.
        self.update_classes({f"-{state.name.lower()}": state is self.state for state in COLOURED})

    def _entitle(self, title: str, subtitle: str) -> None:
        """Both stand in the border: to set one draws it anew, also where nothing has changed."""
        if (title, subtitle) != self._titles:
            self._titles = (title, subtitle)
            self.border_title, self.border_subtitle = Content(title), subtitle

    def _given_words(self) -> str:
        if self._given is None:
            return ""
        return "names are hidden" if self.blind else f"given: {given_or_nothing(self._given)}"

    def _verdict_words(self) -> str:
        ending = describe_ending(self.answer) if self.answer else ""
        verdict = describe_verdict(self.verdict) if self.verdict else ""
        if verdict and self._reworded:
            verdict += f" (judged as “{one_line(self._reworded, 48)}”)"
        cost = describe_cost(self.answer) if self.answer and not self.blind else ""
        return displayable("\n".join(filter(None, (self._failure or verdict, self._failure and ending, cost))))

    def _say(self, part: str, words: str) -> None:
        widget = self.query_one(part, PlainText)
        if widget.content != words:
            widget.update(words)
        widget.set_class(not words, "-empty")
