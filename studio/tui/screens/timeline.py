"""One question through time: a station for everything that was learnt, stepped through with left and right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from studio.domain.arms import ArmRecipe
from studio.domain.log import Correction
from studio.services.studio import Studio
from studio.services.timeline import Said, Station, answer_at
from studio.tui.plain_text import one_line
from studio.tui.screens.studio_screen import run_beside
from studio.tui.screens.timeline_words import against, station_content, tab_words
from studio.tui.widgets.dialogs import Dialog
from studio.tui.widgets.footer import StudioFooter

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


ALONE = "This very question was not corrected, and no night has run: there is no other time to compare with."


class StationTab(Static):
    """One station; a click goes there."""

    class Chosen(Message):
        def __init__(self, position: int) -> None:
            self.position = position
            super().__init__()

    def __init__(self, position: int) -> None:
        super().__init__("", markup=False)
        self._position = position

    def show_words(self, words: str, *, current: bool) -> None:
        """Between brackets where it is the one shown."""
        self.update(f"[{words}]" if current else f" {words} ")
        self.set_class(current, "-current")

    def on_click(self) -> None:
        self.post_message(self.Chosen(self._position))


class ArmChoice(Static):
    """The arm whose answers are shown; a click shows the next one's."""

    async def on_click(self) -> None:
        await self.app.run_action("arm(1)", self.screen)


class StationScroll(VerticalScroll, inherit_bindings=False):
    """What is told of a station; left and right are the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Scroll up", show=False),
        Binding("down", "scroll_down", "Scroll down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home", "scroll_home", "To the top", show=False),
        Binding("end", "scroll_end", "To the end", show=False),
    ]


class TimelineScreen(Dialog[None]):
    """The stations in a row, and beneath them what one arm said at the one chosen."""

    HELP = """\
What one arm said to this question before anything was learnt, after each correction, after each night, and now. ✓ and ✗
are by the check of your correction. Where it was not asked then, enter asks it now with what it had then: with the
adapter of that night, but with today's lessons. Such answers are not kept. Beneath an answer stand its difference from
the one before it, and from your correction."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Earlier", id="timeline.earlier", tooltip="To the station before"),
        Binding("right", "step(1)", "Later", id="timeline.later", tooltip="To the station after"),
        Binding("a", "arm(1)", "Next arm", id="timeline.arm", tooltip="The answers of the next arm"),
        Binding("A", "arm(-1)", "Arm before", show=False, id="timeline.arm_before", tooltip="The arm before it"),
        Binding("enter", "ask", "Ask", id="timeline.ask", tooltip="Ask the arm as it would have answered then"),
        Binding("y", "copy", "Copy", id="timeline.copy", tooltip="Copy the answer"),
        Binding("escape,t", "close", "Close", id="timeline.close", tooltip="Back to the comparison"),
    ]
    AUTO_FOCUS = "#station-scroll"

    def __init__(
        self, studio: Studio, prompt: str, stations: Sequence[Station], arms: Sequence[ArmRecipe], current: ArmRecipe
    ) -> None:
        super().__init__()
        self._studio = studio
        self._prompt = prompt
        self._stations = stations
        self._arms = arms
        self._arm = arms.index(current)
        self._at = len(stations) - 1
        self._asked: dict[tuple[int, str], Said] = {}
        self._asking: set[tuple[int, str]] = set()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Then and now"
            yield Static(Content.styled(one_line(self._prompt, 200), "bold"))
            with Horizontal(id="stations"):
                for position in range(len(self._stations)):
                    yield StationTab(position)
            yield ArmChoice("", id="station-arm", markup=False)
            with StationScroll(id="station-scroll"):
                yield Static(id="station", markup=False)
                yield Static(id="station-against", markup=False)
        yield StudioFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._show()

    @property
    def recipe(self) -> ArmRecipe:
        return self._arms[self._arm]

    def said_at(self, position: int) -> Said | None:
        """What the arm shown said there: then, or when it was asked for it just now."""
        station = self._stations[position]
        return station.answers.get(self.recipe.name) or self._asked.get((position, self.recipe.name))

    @property
    def _correction(self) -> Correction | None:
        made = [station.correction for station in self._stations if station.correction is not None]
        return next((correction for correction in reversed(made) if correction.in_force), None)

    # Words --------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        tabs = list(self.query(StationTab))
        for position, tab in enumerate(tabs):
            words = tab_words(self._stations[position], self.said_at(position))
            tab.show_words(words, current=position == self._at)
        # After the tabs have got their widths.
        self.call_after_refresh(self.query_one("#stations").scroll_to_widget, tabs[self._at], animate=False)
        others = len(self._arms) - 1
        alone = "" if len(tabs) > 1 else f" {ALONE}"
        self.query_one(ArmChoice).update(
            f"{self._at + 1} of {len(tabs)}, arm {self.recipe.name} (a shows the {others} others).{alone}"
        )
        said, correction = self.said_at(self._at), self._correction
        before = None if self._at == 0 else (self._stations[self._at - 1], self.said_at(self._at - 1))
        station = self._stations[self._at]
        self.query_one("#station", Static).update(station_content(station, said, self.recipe, before))
        beneath = self.query_one("#station-against", Static)
        beneath.display = said is not None and correction is not None
        if said is not None and correction is not None:
            beneath.update(against(said, correction.corrected))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Actions that have nothing to act on are neither shown nor run."""
        if action == "ask":
            return self.said_at(self._at) is None and (self._at, self.recipe.name) not in self._asking
        if action == "copy":
            return self.said_at(self._at) is not None
        if action == "step":
            return len(self._stations) > 1
        return True

    # Actions ------------------------------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        self._go(self._at + by)

    def on_station_tab_chosen(self, event: StationTab.Chosen) -> None:
        self._go(event.position)

    def _go(self, position: int) -> None:
        self._at = max(0, min(position, len(self._stations) - 1))
        self.query_one("#station-scroll").scroll_home(animate=False)
        self._show()

    def action_arm(self, by: int) -> None:
        self._arm = (self._arm + by) % len(self._arms)
        self._show()

    def action_ask(self) -> None:
        """Beside the loop; who goes on meanwhile finds the answer on coming back."""
        asked = (self._at, self.recipe.name)
        self._asking.add(asked)
        self.query_one("#station", Static).update("Asking…")
        self.refresh_bindings()
        run_beside(self, self._ask(asked, self._stations[self._at], self.recipe), group="ask", exclusive=False)

    async def _ask(self, asked: tuple[int, str], station: Station, recipe: ArmRecipe) -> None:
        try:
            self._asked[asked] = await answer_at(self._studio, self._prompt, station, recipe)
        finally:
            self._asking.discard(asked)
            if self.is_mounted:
                self._show()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if event.state is WorkerState.ERROR and isinstance(error, Exception):
            cast("StudioApp", self.app).report(error)

    def action_copy(self) -> None:
        if (said := self.said_at(self._at)) is not None:
            cast("StudioApp", self.app).copy(said.text)

    def action_close(self) -> None:
        self.dismiss(None)
