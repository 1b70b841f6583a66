"""The guided demonstration in the app: narrated at the presenter's pace, over a throw-away log to be explored after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import ProgressBar, Static
from textual.worker import Worker, WorkerState

from studio.evaluation.audience_file import PreparedQuestion
from studio.services.play_demo import Chapter
from studio.services.studio import Studio
from studio.tui.plain_text import displayable
from studio.tui.screens import demo_story
from studio.tui.screens.blank import BlankScreen
from studio.tui.screens.demo_keys import DEMO_KEYS, STORY_WAITS
from studio.tui.screens.demo_pace import Pace
from studio.tui.screens.studio_screen import is_left, run_beside
from studio.tui.widgets.footer import TwoRowFooter

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


@dataclass(frozen=True, slots=True)
class Play:
    """What is played: a session's folder, questions the audience may ask, a maker of empty studios for beginning
    again, and a file for the results where one is wanted."""

    session: Path
    audience: tuple[PreparedQuestion, ...]
    new_scene: Callable[[], Studio]
    json_file: Path | None = None


class _Scrolled(VerticalScroll, inherit_bindings=False):
    """Scrolled by up, down, home and end: the other keys that scroll are a clicker's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up", show=False),
        Binding("down", "scroll_down", "Down", show=False),
        Binding("home", "scroll_home", "Home", show=False),
        Binding("end", "scroll_end", "End", show=False),
    ]


class DemoScreen(Screen[None]):
    """Tells the story; esc leaves it for the studio itself, with everything learnt so far."""

    CSS_PATH = "../styles/demo.tcss"
    AUTO_FOCUS = "#demo-story"
    HELP = """\
The demonstration plays by itself: questions are asked, answers corrected, the arms compared, an adapter trained. Page
down and page up, which are a clicker's keys, go on at once and look back; up and down, home and end scroll. While it is
paused, page down goes on by one step. With h every chapter waits for you. With a the audience asks: all arms answer,
you correct, the lesson is learnt, the question is asked again in other words, and the story goes on where it was, in
the night as well. The studio's other screens can be looked at meanwhile: the story waits, and F2 leads back to it."""
    BINDINGS: ClassVar[list[BindingType]] = DEMO_KEYS

    def __init__(self, studio: Studio, play: Play) -> None:
        super().__init__()
        self.studio = studio
        self.play = play
        self.pace = Pace(self.show_pace)
        self.chapter: Chapter | None = None
        self.is_over = False
        self._looks_back = False
        self._was_left = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="demo-title"):
            yield Static("Demonstration", id="demo-place", markup=False)
            yield Static("", id="demo-pace", markup=False)
        with Horizontal(id="demo-body"):
            with _Scrolled(id="demo-story"):
                yield Vertical(id="demo-lines")
            with _Scrolled(id="demo-tables", classes="-empty"):
                yield Static("", id="demo-figures", markup=False)
        yield Static("", id="demo-doing", markup=False)
        yield ProgressBar(id="demo-progress", show_eta=False)
        yield TwoRowFooter(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._story.anchor()
        self.doing("The model is being loaded…")
        self._start(demo_story.tell(self), group="story")

    def on_screen_suspend(self) -> None:
        """Another of the studio's screens is looked at; what covers this one holds the story by itself."""
        if is_left(self):
            self._was_left = True
            self.pace.hold()
            self.notify(STORY_WAITS)

    def on_screen_resume(self) -> None:
        if self._was_left:
            self._was_left = False
            self.pace.release()

    @property
    def studio_app(self) -> StudioApp:
        return cast("StudioApp", self.app)

    @property
    def _story(self) -> VerticalScroll:
        return self.query_one("#demo-story", VerticalScroll)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            if event.worker.group == "story":
                self.is_over = True
                self.doing("The demonstration stopped. Restart it, or leave it for the studio.")
            self.studio_app.report(event.worker.error)

    # Keys ---------------------------------------------------------------------------------------------------------

    def action_pace(self) -> None:
        """Pause, or go on."""
        self.pace.toggle()

    def action_pace_by(self, step: int) -> None:
        self.pace.change(step)

    def action_by_hand(self) -> None:
        self.pace.toggle_by_hand()

    def action_next(self) -> None:
        if not self._looks_back:
            self.pace.step()
            return
        story = self._story
        later = [y for y in self._headings() if story.scroll_y < y < story.max_scroll_y]
        if later:
            story.scroll_to(y=later[0], animate=False)
        else:
            self._look_back(False)

    def action_back(self) -> None:
        story = self._story
        earlier = [y for y in self._headings() if y < story.scroll_y]
        if earlier:
            self._look_back(True)
            story.scroll_to(y=earlier[-1], animate=False)

    def _look_back(self, looks: bool) -> None:
        if looks != self._looks_back:
            self._looks_back = looks
            (self.pace.hold if looks else self.pace.release)()
        if looks:
            self._story.anchor(False)
        else:
            self._story.anchor()
            self._story.scroll_end(animate=False)

    def _headings(self) -> list[int]:
        """Where in the story its chapters begin."""
        return [heading.virtual_region.y for heading in self.query(".demo-chapter")]

    def action_blank(self) -> None:
        self.pace.hold()
        self.app.push_screen(BlankScreen(), lambda _: self.pace.release())

    def action_ask(self) -> None:
        if not any(worker.group == "audience" and worker.is_running for worker in self.workers):
            self._start(demo_story.hear_audience(self), group="audience")

    def action_restart(self) -> None:
        # Beside the app: this screen ends on the way.
        run_beside(self.app, demo_story.restart(self), group="restart", exclusive=True)

    def action_leave(self) -> None:
        self._start(demo_story.leave(self), group="leave", exclusive=True)

    def _start(self, work: demo_story.Work, *, group: str, exclusive: bool = False) -> None:
        run_beside(self, work, group=group, exclusive=exclusive)

    @property
    def caption(self) -> str:
        """What a still of this screen shows."""
        shown = self.chapter
        return "Demonstration" if shown is None else f"{shown.title}, {shown.place}. {shown.text}"

    # What is seen -------------------------------------------------------------------------------------------------

    def show_pace(self) -> None:
        if self.is_mounted:
            # In the title: the line beneath goes on telling what is done.
            words = "looking back" if self._looks_back else self.pace.words
            self.query_one("#demo-pace", Static).update(words)

    def show_chapter(self, chapter: Chapter | None) -> None:
        self.chapter = chapter
        place = "the end" if chapter is None else chapter.place
        self.query_one("#demo-place", Static).update(f"Demonstration · {place}")

    async def write(self, text: str, classes: str = "") -> None:
        """Add a line to the story."""
        line = Static(Content(displayable(text)), classes=f"demo-line {classes}")
        await self.query_one("#demo-lines").mount(line)

    def doing(self, text: str, done: int = 0, total: int | None = None) -> None:
        self.query_one("#demo-doing", Static).update(displayable(text))
        bar = self.query_one("#demo-progress", ProgressBar)
        bar.visible = total is not None
        bar.update(total=total, progress=done)

    def figures(self, text: str) -> None:
        self.query_one("#demo-figures", Static).update(text)
        self.query_one("#demo-tables").remove_class("-empty")
