"""The lesson browser: filter, read, edit, pin, retire and restore lessons; where each came from and was used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input, Static, TabbedContent

from studio.domain.lessons import Lesson, LessonStatus
from studio.services import browse_lessons
from studio.services.studio import Studio
from studio.tui.plain_text import one_line
from studio.tui.screens.label_choice import NO_LABELS
from studio.tui.screens.lesson_detail import DetailTab, LessonDetail
from studio.tui.screens.lesson_filter import choose_label_word, count_words, haystack, matching, number_words
from studio.tui.screens.lesson_form import LessonForm
from studio.tui.screens.lesson_list import LessonList
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.dialogs import ConfirmDialog

SETTLE_S = 0.12
"""How long typing or moving must pause before the list is filtered or a lesson's history is read."""

FIRST_PAGE = 200

NO_LESSONS = (
    "No lessons yet.\n\nCorrect an answer in Chat (F2): ask something, press e on the answer, mend it, ctrl+s. "
    "What the correction teaches appears here, and is given to later questions it fits."
)
FILTER_HINT = "Words, label:…, pinned, weak, retired"
NO_MATCH = "No lesson has all these words. Clear the filter with Esc."


class LessonsScreen(StudioScreen):
    """The list at one side, the chosen lesson at the other."""

    MODE = "lessons"
    CSS_PATH = "../styles/lessons.tcss"
    AUTO_FOCUS = "LessonList"
    HELP = """\
What your corrections taught, in a form that can be given to a model. A fact is found by its likeness to the question, a
rule of style by the answers it holds for. To change these, press e and write under "Holds for" every, questions, dates,
times, money, lists, steps, messages and so on; 'messages with student, pupil' wants one of the words in the question.
A pinned lesson is given with every question. A weak one did not mend its own answer when it was tried. A retired one is
kept but never given, often because a newer one replaced it. The filter (s) finds lessons that have all its words;
'label:tone', which l writes for you, those of questions to which you gave that label when you corrected."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "search", "Filter", id="lessons.search", tooltip="Type words to filter the list by"),
        Binding("l", "label", "Label", id="lessons.label", tooltip="Only the lessons with one label, or all again"),
        Binding("e", "edit", "Edit", id="lessons.edit", tooltip="Edit this lesson's words in place"),
        Binding("p", "pin", "Pin", id="lessons.pin", tooltip="Pinned, a lesson is given with every question"),
        Binding("x", "retire", "Retire", id="lessons.retire", tooltip="Take it out of use; nothing is deleted"),
        Binding("o", "restore", "Restore", id="lessons.restore", tooltip="Put this retired lesson back into use"),
        Binding("g", "sources", "Source", id="lessons.sources", tooltip="The correction this lesson was learnt from"),
        Binding("u", "uses", "Used in", id="lessons.uses", tooltip="The answers this lesson was given to"),
        Binding("ctrl+s", "save", "Save", id="lessons.save", tooltip="Save the edited lesson"),
        Binding("escape", "back", "Back", id="lessons.back", tooltip="Leave the form, the filter or the tab"),
    ]

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._all: list[Lesson] = []
        self._haystacks: list[str] = []
        self._titles: dict[str, str] = {}
        self._labels: Mapping[str, tuple[str, ...]] = {}
        self._newest: asyncio.Future[tuple[list[Lesson], int]] | None = None
        self._loaded = False
        self._filter_settles: Timer | None = None
        self._choice_settles: Timer | None = None
        self._offered: tuple[bool, bool] | None = None

    def compose_body(self) -> ComposeResult:
        # Read while the screen is built: of an old log both take as long.
        self._newest = asyncio.ensure_future(browse_lessons.newest_lessons(self.studio, FIRST_PAGE))
        with Horizontal(id="lessons-body"):
            with Vertical(id="lessons-left"):
                yield Input(placeholder=FILTER_HINT, id="lessons-filter", compact=True)
                yield Static("Reading lessons…", id="lessons-count", markup=False)
                yield LessonList(id="lessons-list")
            yield LessonDetail(id="lessons-detail")

    def on_mount(self) -> None:
        self._reload()

    def on_log_changed(self) -> None:
        self._reload()

    # The list -----------------------------------------------------------------------------------------------------

    def _reload(self) -> None:
        self.start(self._load(), group="lessons-load", exclusive=True)

    async def _load(self) -> None:
        if not self._loaded:
            await self._show_newest()
        found = await browse_lessons.lessons(self.studio)
        found.reverse()
        labels = await browse_lessons.labels_of_lessons(self.studio)
        self._haystacks = await asyncio.to_thread(lambda: [haystack(one, labels.get(one.id, ())) for one in found])
        self._labels = labels
        self._all = found
        self._titles = {lesson.id: lesson.title for lesson in found}
        self._loaded = True
        await self._filter()

    async def _show_newest(self) -> None:
        """Of a long list the first page, until all of it has been read."""
        assert self._newest is not None, "read since the screen was built"
        newest, in_all = await asyncio.shield(self._newest)
        if len(newest) < in_all:
            self.query_one(LessonList).show_lessons(newest)
            self.query_one("#lessons-count", Static).update(number_words(in_all), layout=False)
            await self.drawn()

    async def _filter(self) -> None:
        words = self.query_one("#lessons-filter", Input).value.casefold().split()
        everything, haystacks = self._all, self._haystacks
        matches = everything if not words else await asyncio.to_thread(matching, everything, haystacks, words)
        self.query_one(LessonList).show_lessons(matches)
        self.query_one("#lessons-count", Static).update(count_words(matches, everything), layout=False)

    @on(Input.Changed, "#lessons-filter")
    def _filter_later(self) -> None:
        if self._filter_settles is not None:
            self._filter_settles.stop()
        self._filter_settles = self.set_timer(SETTLE_S, self._filter_now)

    def _filter_now(self) -> None:
        if not self._loaded:
            return  # it is filtered when all is there
        self.start(self._filter(), group="lessons-filter", exclusive=True)

    @on(Input.Submitted, "#lessons-filter")
    def _to_list(self) -> None:
        self.query_one(LessonList).focus()

    # The chosen lesson --------------------------------------------------------------------------------------------

    @property
    def _chosen(self) -> Lesson | None:
        return self.query_one(LessonList).highlighted

    @property
    def _detail(self) -> LessonDetail:
        return self.query_one(LessonDetail)

    @on(LessonList.Highlighted)
    def _show(self, event: LessonList.Highlighted) -> None:
        if event.lesson is None:
            self._detail.show_nothing(NO_MATCH if self._all else NO_LESSONS)
        else:
            self._detail.show_lesson(event.lesson, self._titles, self._labels.get(event.lesson.id, ()))
            self._read_history_later()
        # Redrawing the footer costs more than moving the cursor: only where it would change.
        offered = (event.lesson is not None, event.lesson is not None and event.lesson.status is LessonStatus.RETIRED)
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    @on(TabbedContent.TabActivated)
    def _follow_tab(self) -> None:
        self.refresh_bindings()
        self._read_history_later()

    def _read_history_later(self) -> None:
        if self._choice_settles is not None:
            self._choice_settles.stop()
        self._choice_settles = self.set_timer(SETTLE_S, self._read_history_now)

    def _read_history_now(self) -> None:
        if (lesson := self._chosen) is not None:
            self.start(self._read_history(lesson.id), group="lessons-history", exclusive=True)

    async def _read_history(self, lesson_id: str) -> None:
        if self._detail.tab is DetailTab.SOURCES:
            self._detail.show_sources(await browse_lessons.lesson_sources(self.studio, lesson_id))
        elif self._detail.tab is DetailTab.USES:
            self._detail.show_uses(await browse_lessons.lesson_uses(self.studio, lesson_id))

    # Actions ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action not in ("search", "label", "edit", "pin", "retire", "restore", "sources", "uses", "save", "back"):
            return True
        if not self.is_mounted or self._detail.editing or action == "save":
            return self.is_mounted and self._detail.editing and action in ("save", "back")
        lesson = self._chosen
        retired = lesson is not None and lesson.status is LessonStatus.RETIRED
        filters = self.query_one("#lessons-filter", Input)
        return {
            "search": bool(self._all),
            "label": bool(self._all),
            # Of the two only the one that makes sense is offered.
            "retire": lesson is not None and not retired,
            "restore": retired,
            "back": self.focused is filters or bool(filters.value) or self._detail.tab is not DetailTab.LESSON,
        }.get(action, lesson is not None)

    def action_search(self) -> None:
        self.set_focus(self.query_one("#lessons-filter", Input))

    def action_label(self) -> None:
        if self._labels:
            self.start(self._choose_label(), group="lessons-label", exclusive=True)
        else:
            self.notify(NO_LABELS)

    async def _choose_label(self) -> None:
        filters = self.query_one("#lessons-filter", Input)
        if (words := await choose_label_word(self.app, filters.value, self._labels)) is not None:
            filters.value = words

    def action_sources(self) -> None:
        self._toggle_tab(DetailTab.SOURCES)

    def action_uses(self) -> None:
        self._toggle_tab(DetailTab.USES)

    def _toggle_tab(self, tab: DetailTab) -> None:
        self._detail.tab = DetailTab.LESSON if self._detail.tab is tab else tab

    def action_pin(self) -> None:
        if (lesson := self._chosen) is not None:
            done = "Unpinned" if lesson.pinned else "Pinned: given with every question from now on"
            self._change(browse_lessons.pin_lesson(self.studio, lesson.id, not lesson.pinned), done)

    def action_retire(self) -> None:
        if (lesson := self._chosen) is not None:
            self._change(browse_lessons.retire_lesson(self.studio, lesson.id), "Retired: never given any more")

    def action_restore(self) -> None:
        if (lesson := self._chosen) is not None:
            self._change(browse_lessons.restore_lesson(self.studio, lesson.id), "Restored")

    def _change(self, change: Awaitable[Lesson], done: str) -> None:
        self.start(self._await_change(change, done), group="lessons-change")

    async def _await_change(self, change: Awaitable[Lesson], done: str) -> None:
        lesson = await change
        self.notify(f"{done}: {one_line(lesson.title)}")
        self.studio_app.log_changed()

    def action_edit(self) -> None:
        if (lesson := self._chosen) is not None:
            self._set_editing(lesson)

    def action_save(self) -> None:
        self.start(self._save(), group="lessons-change")

    async def _save(self) -> None:
        form = self.query_one(LessonForm)
        if form.dirty:
            saved = await browse_lessons.edit_lesson(self.studio, form.edited)
            self.notify(f"Saved: {one_line(saved.title)}")
            self.studio_app.log_changed()
        self._set_editing(None)

    def action_back(self) -> None:
        if self._detail.editing:
            self.start(self._leave_form(), group="lessons-leave", exclusive=True)
            return
        if self._detail.tab is DetailTab.LESSON or self.focused is self.query_one("#lessons-filter"):
            self.query_one("#lessons-filter", Input).value = ""
        self._detail.tab = DetailTab.LESSON
        self.query_one(LessonList).focus()

    async def _leave_form(self) -> None:
        dialog = ConfirmDialog("Leave without saving what you changed?", yes="Leave", no="Go on editing")
        if not self.query_one(LessonForm).dirty or await self.app.push_screen_wait(dialog):
            self._set_editing(None)

    def _set_editing(self, lesson: Lesson | None) -> None:
        # The list stands still while a lesson is edited, so that the form's lesson stays the chosen one.
        self.query_one("#lessons-left").disabled = lesson is not None
        if lesson is not None:
            self._detail.open_form(lesson)
        else:
            self._detail.close_form()
            self.query_one(LessonList).focus()
        self.refresh_bindings()
