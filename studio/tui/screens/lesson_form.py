"""The form in which a lesson's fields are edited in place."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Label, TextArea

from studio.domain.lessons import Lesson, Scope
from studio.tui.plain_text import typed
from studio.tui.widgets.text_input import PlainTextArea

FIELDS: tuple[tuple[str, str], ...] = (
    ("title", "Title"),
    ("applies_when", "Applies when"),
    ("guidance", "What to do"),
    ("example_question", "Example question"),
    ("example_answer", "Example answer"),
    ("scope", "Holds for"),
)
"""The editable fields of a lesson, and what they are called on the screen."""


class LessonForm(VerticalScroll, can_focus=False):
    """One editor per field. Tab goes from one to the next; saving and leaving are the screen's."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  textual's own name for it
        super().__init__(id=id)
        self._lesson: Lesson | None = None

    def compose(self) -> ComposeResult:
        for name, label in FIELDS:
            yield Label(label)
            yield PlainTextArea(id=f"field-{name.replace('_', '-')}")

    def fill(self, lesson: Lesson) -> None:
        """Begin with this lesson's fields, the cursor at the end of the guidance: what is mended most."""
        self._lesson = lesson
        for name, _ in FIELDS:
            self._editor(name).load_text(typed(str(getattr(lesson, name))))
        guidance = self._editor("guidance")
        guidance.move_cursor(guidance.document.end)
        self.screen.set_focus(guidance)

    @property
    def edited(self) -> Lesson:
        """The lesson as the form has it now. A title is one line. Raises UsageError where the scope is none."""
        assert self._lesson is not None, "filled before"
        return replace(
            self._lesson,
            title=" ".join(self._text("title").split()),
            applies_when=self._text("applies_when"),
            guidance=self._text("guidance"),
            example_question=self._text("example_question"),
            example_answer=self._text("example_answer"),
            scope=Scope.parse(self._text("scope")),
        )

    @property
    def dirty(self) -> bool:
        if self._lesson is None:
            return False
        return any(self._editor(name).text != typed(str(getattr(self._lesson, name))) for name, _ in FIELDS)

    def _text(self, name: str) -> str:
        return self._editor(name).text.strip()

    def _editor(self, name: str) -> TextArea:
        return self.query_one(f"#field-{name.replace('_', '-')}", TextArea)
