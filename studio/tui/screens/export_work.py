"""What Export's workers do: they call services, then touch the screen. See studio.tui for how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from studio.domain.exports import Choosable
from studio.domain.plural import plural
from studio.errors import StudioError, UsageError
from studio.exchange.privacy import same
from studio.services.studio import off_loop
from studio.tui.plain_text import one_line
from studio.tui.screens.export_choices import Choices, Findings
from studio.tui.screens.export_preview import MOST_ROWS, PreviewPane
from studio.tui.screens.export_private import PrivatePane
from studio.tui.screens.export_settings import ExportSettings, Setting
from studio.tui.screens.export_written import WrittenPane
from studio.tui.widgets.dialogs import LineDialog
from studio.tui.widgets.pick_dialog import Pick, PickDialog

if TYPE_CHECKING:
    from studio.exchange.request import ExportRequest
    from studio.exchange.survey import FirstRow, Survey
    from studio.services.preview_export import ExportPreviews
    from studio.services.studio import Studio
    from studio.tui.screens.export import ExportScreen


class EndedError(UsageError):
    """The user ended the writing."""


@dataclass
class ExportWork:
    """What is chosen and known. `survey` is None where the settings have changed since, with a `problem` where it could
    not be made; `told` is the progress, written by a thread. `ended` asks the writing to end.
    """

    choices: Choices = field(default_factory=Choices)
    choosable: Choosable = field(default_factory=Choosable)
    beginning: asyncio.Future[tuple[ExportPreviews, tuple[FirstRow, ...]]] | None = None
    previews: ExportPreviews | None = None
    survey: Survey | None = None
    problem: bool = False
    folder: Path | None = None
    told: tuple[str, int, int] = ("reading the log", 0, 0)
    writing: bool = False
    ended: bool = False

    def tell(self, what: str, done: int, total: int) -> None:
        """Progress, called in the thread that works."""
        if self.writing and self.ended:
            raise EndedError("The export was ended: nothing was written.", "w begins anew.")
        self.told = (what, done, total)


# The preview ----------------------------------------------------------------------------------------------------------


async def load(screen: ExportScreen) -> None:
    """Read what the log holds, and show what would be written of it."""
    work = screen.work
    if work.previews is None:
        if work.beginning is None:
            work.beginning = asyncio.ensure_future(begin(screen.studio, work.choices))
        previews, rows = await asyncio.shield(work.beginning)
        work.previews = previews
        if rows:
            screen.query_one(PreviewPane).show_rows(rows)
            await screen.drawn()
    previews = work.previews
    work.choosable = await previews.choosable()
    screen.show_something(work.choosable.corrections > 0)
    if work.choosable.corrections:
        await look(screen)


async def begin(studio: Studio, choices: Choices) -> tuple[ExportPreviews, tuple[FirstRow, ...]]:
    """What makes the previews, and the first rows of what the settings choose, before all of it is gone through."""
    # Off the loop: it brings numpy.
    module = await asyncio.to_thread(import_module, "studio.services.preview_export")
    previews: ExportPreviews = module.ExportPreviews(studio.log, studio.workspace.scratch)
    try:
        return previews, await previews.glance(choices.request(studio.settings.prompt.system, {}), MOST_ROWS)
    except UsageError:
        return previews, ()  # the survey says it, in its place


async def look(screen: ExportScreen) -> None:
    """Survey what the settings choose, and show it."""
    work, preview = screen.work, screen.query_one(PreviewPane)
    assert work.previews is not None, "loaded before"
    work.survey, work.problem = None, False
    try:
        work.folder, in_the_way = await _destination(work.choices)
        screen.query_one(ExportSettings).show_choices(work.choices, work.folder)
        request = request_of(screen)
        screen.tick(on=True)
        survey = await work.previews.survey(request, work.tell)
    except StudioError as error:
        work.problem = True
        preview.show_problem(error.message, error.hint)
        if isinstance(error, UsageError):
            return  # a notice at every step through the settings would bury the screen
        raise
    finally:
        screen.tick(on=work.writing)
    if survey is None:
        return
    work.survey = survey
    private = screen.query_one(PrivatePane)
    private.show_survey(survey, work.choices.findings)
    preview.show_counts(survey, in_the_way)
    screen.show_private_count()
    await show_rows(screen)


async def show_rows(screen: ExportScreen) -> None:
    """The first rows after what was decided."""
    work = screen.work
    if work.previews is not None and work.survey is not None:
        rows = await work.previews.first_rows(request_of(screen), MOST_ROWS)
        screen.query_one(PreviewPane).show_rows(rows)


def request_of(screen: ExportScreen) -> ExportRequest:
    """What is asked for. Raises UsageError where nothing would be left to train on."""
    work = screen.work
    # Only for what is listed: the manifest counts them. Placeholders are the very ones that are shown.
    listed = {same(text.text): text.put for text in work.survey.private} if work.survey else {}
    made = screen.query_one(PrivatePane).decisions
    if work.choices.findings is Findings.REPLACE:
        decisions = {key: made.get(key, put) for key, put in listed.items()}
    else:
        decisions = {key: made[key] for key in listed if key in made}
    return work.choices.request(screen.studio.settings.prompt.system, decisions)


async def _destination(choices: Choices) -> tuple[Path, str]:
    """The folder, and why it cannot be written as far as that can be told before."""
    from studio.services.preview_export import free_folder, what_is_in_the_way

    folder = _wanted_folder(choices)
    if not choices.folder:
        folder = await free_folder(folder)
    return folder, await what_is_in_the_way(folder)


def _wanted_folder(choices: Choices) -> Path:
    try:
        return Path.cwd() / Path(choices.folder or f"corrections-{choices.format_name}").expanduser()
    except RuntimeError as error:  # the home folder of nobody
        raise UsageError(f"There is no folder {one_line(choices.folder)}.", "Choose another (o).") from error


# Settings -------------------------------------------------------------------------------------------------------------


async def pick(screen: ExportScreen, setting: Setting) -> None:
    """Let the user pick a format, or what the corrections are chosen by."""
    work = screen.work
    several, now = bool(setting.picks), getattr(work.choices, setting.key)
    if not (picks := _picks(setting, work.choosable)):
        screen.notify(f"{setting.label}: the corrections in the log have none.", severity="warning")
        return
    dialog = PickDialog(setting.label, picks, now if several else (now,), several=several)
    if (picked := await screen.app.push_screen_wait(dialog)) is not None:
        screen.choose(work.choices.with_(setting.key, picked if several else picked[0]))


def _picks(setting: Setting, choosable: Choosable) -> list[Pick]:
    if not setting.picks:
        from studio.exchange.formats import FORMATS

        return [Pick(form.name, form.name, form.says) for form in FORMATS.values()]
    if setting.picks == "sessions":
        return [Pick(one.id, one.title or "untitled", f"{one.corrections:,}") for one in choosable.sessions]
    counts: Mapping[str, int] = getattr(choosable, setting.picks)
    return [Pick(value, value, f"{count:,}") for value, count in counts.items()]


async def type_in(screen: ExportScreen, setting: Setting) -> None:
    """Let the user type a value; asked again where it cannot be meant."""
    assert setting.text is not None, "what is typed begins with a text"
    assert setting.take is not None
    title, text = f"{setting.label}: {setting.asks}", setting.text(screen.work.choices)
    while (typed := await screen.app.push_screen_wait(LineDialog(title, text))) is not None:
        try:
            screen.choose(setting.take(screen.work.choices, typed))
            return
        except UsageError as error:
            screen.notify(error.hint, title=error.message, severity="error")
            text = typed


async def own_words(screen: ExportScreen) -> None:
    """Ask what to put in the place of the chosen text."""
    private = screen.query_one(PrivatePane)
    if (text := private.chosen) is None:
        return
    dialog = LineDialog("What to put there, everywhere", text.put, one_line(text.text, 40))
    typed = await screen.app.push_screen_wait(dialog)
    if typed is not None and typed.strip():
        private.decide(typed.strip())
        screen.decided()
    elif typed is not None:
        screen.notify("Nothing was typed, so nothing was decided. s lets the text stand.", severity="warning")


# Writing --------------------------------------------------------------------------------------------------------------


async def write(screen: ExportScreen) -> None:
    """Write what the preview shows; what cannot be written is told in the pane and stays there."""
    from studio.services.export_corrections import UndecidedError, export_corrections

    work, pane = screen.work, screen.query_one(WrittenPane)
    work.problem = False
    while work.survey is None and not work.problem:  # another look may overtake this one
        await look(screen)
    if work.survey is None or work.folder is None:
        screen.go_to("preview")  # it says why
        return
    if work.choices.findings is Findings.DECIDE and (left := screen.query_one(PrivatePane).to_decide):
        screen.go_to("private")
        texts = "1 text is" if left == 1 else f"{left:,} texts are"
        how = "a, r or s; A puts placeholders for all."
        if work.survey.unlisted:
            how = "too many one by one, so set Private data to 'placeholders' or choose fewer corrections."
        screen.notify(f"{texts} to be decided on first: {how}", severity="warning")
        return
    request, folder = request_of(screen), work.folder
    work.writing, work.ended, work.told = True, False, ("beginning", 0, 0)
    screen.go_to("written")
    screen.tick(on=True)
    try:
        result = await off_loop(export_corrections, screen.studio.log, folder, request, progress=work.tell)
    except EndedError as error:
        pane.show_failure(error.message, error.hint)
        return
    except UndecidedError as error:
        pane.show_failure(error.message, "The log has changed since it was looked at: p shows what is new.")
        screen.on_log_changed()
        return
    except StudioError as error:
        pane.show_failure(error.message, error.hint)
        raise
    finally:
        work.writing = False
        screen.tick(on=False)
        screen.refresh_bindings()
    pane.show_result(result, request, folder)
    screen.notify(f"Wrote {plural(result.corrections, 'correction')} to {folder}")
    work.folder, _ = await _destination(work.choices)
    screen.query_one(ExportSettings).show_choices(work.choices, work.folder)
