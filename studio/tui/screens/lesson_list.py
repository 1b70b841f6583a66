"""The list of lessons: draws only the rows in view, so that thousands cost no more than a screenful."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from studio.domain.lessons import Lesson, LessonStatus
from studio.tui.plain_text import one_line


def states_of(lesson: Lesson) -> tuple[str, ...]:
    """A lesson's state in the words shown and filtered by."""
    if lesson.status is LessonStatus.RETIRED:
        return ("retired",)
    return ("active",) + ("pinned",) * lesson.pinned + ("weak",) * lesson.weak


class LessonList(ScrollView, can_focus=True):
    """Lessons one per line, the state in words at the right; `cursor` is the index of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home", "go_to(0)", "First", show=False),
        Binding("end", "go_to(-1)", "Last", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lesson-list--cursor", "lesson-list--retired", "lesson-list--state"}

    cursor: reactive[int | None] = reactive(None)

    @dataclass
    class Highlighted(Message):
        """Another lesson was chosen; None when none is listed."""

        lesson: Lesson | None

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  textual's own name for it
        super().__init__(id=id)
        self._lessons: Sequence[Lesson] = ()

    @property
    def lessons(self) -> Sequence[Lesson]:
        return self._lessons

    @property
    def highlighted(self) -> Lesson | None:
        return None if self.cursor is None else self._lessons[self.cursor]

    def show_lessons(self, lessons: Sequence[Lesson]) -> None:
        """List these. The lesson chosen before stays chosen where it is still listed."""
        before = self.highlighted
        self.set_reactive(LessonList.cursor, None)
        self._lessons = lessons
        self.virtual_size = Size(0, len(lessons))
        wanted = None if before is None else before.id
        same = next((index for index, lesson in enumerate(lessons) if lesson.id == wanted), None)
        if same is not None and lessons[same] == before:
            # All that is told of it stands there already: to draw it anew would keep the next letter waiting.
            self.set_reactive(LessonList.cursor, same)
            self._go_to_cursor(same)
        else:
            self.cursor = (same or 0) if lessons else None
        if not lessons:
            self.post_message(self.Highlighted(None))
        self.refresh()

    def validate_cursor(self, cursor: int | None) -> int | None:
        if cursor is None or not self._lessons:
            return None
        return max(0, min(cursor, len(self._lessons) - 1))

    def watch_cursor(self, cursor: int | None) -> None:
        if cursor is None:
            return
        self._go_to_cursor(cursor)
        self.refresh()
        self.post_message(self.Highlighted(self._lessons[cursor]))

    def _go_to_cursor(self, cursor: int) -> None:
        self.scroll_to_region(Region(0, cursor, 1, 1), animate=False, immediate=True)

    def action_move(self, rows: int) -> None:
        self.cursor = (self.cursor or 0) + rows

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self.scrollable_content_region.height - 1))

    def action_go_to(self, index: int) -> None:
        self.cursor = len(self._lessons) - 1 if index < 0 else index

    def on_click(self, event: events.Click) -> None:
        row = event.get_content_offset(self)
        if row is not None and (index := row.y + self.scroll_offset.y) < len(self._lessons):
            self.cursor = index

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if index >= len(self._lessons):
            return Strip.blank(width, self.rich_style)
        lesson = self._lessons[index]
        style, state_style = self.rich_style, self.get_component_rich_style("lesson-list--state")
        if lesson.status is LessonStatus.RETIRED:
            style = state_style = self.get_component_rich_style("lesson-list--retired")
        if index == self.cursor:
            style = state_style = self.get_component_rich_style("lesson-list--cursor")
        states = ", ".join(state for state in states_of(lesson) if state != "active")
        left = max(0, width - cell_len(states) - 3)
        title = set_cell_size(one_line(lesson.title), left)
        return Strip([Segment(f" {title} ", style), Segment(f"{states} ", state_style)]).adjust_cell_length(
            width, style
        )
