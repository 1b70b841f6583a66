"""One lesson in full: its fields, the corrections it was learnt from, and the answers it was given to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static, TabbedContent, TabPane

from studio.domain.lessons import Lesson, LessonKind, LessonStatus, LessonUse
from studio.domain.log import Correction, Origin
from studio.domain.plural import plural
from studio.tui.plain_text import displayable, one_line
from studio.tui.screens.lesson_form import FIELDS, LessonForm
from studio.tui.screens.lesson_list import states_of
from studio.tui.screens.local_time import local_time
from studio.tui.widgets.word_diff import diff_content

ORIGIN_WORDS = {
    Origin.CHAT: "in Chat",
    Origin.COMPARE: "in Compare",
    Origin.COMMAND: "on the command line",
    Origin.DEMO: "in the demonstration",
    Origin.IMPORTED: "imported",
}


class DetailTab(StrEnum):
    LESSON = "lesson"
    SOURCES = "sources"
    USES = "uses"


class LessonDetail(Vertical):
    """Three tabs about the lesson last given to `show_lesson`. Editing swaps the first tab's text for a form."""

    DEFAULT_TAB: ClassVar[DetailTab] = DetailTab.LESSON

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  textual's own name for it
        super().__init__(id=id)
        self._uses: Sequence[LessonUse] = ()

    def compose(self) -> ComposeResult:
        with TabbedContent(initial=self.DEFAULT_TAB):
            with TabPane("Lesson", id=DetailTab.LESSON):
                with VerticalScroll(id="lesson-text-scroll"):
                    yield Static(id="lesson-text", markup=False)
                yield LessonForm(id="lesson-form")
            with TabPane("Source", id=DetailTab.SOURCES), VerticalScroll():
                yield Static(id="lesson-sources", markup=False)
            with TabPane("Used in", id=DetailTab.USES):
                yield DataTable[Text](id="lesson-uses", cursor_type="row", zebra_stripes=True)
                with VerticalScroll(id="lesson-use-scroll"):
                    yield Static(id="lesson-use", markup=False)

    def on_mount(self) -> None:
        self.query_one(LessonForm).display = False
        table = self.query_one(DataTable)
        for label, width in (("when", 16), ("arm", 14), ("score", 5), ("question", 60)):
            table.add_column(label, width=width)

    @property
    def tab(self) -> DetailTab:
        return DetailTab(self.query_one(TabbedContent).active)

    @tab.setter
    def tab(self, tab: DetailTab) -> None:
        self.query_one(TabbedContent).active = tab

    @property
    def editing(self) -> bool:
        return self.query_one(LessonForm).display

    def show_lesson(self, lesson: Lesson, titles: Mapping[str, str], labels: Sequence[str] = ()) -> None:
        """Show its fields; `titles` by lesson id names the newer one that replaced it, `labels` are its question's."""
        self.query_one("#lesson-text", Static).update(_fields_content(lesson, titles, labels))

    def show_nothing(self, words: str) -> None:
        """No lesson is chosen: `words` say why and what to do."""
        for part in ("#lesson-text", "#lesson-sources", "#lesson-use"):
            self.query_one(part, Static).update(words)
        self.query_one(DataTable).clear()

    def show_sources(self, sources: Sequence[Correction]) -> None:
        shown = [_source_content(source) for source in sources]
        nothing = Content("The corrections it came from are no longer in the log.")
        self.query_one("#lesson-sources", Static).update(Content("\n\n").join(shown) if shown else nothing)

    def show_uses(self, uses: Sequence[LessonUse]) -> None:
        self._uses = uses
        table = self.query_one(DataTable)
        table.clear()
        table.display = bool(uses)
        for use in uses:
            cells = (local_time(use.created_at), use.arm, f"{use.score:.2f}", use.prompt)
            table.add_row(*(Text(one_line(cell)) for cell in cells))
        if not uses:
            nowhere = "Not given to any answer yet. Ask something it applies to, in Chat or Compare."
            self.query_one("#lesson-use", Static).update(nowhere)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        if event.cursor_row < len(self._uses):
            self.query_one("#lesson-use", Static).update(_use_content(self._uses[event.cursor_row]))

    def open_form(self, lesson: Lesson) -> None:
        """Put the form in the place of the text."""
        self.tab = DetailTab.LESSON
        self._swap(to_form=True)
        self.query_one(LessonForm).fill(lesson)

    def close_form(self) -> None:
        self._swap(to_form=False)

    def _swap(self, *, to_form: bool) -> None:
        self.query_one("#lesson-text-scroll").display = not to_form
        self.query_one(LessonForm).display = to_form
        for tab in (DetailTab.SOURCES, DetailTab.USES):
            self.query_one(TabbedContent).get_tab(tab).disabled = to_form


