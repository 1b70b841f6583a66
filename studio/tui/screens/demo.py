"""The guided demonstration in the app: narrated, paced, skippable, over a throw-away log that can be explored after."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import ProgressBar, Static
from textual.worker import Worker, WorkerState

from studio.domain.nights import NightProgress
from studio.reporting.tables import stages_table
from studio.services.play_demo import Narrator, Tally, play_demo
from studio.services.studio import Studio, off_loop
from studio.tui.plain_text import displayable
from studio.tui.widgets.footer import StudioFooter

CHAPTER_S = 2.5
TITLE, PAUSED = "Demonstration", "Demonstration · Paused before the next chapter, space goes on"


class DemoScreen(Screen[None]):
    """Tells the story; esc leaves it for the studio itself, with everything learnt so far."""

    CSS_PATH = "../styles/demo.tcss"
    AUTO_FOCUS = "#demo-story"
    HELP = """\
The demonstration plays by itself: questions are asked, answers corrected, the arms compared, an adapter trained.
space pauses between chapters and goes on; tab goes between the story and the figures, which the arrows and the page
keys scroll; esc leaves for the studio, with what the demonstration has learnt so far."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pace", "Pause / go on", id="demo.pace", tooltip="Pause before the next chapter, or go on"),
        Binding("tab", "app.focus_next", "Story / figures", id="demo.pane", tooltip="To the story, or to the figures"),
        Binding("escape", "leave", "To the studio", id="demo.leave", tooltip="Leave the demonstration"),
    ]

    def __init__(self, studio: Studio, session: Path, json_file: Path | None) -> None:
        super().__init__()
        self.studio = studio
        self._session = session
        self._json_file = json_file
        self._going = asyncio.Event()
        self._going.set()

    def compose(self) -> ComposeResult:
        yield Static(TITLE, id="demo-title", markup=False)
        with Horizontal(id="demo-body"):
            with VerticalScroll(id="demo-story"):
                yield Vertical(id="demo-lines")
            with VerticalScroll(id="demo-tables"):
                yield Static("The figures appear here.", id="demo-figures", markup=False)
        yield Static("", id="demo-doing", markup=False)
        yield ProgressBar(id="demo-progress", show_eta=False)
        yield StudioFooter(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#demo-story", VerticalScroll).anchor()
        self.doing("The model is being loaded…")
        self.run_worker(self._play(), exit_on_error=False)

    async def _play(self) -> None:
        result = await play_demo(self.studio, self._session, _ScreenNarrator(self))
        if self._json_file:
            text = json.dumps(result, ensure_ascii=False, indent=2, default=str) + "\n"
            await off_loop(self._json_file.write_text, text, encoding="utf-8")
        self.doing("The end. esc opens the studio with everything that was learnt here.")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.doing("The demonstration stopped; esc opens the studio.")
            self.app.report(event.worker.error)  # type: ignore[attr-defined]

    def action_pace(self) -> None:
        """Pause before the next chapter, or go on."""
        if self._going.is_set():
            self._going.clear()
        else:
            self._going.set()
        # In the title: the line beneath goes on telling what is done until the chapter ends.
        self.query_one("#demo-title", Static).update(TITLE if self._going.is_set() else PAUSED)

    async def action_leave(self) -> None:
        self.workers.cancel_node(self)
        self.log_changed()
        self.dismiss()

    def log_changed(self) -> None:
        """The other screens, to which one may go meanwhile, show what was learnt here so far."""
        self.app.log_changed()  # type: ignore[attr-defined]

    async def next_chapter(self) -> None:
        await self._going.wait()
        await asyncio.sleep(CHAPTER_S)
        await self._going.wait()

    async def tell(self, text: str, classes: str = "") -> None:
        line = Static(Content(displayable(text)), classes=f"demo-line {classes}")
        await self.query_one("#demo-lines").mount(line)

    def doing(self, text: str, done: int = 0, total: int | None = None) -> None:
        self.query_one("#demo-doing", Static).update(text)
        bar = self.query_one("#demo-progress", ProgressBar)
        bar.visible = total is not None
        bar.update(total=total, progress=done)

    def figures(self, text: str) -> None:
        self.query_one("#demo-figures", Static).update(text)


class _ScreenNarrator(Narrator):
    """Puts the story on the screen."""

    def __init__(self, screen: DemoScreen) -> None:
        self.screen = screen

    async def chapter(self, title: str, text: str) -> None:
        await self.screen.tell(title, "demo-chapter")
        await self.screen.tell(text)
        await self.screen.next_chapter()
        self.screen.doing(f"{title}…")  # until there is something to count

    async def say(self, line: str) -> None:
        await self.screen.tell(line)
        self.screen.log_changed()

    async def correction(self, prompt: str, answer: str, corrected: str) -> None:
        await self.screen.tell(f"? {prompt}\n- {answer}\n+ {corrected}", "demo-correction")
        self.screen.log_changed()

    async def tallies(self, tally: Tally) -> None:
        tables = [f"Right answers, {kind}:\n{stages_table(stages)}" for kind, stages in tally.items()]
        self.screen.figures("\n\n".join(tables))

    def progress(self, what: str, done: int, total: int) -> None:
        self.screen.doing(f"{done} of {total} {what}", done, total)

    def night(self, progress: NightProgress) -> None:
        loss = f", loss {progress.loss:.3f}" if progress.loss is not None else ""
        left = f", {progress.eta_s:.0f} s left" if progress.eta_s is not None else ""
        self.screen.doing(f"The night: {progress.state.value}{loss}{left}", progress.step, progress.steps or None)
