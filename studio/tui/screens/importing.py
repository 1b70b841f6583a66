"""Import: choose a file or another log, see what would come in, bring it in, and take any import back."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import ProgressBar, Static, TabbedContent, TabPane

from studio.services.studio import Studio
from studio.tui.screens import importing_work
from studio.tui.screens.importing_shown import ImportList, Told
from studio.tui.screens.importing_work import ImportWork
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.file_dialog import FileDialog

PROGRESS_S = 0.1
WHAT_CAN_BE = (
    "f chooses a file: what studio export jsonl wrote, preference or SFT files of TRL, OpenAI, ShareGPT, Alpaca or "
    "Axolotl, Open WebUI's feedback, a CSV with the columns prompt, corrected and original, or the log of another "
    "studio (sessions/studio.duckdb) to merge with this one. It is only read, and nothing is written before i."
)
TABS = {"fresh": "Comes in", "conflicts": "Conflicts", "skipped": "Passed over", "imports": "Imports so far"}


class ImportScreen(StudioScreen):
    """What the file is above; beneath it what comes in, what contradicts the log, what is passed over, and the imports
    so far.
    """

    MODE = "export"
    CSS_PATH = "../styles/importing.tcss"
    AUTO_FOCUS = ""
    HELP = """\
Corrections from other tools, or from the log of another machine. f chooses the file; its format is told by what is in
it. Arrows go through what would come in, what contradicts the log, and what is passed over and why. i brings it in: all
of it or nothing, and nothing twice. u takes an import back as one step; importing the file once more brings it again.
`studio import` does the same on the command line."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "choose", "File…", id="import.file", tooltip="Choose a file, or the log of another studio"),
        Binding(
            "i", "bring_in", "Bring in", id="import.bring_in", tooltip="Bring in what is shown, all of it or nothing"
        ),
        Binding(
            "u", "take_back", "Take back", id="import.take_back", tooltip="Take the marked import back as one step"
        ),
        Binding("right", "turn(1)", "Next list", show=False, id="import.next"),
        Binding("left", "turn(-1)", "Former list", show=False, id="import.former"),
        Binding("down", "move(1)", "Down", show=False, id="import.down"),
        Binding("up", "move(-1)", "Up", show=False, id="import.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="import.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="import.page_up"),
        Binding(
            "escape",
            "back",
            "Back",
            id="import.back",
            tooltip="To Export; while a file is read or brought in, end that",
        ),
    ]

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.work = ImportWork()
        self._ticks: Timer | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(WHAT_CAN_BE, id="import-headline", markup=False)
        yield ProgressBar(id="import-bar", show_eta=False)
        with TabbedContent(initial="fresh", id="import-tabs"):
            for key in ("fresh", "conflicts", "skipped"):
                with TabPane(TABS[key], id=key), VerticalScroll(can_focus=False):
                    yield Static(id=f"import-{key}", markup=False)
            with TabPane(TABS["imports"], id="imports"):
                yield ImportList(id="import-list")

    def on_mount(self) -> None:
        self.query_one(ProgressBar).display = False
        self._ticks = self.set_interval(PROGRESS_S, self._show_progress, pause=True)
        self._read_imports()

    def on_log_changed(self) -> None:
        self._read_imports()

    def _read_imports(self) -> None:
        self.start(importing_work.show_imports(self), group="import-list", exclusive=True)

    # What the workers call ----------------------------------------------------------------------------------------

    def show(self, told: Told) -> None:
        """Show what a file holds, what came of it, or why neither can be told."""
        self.query_one("#import-headline", Static).update(told.headline)
        for key, listed in (("fresh", told.fresh), ("conflicts", told.conflicts), ("skipped", told.skipped)):
            pane = self.query_one(f"#import-{key}", Static)
            pane.update(listed.content)
            if isinstance(pane.parent, VerticalScroll):
                pane.parent.scroll_home(animate=False)
            label = f"{TABS[key]} {listed.count:,}" if listed.count else TABS[key]
            self.query_one(TabbedContent).get_tab(key).label = label
        self.refresh_bindings()

    def go_to(self, tab: str) -> None:
        self.query_one(TabbedContent).active = tab
        self.refresh_bindings()

    def tick(self, *, on: bool) -> None:
        """Whether progress is shown."""
        self.query_one(ProgressBar).display = on
        if self._ticks is not None:
            (self._ticks.resume if on else self._ticks.pause)()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        if not self.work.busy:
            return  # a tick that was on its way when the work was done
        what, done, total = self.work.told
        self.query_one(ProgressBar).update(total=total or None, progress=done)
        count = f" {done:,} of {total:,}" if total else ""
        self.query_one("#import-headline", Static).update(
            f"{what.capitalize()}{count}… esc ends it, nothing is left behind."
        )

    # Actions ------------------------------------------------------------------------------------------------------

    @property
    def _tab(self) -> str:
        return self.query_one(TabbedContent).active

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action not in ("choose", "bring_in", "take_back"):
            return True
        if not self.is_mounted or self.work.busy:
            return False
        if action == "bring_in":
            return self.work.brings
        return action == "choose" or (self._tab == "imports" and self.query_one(ImportList).can_take_back)

    @on(TabbedContent.TabActivated)
    @on(ImportList.OptionHighlighted)
    def _offer_other_keys(self) -> None:
        self.refresh_bindings()

    async def action_choose(self) -> None:
        """Ask for a file; what is typed next is meant for the dialog."""
        file = self.work.file
        folder = file.parent if file and file.parent.is_dir() else Path.cwd()
        await self.app.push_screen(FileDialog("Import from a file, or from another log", folder), self._look)

    def _look(self, file: Path | None) -> None:
        if file is not None:
            self.start(importing_work.look(self, file), group="import", exclusive=True)

    def action_bring_in(self) -> None:
        self.start(importing_work.bring_in(self), group="import", exclusive=True)

    def action_take_back(self) -> None:
        self.start(importing_work.take_back(self), group="import", exclusive=True)

    def action_turn(self, by: int) -> None:
        tabs = list(TABS)
        self.go_to(tabs[(tabs.index(self._tab) + by) % len(tabs)])

    def action_move(self, by: int) -> None:
        if self._tab == "imports":
            listed = self.query_one(ImportList)
            (listed.action_cursor_down if by > 0 else listed.action_cursor_up)()
        else:
            (self._scrolled.scroll_down if by > 0 else self._scrolled.scroll_up)(animate=False)

    def action_page(self, by: int) -> None:
        scrolled = self.query_one(ImportList) if self._tab == "imports" else self._scrolled
        (scrolled.scroll_page_down if by > 0 else scrolled.scroll_page_up)(animate=False)

    @property
    def _scrolled(self) -> VerticalScroll:
        return self.query_one(f"#{self._tab} VerticalScroll", VerticalScroll)

    def action_back(self) -> None:
        if self.work.busy:
            self.work.ended = True
        else:
            self.dismiss()