def state_sentence(lesson: Lesson, titles: Mapping[str, str]) -> str:
    """The state in words; of a retired lesson why, and by which newer one."""
    if lesson.status is LessonStatus.RETIRED:
        reason = f": {lesson.retired_reason}" if lesson.retired_reason else ""
        newer = f"; replaced by '{titles.get(lesson.replaced_by, lesson.replaced_by)}'" if lesson.replaced_by else ""
        return f"retired{reason}{newer}. It is not given any more; o restores it."
    notes = ["given with every question"] * lesson.pinned + ["re-applied, it did not mend its own answer"] * lesson.weak
    words = ", ".join(states_of(lesson))
    return f"{words} ({'; '.join(notes)})" if notes else words


def _fields_content(lesson: Lesson, titles: Mapping[str, str], labels: Sequence[str]) -> Content:
    count = len(lesson.source_ids)
    rows = [
        ("State", state_sentence(lesson, titles)),
        *((label, getattr(lesson, name) or "-") for name, label in FIELDS[1:-1]),
        ("Kind", "style: how answers are written" if lesson.kind is LessonKind.STYLE else "fact"),
        ("Holds for", lesson.scope.in_words),
        *([("Labels", ", ".join(labels))] if labels else []),
        ("Learnt from", plural(count, "correction")),
        (
            "Made",
            f"{local_time(lesson.created_at)}, changed {local_time(lesson.updated_at)}, revision {lesson.revision}",
        ),
    ]
    return Content.assemble(_heading(lesson.title), "\n\n", _rows_content(rows))


def _source_content(source: Correction) -> Content:
    state = "undone" if source.undone else "superseded by a later one" if source.superseded_by else "in force"
    where = ORIGIN_WORDS.get(source.origin, f"in {source.origin}")
    rows = [("Corrected", f"{local_time(source.created_at)}, {where}, {state}")]
    if source.arm:
        rows.append(("Answered by", source.arm))
    if source.history:
        rows.append(("After", f"{len(source.history)} earlier messages"))
    notes = (("Why", source.rationale), ("Labels", ", ".join(source.labels)), ("Said", source.feedback))
    rows += [(label, text) for label, text in notes if text]
    if source.original:
        rows.append(("Answer was", source.original))
    rows.append(("Corrected to", source.corrected))
    parts: list[str | Content] = [_heading(source.prompt), "\n\n", _rows_content(rows)]
    if source.original:
        parts += ["\n", Content.styled("Changed: ", "bold"), diff_content(source.original, source.corrected)]
    return Content.assemble(*parts)


def _use_content(use: LessonUse) -> Content:
    return Content.assemble(_heading(use.prompt), "\n\n", displayable(use.answer))


def _heading(text: str) -> Content:
    return Content.styled(displayable(text), "bold $text-primary")


def _rows_content(rows: Sequence[tuple[str, str]]) -> Content:
    lines = [Content.assemble((f"{label}: ", "bold"), displayable(value)) for label, value in rows]
    return Content("\n").join(lines)
