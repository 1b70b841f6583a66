"""Export: choose corrections and a format, see what would be written, decide on private data, write."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import OptionList, Static, TabbedContent, TabPane

from studio.domain.plural import plural
from studio.services.studio import Studio
from studio.tui.screens import export_work
from studio.tui.screens.export_choices import Choices, Findings
from studio.tui.screens.export_preview import PreviewPane
from studio.tui.screens.export_private import PrivatePane
from studio.tui.screens.export_settings import BY_KEY, ExportSettings, Setting
from studio.tui.screens.export_work import ExportWork
from studio.tui.screens.export_written import WrittenPane
from studio.tui.screens.studio_screen import StudioScreen

SETTLE_S = 0.15
"""How long stepping through settings must pause before the preview is made anew."""
PROGRESS_S = 0.1
NOTHING_CORRECTED = (
    "Nothing corrected yet, so there is nothing to export.\n\nCorrect an answer in Chat (F2): ask something, press e "
    "on the answer, mend it, ctrl+s. Each correction becomes a row here, to train or to judge a model with.\n\n"
    "Corrections from other tools, or from another machine's log, are brought in with i."
)
DECIDING = ("accept", "own_words", "let_stand", "undecide", "accept_all")


class ExportScreen(StudioScreen):
    """Settings at one side; the preview, private data and what was written at the other."""

    MODE = "export"
    CSS_PATH = "../styles/export.tcss"
    AUTO_FOCUS = "#export-settings"
    HELP = """\
