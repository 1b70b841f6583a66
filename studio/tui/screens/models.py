"""Models: which one answers, which others are here, and which can be pulled; chosen, pulled, added and removed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker, WorkerError

from studio.models.records import Record
from studio.services.change_settings import Change
from studio.services.describe_model import Belongings
from studio.services.model_shelf import Place, ShelfModel, shelf_of
from studio.services.studio import Studio
from studio.tui.plain_text import displayable
from studio.tui.screens import models_work
from studio.tui.screens.models_keys import MODELS_KEYS
from studio.tui.screens.models_shown import HEADINGS, Shown, about, grouped, row
from studio.tui.screens.models_work import Pulling
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.file_dialog import FileDialog

PROGRESS_S = 0.25
SETTLE_S = 0.1
STOPS_WITHIN_S = 5.0
MEASURING = "measure"
LOOKING = "Looking for models…"
NOTHING = "There is no model here and no catalogue. g pulls one of the Hugging Face hub, a adds a file of yours."


class ModelsScreen(StudioScreen):
    """The models one a row; beside or beneath them the one chosen, in words."""

    MODE = "models"
    CSS_PATH = "../styles/models.tcss"
    AUTO_FOCUS = "OptionList"
    HELP = """\
The models that are here, those of the catalogue that can be pulled, and those that other programs have on this machine.
enter on one that is here: it answers from then on, in place of the one before; u takes that back. enter or p on one of
the catalogue pulls it, p pauses and goes on, also after the studio was closed; c gives it up. g pulls any other of the
Hugging Face hub, a adds a file where it lies, x deletes what was pulled or forgets what was added. Nothing is fetched
unless you ask. Corrections and lessons stay whichever model answers; adapters belong to the model they were made for.
t begins a night that trains the model in use on the same corrections. m measures in which form it reads lessons best,
and stops; prompts have that form from then on. `studio models` does the same on the command line."""
    BINDINGS: ClassVar[list[BindingType]] = MODELS_KEYS

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.shelf = shelf_of(studio)
        self.undoable: list[Change | Record] = []
        self.switching = False
        self.wanted = ""
        self._models: dict[str, Shown] = {}
        self._belongings: dict[str, Belongings] = {}
        self._pulls: dict[str, Pulling] = {}
        self._workers: dict[str, Worker[None]] = {}
        self._ticks: Timer | None = None
        self._settles: Timer | None = None
        self._measuring = ""

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="models-body"):
            with Vertical(id="models-left"):
                yield Static(HEADINGS, id="models-headings", markup=False)
                yield OptionList(id="models-list", compact=True)
            with VerticalScroll(id="models-detail", can_focus=False):
                yield Static(LOOKING, id="model-about", markup=False)

    def on_mount(self) -> None:
        self._ticks = self.set_interval(PROGRESS_S, self._tick, pause=True)
        self.look()

    def on_screen_resume(self) -> None:
        # The command line may have pulled or added something meanwhile.
        if self._models:
            self.look()

    def on_log_changed(self) -> None:
        self._belongings.clear()
        self._describe()

    def look(self) -> None:
        """Read anew what there is. A reading under way is dropped: it may have begun before what is to be shown."""
        self.start(models_work.look(self), group="look", exclusive=True)

    # What the workers call --------------------------------------------------------------------------------------------

    def show(self, models: list[Shown]) -> None:
        """Show what there is; the chosen one stays chosen."""
        options = self.query_one(OptionList)
        chosen = self.wanted or (self._chosen.model.name if self._chosen else "")
        in_use = next((shown.model.name for shown in models if shown.model.in_use), "")
        self.wanted = ""
        self._models = {shown.model.name: shown for shown in models}
        options.clear_options()
        for title, group in grouped(models):
            options.add_option(Option(title, disabled=True))
            options.add_options([self._option(shown) for shown in group])
        for name in (chosen, in_use):
            if name in self._models:
                options.highlighted = options.get_option_index(name)
                break
        else:
            options.action_first()
        if not models:
            self.show_failure(NOTHING)
        self._describe()

    def show_failure(self, words: str) -> None:
        """In the place of the models."""
        self.query_one("#model-about", Static).update(displayable(words))

    def show_belongings(self, name: str, found: Belongings) -> None:
        self._belongings[name] = found
        if self._chosen is not None and self._chosen.model.name == name:
            self._show_chosen()

    def show_measuring(self, words: str) -> None:
        """How far the measurement of the model in use is, painted with the next tick; empty where none is under way."""
        begins_or_ends = bool(self._measuring) != bool(words)
        self._measuring = words
        if not (begins_or_ends and self.is_mounted and self.app.is_running):
            return
        if words and self._ticks is not None:
            self._ticks.resume()
        self._tick()
        if not words:
            self._belongings.clear()
            self._describe()

    def stop_measuring(self) -> None:
        self.workers.cancel_group(self, MEASURING)

    def begin_pull(self, wanted: str, name: str) -> None:
        """Start a pull beside everything else, unless it is under way."""
        if wanted in self._pulls:
            return
        pulling = self._pulls[wanted] = Pulling(wanted, name)
        self._workers[wanted] = self.start(models_work.pull(self, pulling), group="pull")
        if self._ticks is not None:
            self._ticks.resume()
        self._tick()

    async def stop_pull(self, pulling: Pulling) -> None:
        """End a pull, and wait until its file is let go of."""
        if (worker := self._workers.get(pulling.wanted)) is not None:
            worker.cancel()
            with contextlib.suppress(TimeoutError, WorkerError):
                await asyncio.wait_for(worker.wait(), STOPS_WITHIN_S)

    def forget_pull(self, pulling: Pulling) -> None:
        """It has ended, in whichever way."""
        self._pulls.pop(pulling.wanted, None)
        self._workers.pop(pulling.wanted, None)
        if self.is_mounted and self.app.is_running:
            self._tick()
            self.look()

    # What is chosen ---------------------------------------------------------------------------------------------------

    @property
    def _chosen(self) -> Shown | None:
        options = self.query_one(OptionList)
        if options.highlighted is None or options.highlighted >= options.option_count:
            return None
        name = options.get_option_at_index(options.highlighted).id
        return self._models.get(name or "")

    def _pulling(self, model: ShelfModel) -> Pulling | None:
        return next((pulling for pulling in self._pulls.values() if pulling.name == model.name), None)

    def _option(self, shown: Shown) -> Option:
        pulling = self._pulling(shown.model)
        return Option(row(shown, pulling.progress if pulling else None), id=shown.model.name)

    @on(OptionList.OptionHighlighted, "#models-list")
    def _describe(self) -> None:
        self._show_chosen()
        self.refresh_bindings()
        if self._settles is not None:
            self._settles.stop()
        self._settles = self.set_timer(SETTLE_S, self._read_belongings)

    def _read_belongings(self) -> None:
        shown = self._chosen
        if shown is not None and shown.model.path is not None and shown.model.name not in self._belongings:
            self.start(models_work.tell_belongings(self, shown.model), group="belongings", exclusive=True)

    def _show_chosen(self) -> None:
        shown = self._chosen
        if shown is None:
            return
        pulling = self._pulling(shown.model)
        found, progress = self._belongings.get(shown.model.name), pulling.progress if pulling else None
        self.query_one("#model-about", Static).update(about(shown, found, progress, self._measuring))

    def _tick(self) -> None:
        """Show how far the pulls and a measurement are."""
        options = self.query_one(OptionList)
        for pulling in self._pulls.values():
            if (shown := self._models.get(pulling.name)) is not None:
                options.replace_option_prompt(pulling.name, row(shown, pulling.progress))
            elif pulling.progress.total and not pulling.listed:
                pulling.listed, self.wanted = True, pulling.name
                self.look()  # of a file that is in no catalogue there is a part to show from now on
        if not (self._pulls or self._measuring) and self._ticks is not None:
            self._ticks.pause()
        self._show_chosen()
        self.refresh_bindings()

    # Actions ----------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Actions that have nothing to act on are neither shown nor run."""
        if action not in ("use", "pull", "cancel", "remove", "undo", "get", "add", "measure", "train"):
            return True
        shown = self._chosen if self.is_mounted else None
        if action in ("get", "add"):
            return True
        if action == "undo":
            return bool(self.undoable) and not self.switching
        if action in ("measure", "train"):
            return any(one.model.in_use for one in self._models.values()) and not self.switching
        if shown is None:
            return False
        model, pulling = shown.model, self._pulling(shown.model)
        return {
            "use": model.path is not None and not model.in_use and not self.switching,
            "pull": pulling is not None or model.place in (Place.CATALOGUE, Place.PART),
            "cancel": pulling is not None or model.place is Place.PART,
            "remove": model.place in (Place.PULLED, Place.ADDED),
        }[action]

    @on(OptionList.OptionSelected, "#models-list")
    async def _select(self) -> None:
        shown = self._chosen
        if shown is None or self._pulling(shown.model) is not None:
            return
        if shown.model.path is not None:
            await self.run_action("use")
        else:
            self.action_pull()

    def action_use(self) -> None:
        if (shown := self._chosen) is not None:
            self.start(models_work.use(self, shown), group="switch")

    def action_pull(self) -> None:
        if (shown := self._chosen) is None:
            return
        if (pulling := self._pulling(shown.model)) is not None:
            self._workers[pulling.wanted].cancel()
        else:
            self.start(models_work.begin(self, shown), group="begin", exclusive=True)

    def action_cancel(self) -> None:
        if (shown := self._chosen) is not None:
            work = models_work.discard(self, shown.model, self._pulling(shown.model))
            self.start(work, group="discard", exclusive=True)

    def action_get(self) -> None:
        self.start(models_work.ask_what_to_pull(self), group="get", exclusive=True)

    async def action_add(self) -> None:
        """Ask for a file; what is typed next is meant for the dialog."""
        await self.app.push_screen(FileDialog("Add a model file where it lies", Path.cwd()), self._add)

    def _add(self, file: Path | None) -> None:
        if file is not None:
            self.start(models_work.add(self, file), group="add")

    def action_remove(self) -> None:
        if (shown := self._chosen) is not None:
            self.start(models_work.remove(self, shown.model), group="remove", exclusive=True)

    def action_measure(self) -> None:
        if self._measuring:
            self.stop_measuring()
        else:
            self.start(models_work.measure(self), group=MEASURING, exclusive=True)

    async def action_train(self) -> None:
        await models_work.train(self)

    def action_undo(self) -> None:
        if self.undoable and not self.switching:
            self.start(models_work.undo(self), group="switch")
