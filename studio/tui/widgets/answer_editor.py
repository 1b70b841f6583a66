"""An answer being corrected: its text in an editor, and what changed so far; if wanted, why, and labels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, TextArea

from studio.tui.plain_text import typed
from studio.tui.widgets.text_input import LineInput, PlainTextArea
from studio.tui.widgets.word_diff import DiffView, diff_content

if TYPE_CHECKING:
    from studio.domain.log import Correction
    from studio.tui.screens.studio_screen import StudioScreen

DIFF_DELAY_S = 0.15
REDO_FLUSH_S = 1 / 12
CORRECTION = ("Correction", "f7 selects all · ctrl+s saves · esc leaves")
UNCHANGED = "What you change is marked here: [-deleted-] {+inserted+}"


class AnswerEditor(Vertical):
    """Edits `original` into a correction. With `feedback` the text comes from the model: `write`, then `written`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save correction", id="editor.save", tooltip="Save the correction and learn from it"),
        Binding("escape", "leave", "Leave", id="editor.leave", tooltip="Leave the editor without saving"),
    ]

    class Saved(Message):
        """The user wants this text kept as the correction. The editor stays until the screen removes it."""

        def __init__(self, editor: AnswerEditor) -> None:
            self.editor = editor
            super().__init__()

    class Left(Message):
        """The user leaves without saving; `editor.dirty` says whether text would be lost."""

        def __init__(self, editor: AnswerEditor) -> None:
            self.editor = editor
            super().__init__()

    def __init__(
        self,
        original: str,
        *,
        feedback: str = "",
        starting_text: str | None = None,
        starting_rationale: str = "",
        starting_labels: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.original = typed(original)
        self.feedback = feedback
        self._starting_text = "" if feedback else typed(original if starting_text is None else starting_text)
        self._starting_rationale = typed(starting_rationale)
        self._starting_labels = tuple(map(typed, starting_labels))
        self._area = PlainTextArea(self._starting_text, read_only=bool(feedback), classes="answer-text")
        self._diff = DiffView()
        self._diff_timer: Timer | None = None
        self._arrived: list[str] = []
        self._flush_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Container(classes="editor-panes"):
            yield self._area
            with VerticalScroll(classes="editor-diff", can_focus=False):
                yield self._diff
        with Horizontal(classes="editor-notes"):
            yield LineInput(self._starting_rationale, placeholder="Why? (optional)", compact=True, classes="rationale")
            labels = ", ".join(self._starting_labels)
            yield LineInput(labels, placeholder="Labels: one, another (optional)", compact=True, classes="labels")

    def on_mount(self) -> None:
        if self.writing:
            self.border_title, self.border_subtitle = "The model tries again…", "esc stops it"
            self._flush_timer = self.set_interval(REDO_FLUSH_S, self._draw_arrived)
        else:
            self.border_title, self.border_subtitle = CORRECTION
            self._area.move_cursor(self._area.document.end)
            self._compare()
        self.screen.set_focus(self._area)

    @property
    def text(self) -> str:
        return self._area.text

    @property
    def rationale(self) -> str:
        return self.query_one(".rationale", Input).value.strip()

    @property
    def labels(self) -> tuple[str, ...]:
        """What kind of error it was, in words of the user's: Curves and reports tell by them."""
        return tuple(filter(None, (label.strip() for label in self.query_one(".labels", Input).value.split(","))))

    def same_as(self, correction: Correction) -> bool:
        """Whether saving would say nothing that this correction does not."""
        return (self.text.strip(), self.rationale, self.labels) == (
            correction.corrected.strip(),
            correction.rationale,
            correction.labels,
        )

    @property
    def writing(self) -> bool:
        """Whether the model is still redoing the answer."""
        return self._area.read_only

    @property
    def dirty(self) -> bool:
        """Whether leaving would lose words of the user's own."""
        return (self.text, self.rationale, self.labels) != (
            self._starting_text,
            self._starting_rationale.strip(),
            self._starting_labels,
        )

    def write(self, delta: str) -> None:
        """Take in more of the model's new attempt."""
        self._arrived.append(delta)

    def written(self) -> None:
        """The new attempt is over, whole or not: from here on the user edits it."""
        if self._flush_timer is not None:
            self._flush_timer.stop()
        self._draw_arrived()
        if not self.text.strip():
            self._area.load_text(self.original)
        self._starting_text = self.text
        self._area.read_only = False
        self.border_title, self.border_subtitle = CORRECTION
        self._compare()

    def action_save(self) -> None:
        if self.writing:
            self.notify("The model is still writing; esc stops it.")
        else:
            self.post_message(self.Saved(self))

    def action_leave(self) -> None:
        self.post_message(self.Left(self))

    @on(Input.Submitted)
    def _save_from_notes(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_save()

    @on(TextArea.Changed)
    def _compare_soon(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._diff_timer is not None:
            self._diff_timer.stop()
        self._diff_timer = self.set_timer(DIFF_DELAY_S, self._compare)

    def _draw_arrived(self) -> None:
        if self._arrived:
            self._area.insert(typed("".join(self._arrived)), self._area.document.end, maintain_selection_offset=False)
            self._area.scroll_end(animate=False)
            self._arrived.clear()

    def _compare(self) -> None:
        screen = cast("StudioScreen", self.screen)
        screen.start(self._draw_diff(self.text), group=f"diff-{id(self)}", exclusive=True)

    async def _draw_diff(self, text: str) -> None:
        if text == self.original:
            content = Content.styled(UNCHANGED, "$foreground-muted")
        else:
            content = await asyncio.to_thread(diff_content, self.original, text)
        if self.is_attached:
            self._diff.update(content)


def editor_of(answer: str, earlier: Correction | None, feedback: str = "") -> AnswerEditor:
    """For an answer that may have been corrected before: it begins with that correction, and all that was said of it.

    What is saved takes its place, and would be learnt without what is left out here.
    """
    if earlier is None:
        return AnswerEditor(answer, feedback=feedback)
    editor = AnswerEditor(
        answer,
        feedback=feedback,
        starting_text=earlier.corrected,
        starting_rationale=earlier.rationale,
        starting_labels=earlier.labels,
    )
    editor.feedback = feedback or earlier.feedback
    return editor