Your corrections as a dataset, in a new folder with a card, checksums and a manifest. Arrow keys choose a setting and
step through its values, enter types or picks one; the preview follows, page down scrolls it. Before anything is
written, whatever looks private is shown where it stands, and you decide on each: a placeholder, your own words, or let
it stand; the same text gets the same everywhere. i brings corrections in. `studio export` and `studio import` do the
same on the command line."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "write", "Write", id="export.write", tooltip="Write the dataset into its folder"),
        Binding("p", "private", "Private", id="export.private", tooltip="To what may be private, and back"),
        Binding("a", "accept", "Accept", id="export.accept", tooltip="Put the placeholder shown in this text's place"),
        Binding("r", "own_words", "Replace", id="export.own", tooltip="Put your own words in this text's place"),
        Binding("s", "let_stand", "Skip", id="export.skip", tooltip="Let this text stand as it is"),
        Binding("u", "undecide", "Undo", id="export.undecide", tooltip="Take back what was decided on this text"),
        Binding("A", "accept_all", "Rest", id="export.all", tooltip="Placeholders for all that is left to decide"),
        Binding("f", "change('format_name')", "Format", id="export.format", tooltip="Pick one of the twelve formats"),
        Binding(
            "n", "change('names')", "Names", show=False, id="export.names", tooltip="Names of people to look for too"
        ),
        Binding("o", "change('folder')", "Folder", id="export.folder", tooltip="Where the dataset is written"),
        Binding(
            "i", "import", "Import…", id="export.import", tooltip="Bring corrections in from a file or another log"
        ),
        Binding("escape", "back", "Back", show=False, id="export.back", tooltip="To the settings; ends the writing"),
    ]

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.work = ExportWork()
        self._settles: Timer | None = None
        self._ticks: Timer | None = None
        self._ticking = False

    def compose_body(self) -> ComposeResult:
        # Read while the screen is built: of an old log both take as long.
        self.work.beginning = asyncio.ensure_future(export_work.begin(self.studio, self.work.choices))
        yield Static(NOTHING_CORRECTED, id="export-empty", markup=False)
        with Horizontal(id="export-body"):
            yield ExportSettings(id="export-settings")
            with TabbedContent(initial="preview", id="export-tabs"):
                with TabPane("Preview", id="preview"):
                    yield PreviewPane()
                with TabPane("Private data", id="private"):
                    yield PrivatePane()
                with TabPane("Written", id="written"):
                    yield WrittenPane()

    def on_mount(self) -> None:
        self.query_one("#export-empty").display = False
        self._ticks = self.set_interval(PROGRESS_S, self._show_progress, pause=True)
        self._load()

    def on_log_changed(self) -> None:
        if self.work.previews is not None:
            self.work.previews.forget()
        self._load()

    async def on_unmount(self) -> None:
        self.work.ended = True
        if self.work.previews is not None:
            await self.work.previews.close()

    def _load(self) -> None:
        self.start(export_work.load(self), group="export-survey", exclusive=True)

    # What the workers call ----------------------------------------------------------------------------------------

    def show_something(self, something: bool) -> None:
        """Show the settings, or what to do first where nothing was corrected."""
        self.query_one("#export-empty").display = not something
        self.query_one("#export-body").display = something
        self.refresh_bindings()
        if something and self.focused is None:
            self.query_one(ExportSettings).focus()

    def choose(self, choices: Choices) -> None:
        """Take these settings; the preview follows when they have settled."""
        if choices == self.work.choices:
            return
        self.work.choices, self.work.survey = choices, None
        self.query_one(ExportSettings).show_choices(choices, None)
        if self._tab == "written" and not self.work.writing:
            self.go_to("preview")
        if self._settles is not None:
            self._settles.stop()
        self._settles = self.set_timer(SETTLE_S, self._load)

    def go_to(self, tab: str) -> None:
        """Show a tab; the keys act on the findings there, or else on the settings."""
        self.query_one(TabbedContent).active = tab
        findings = self.query_one("#private-list", OptionList)
        (findings if tab == "private" and findings.display else self.query_one(ExportSettings)).focus()
        self.refresh_bindings()

    def decided(self) -> None:
        """Something was decided: the rows and the counts of what is left follow."""
        self.show_private_count()
        self.start(export_work.show_rows(self), group="export-rows", exclusive=True)

    def show_private_count(self) -> None:
        private = self.query_one(PrivatePane)
        left = private.to_decide if self.work.choices.findings is Findings.DECIDE else 0
        label = f"Private data: {left:,} left" if left else "Private data"
        self.query_one(TabbedContent).get_tab("private").label = label
        self.query_one(PreviewPane).show_private(private.in_words())
        self.refresh_bindings()

    def tick(self, *, on: bool) -> None:
        """Whether progress is shown."""
        self._ticking = on
        if self._ticks is not None:
            (self._ticks.resume if on else self._ticks.pause)()

    def _show_progress(self) -> None:
        if not self._ticking:
            return  # a tick that was on its way when the work was done
        if self.work.writing:
            self.query_one(WrittenPane).show_progress(*self.work.told)
        else:
            self.query_one(PreviewPane).show_work(*self.work.told)

    # Actions ------------------------------------------------------------------------------------------------------

    @property
    def _tab(self) -> str:
        return self.query_one(TabbedContent).active

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "import":  # where keys decide, the footer has no room for it
            return not self.is_mounted or self._tab != "private"
        if action not in ("write", "private", "change", *DECIDING):
            return True
        if not self.is_mounted or not self.work.choosable.corrections:
            return False
        if action in DECIDING:
            return self._tab == "private" and self.query_one(PrivatePane).deciding
        if action == "change":
            return (self._tab != "private" or parameters == ("names",)) and not self.work.writing
        return not self.work.writing

    @on(TabbedContent.TabActivated)
    def _offer_other_keys(self) -> None:
        self.refresh_bindings()

    @on(ExportSettings.Stepped)
    def _step(self, event: ExportSettings.Stepped) -> None:
        setting = event.setting
        if setting.step is None or not setting.applies(self.work.choices):
            self._change(setting)
        else:
            self.choose(setting.step(self.work.choices, event.by))

    @on(OptionList.OptionSelected, "#export-settings")
    def _enter(self, event: OptionList.OptionSelected) -> None:
        self._change(BY_KEY[event.option_id or ""])

    def action_change(self, key: str) -> None:
        self._change(BY_KEY[key])

    def _change(self, setting: Setting) -> None:
        choices = self.work.choices
        if not setting.applies(choices):
            self.notify(f"{setting.label}: {setting.without(choices)}", severity="warning")
        elif setting.picks or setting.key == "format_name":
            self.start(export_work.pick(self, setting), group="export-change", exclusive=True)
        elif setting.take is not None:
            self.start(export_work.type_in(self, setting), group="export-change", exclusive=True)
        elif setting.step is not None:
            self.choose(setting.step(choices, 1))

    def action_private(self) -> None:
        self.go_to("preview" if self._tab == "private" else "private")

    def action_accept(self) -> None:
        if (text := self.query_one(PrivatePane).chosen) is not None:
            self._decide(text.put)

    def action_let_stand(self) -> None:
        if (text := self.query_one(PrivatePane).chosen) is not None:
            self._decide(text.text)

    def _decide(self, put: str) -> None:
        self.query_one(PrivatePane).decide(put)
        self.decided()

    def action_own_words(self) -> None:
        self.start(export_work.own_words(self), group="export-change", exclusive=True)

    def action_undecide(self) -> None:
        self.query_one(PrivatePane).undecide()
        self.decided()

    def action_accept_all(self) -> None:
        accepted = self.query_one(PrivatePane).accept_all()
        self.notify(f"{plural(accepted, 'placeholder')}. u takes one back.")
        self.decided()

    def action_write(self) -> None:
        self.start(export_work.write(self), group="export-write", exclusive=True)

    async def action_import(self) -> None:
        from studio.tui.screens.importing import ImportScreen

        screen = ImportScreen(self.studio)
        await self.app.push_screen(screen)
        await screen.action_choose()

    def action_page(self, direction: int) -> None:
        """Scroll what stands beside the settings."""
        panes = {"preview": PreviewPane, "written": WrittenPane}
        if (pane := panes.get(self._tab)) is not None:
            scrolled = self.query_one(pane)
            (scrolled.scroll_page_down if direction > 0 else scrolled.scroll_page_up)(animate=False)

    def action_back(self) -> None:
        if self.work.writing:
            self.work.ended = True
        else:
            self.go_to("preview")
