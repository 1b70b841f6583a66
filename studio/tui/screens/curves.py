"""Curves: what each arm got right as corrections were made, what was lost, and every night's verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.widgets import Static

from studio.domain.plural import plural
from studio.errors import NotFoundError
from studio.reporting.log_report import first_report, log_report
from studio.reporting.report import LinePlot, Report
from studio.reporting.text_plot import text_plot
from studio.services.report_log import read_standing, read_story
from studio.services.studio import Studio, off_loop
from studio.tui.plain_text import displayable, one_line
from studio.tui.screens.label_choice import NO_LABELS, choose_label
from studio.tui.screens.studio_screen import StudioScreen

NOTHING_YET = (
    "No correction has been made yet.\n\nCorrect an answer in Chat (F2), then ask the question again or compare the "
    "arms (F3): from then on it shows here who answers it right."
)
AROUND = 4
"""Cells beside the page: its padding and the scrollbar."""
WIDEST_PLOT = 100
NARROWEST_PLOT = 30


class LabelLine(Static):
    """Of which label the curves are; a click changes it. Not shown where no correction has one."""

    def __init__(self) -> None:
        super().__init__(id="curves-of", markup=False)
        self.display = False

    def show(self, label: str, labels: Mapping[str, int]) -> None:
        self.display = bool(labels)
        if label:
            questions = plural(labels[label], "question")
            self.update(displayable(f"Only label '{one_line(label, 40)}', {questions}; l chooses another"))
        else:
            self.update(f"All corrections; l shows those of one label ({len(labels)})")

    async def on_click(self) -> None:
        await self.app.run_action("label", self.screen)


class CurvesScreen(StudioScreen):
    """Plots above, tables beneath, as one page to scroll."""

    MODE = "curves"
    CSS_PATH = "../styles/curves.tcss"
    AUTO_FOCUS = "#curves-body"
    HELP = """\
How your corrections fared: of the answers given to questions corrected before, the share right, by arm, with 95%
intervals. Below: what was learnt, forgotten and gone stale, and every night's verdict. With a label (l): of the
questions with it alone. `studio report --out DIR`, also with `--label`, writes the same as a page with images."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "label", "Label", id="curves.label", tooltip="Only the questions with one label, or all again"),
        Binding("r", "refresh", "Read again", id="curves.refresh", tooltip="Read the log again"),
    ]

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._report: Report | None = None
        self._label = ""
        self._labels: Mapping[str, int] = {}
        self._shown_width = 0

    def compose_body(self) -> ComposeResult:
        yield LabelLine()
        with ScrollableContainer(id="curves-body"):
            yield Static("Reading the log…", id="curves-page", markup=False)

    def on_mount(self) -> None:
        self.action_refresh()

    def on_log_changed(self) -> None:
        self.action_refresh()

    def on_resize(self, _: events.Resize) -> None:
        if self._report is not None and self.size.width != self._shown_width:
            self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Where nothing is shown there is nothing to read again, or to choose from."""
        return action not in ("refresh", "label") or self._report is not None

    def action_refresh(self) -> None:
        self.start(self._load(), group="curves-load", exclusive=True)

    async def _load(self) -> None:
        if self._report is None:
            await self._show_standing()
        try:
            story = await off_loop(read_story, self.studio.log, self._label)
        except NotFoundError:  # the last correction with that label was taken back
            self._label = ""
            story = await off_loop(read_story, self.studio.log)
        self._labels = {name: label.questions for name, label in story.labels.items()} if story is not None else {}
        self._report = log_report(story) if story is not None else None
        self.query_one(LabelLine).show(self._label, self._labels)
        self._show()

    async def _show_standing(self) -> None:
        """What is known at once; to judge the answers of an old log takes seconds."""
        standing = await off_loop(read_standing, self.studio.log)
        if standing is not None:
            self.query_one("#curves-page", Static).update(
                displayable(first_report(standing).text(self.size.width - AROUND))
            )

    def action_label(self) -> None:
        if self._labels:
            self.start(self._choose_label(), group="curves-label", exclusive=True)
        else:
            self.notify(NO_LABELS)

    async def _choose_label(self) -> None:
        labels = {name: plural(number, "question") for name, number in self._labels.items()}
        picked = await choose_label(self.app, "Curves of which label?", "All corrections", labels, self._label)
        if picked is not None:
            self._label = picked
            self.query_one("#curves-body").scroll_home(animate=False)
            self.action_refresh()

    def _show(self) -> None:
        page = self.query_one("#curves-page", Static)
        page.set_class(self._report is None, "-words")
        self.refresh_bindings()
        if self._report is None:
            page.update(NOTHING_YET)
            return
        self._shown_width = self.size.width
        plots = [text_plot(p, width=self._plot_width()) for p in self._report.plots if isinstance(p, LinePlot)]
        page.update(displayable("\n\n".join([*plots, self._report.text(self.size.width - AROUND)])))

    def _plot_width(self) -> int:
        return max(NARROWEST_PLOT, min(WIDEST_PLOT, self.size.width - AROUND))
