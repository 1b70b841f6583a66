"""Compare: one question, all arms at once, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Key
from textual.widgets import Input, Static, TextArea
from textual.worker import Worker

from studio.domain.generation import ChatMessage, Sampling
from studio.domain.log import Correction
from studio.services.studio import Studio
from studio.tui.plain_text import typed
from studio.tui.screens import compare_work
from studio.tui.screens.arm_pane import ArmPane
from studio.tui.screens.arm_tabs import ArmTabs
from studio.tui.screens.arms_screen import ArmsScreen
from studio.tui.screens.compare_keys import COMPARE_KEYS, DIAL, DIAL_KEYS, EMPTY, GUARDED, NO_DIAL
from studio.tui.screens.compare_work import Comparison
from studio.tui.screens.correcting import leave_editor
from studio.tui.screens.scale_dial import DialButton, ScaleDial
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.ground import Ground
from studio.tui.widgets.text_input import Composer, PlainTextArea


class CompareScreen(ArmsScreen):
    """The question on top, a pane per arm below: tabs, two columns, or all in a row, as the window is wide."""

    MODE = "compare"
    CSS_PATH = "../styles/compare.tcss"
    AUTO_FOCUS = "Composer"
    ESCAPE_TO_MINIMIZE = False  # esc cancels first, and leaves an editor that fills the screen
    HELP = """\
One question, answered by all arms at once. The digits choose an arm; single keys act on the chosen one. An answer is
right or wrong by the check of your correction of this question. [ and ] turn the dial of how strongly the adapter is
applied, and ask the arms that have one again. With names hidden (b) the arms are shuffled at every question, and named
once you have said which answer you prefer (v). Preferences are counted, those with names hidden apart: studio prefer
lists them. o opens what a reasoning model thought before its answer."""
    BINDINGS: ClassVar[list[BindingType]] = COMPARE_KEYS

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._shows_diffs = False
        self._asking: Worker[None] | None = None
        self._dial_waits = False

    def compose_body(self) -> ComposeResult:
        yield Composer(id="compare-prompt", placeholder="Ask all arms something")
        with Ground(id="compare-bar"):
            yield ArmTabs(len(self._board.all))
            yield ScaleDial(self.studio)
        yield Static(EMPTY, id="compare-empty", markup=False)
        yield self._board

    def on_mount(self) -> None:
        self._board.display = False
        self.query_one("#compare-bar").display = False
        # Whether there is a reader is known once the model is.
        self.show_arms([recipe for recipe in self.studio.settings.arm_recipes() if not recipe.rests_on_reader])

    def compare(
        self,
        prompt: str,
        history: Sequence[ChatMessage],
        *,
        kin: Correction | None = None,
        read: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Ask all arms this prompt, as another screen wishes; `kin` is Comparison's, `read` the request's."""
        self.names.note_said(prompt, read)
        if self._refuses():
            return
        self._composer.load_text(typed(prompt))
        self._composer.move_cursor(self._composer.document.end)
        self._ask_all(Comparison(prompt, tuple(history), kin=kin))

    def on_log_changed(self) -> None:
        if self.comparison is not None and not self.answering:
            self.start(compare_work.judge_anew(self, self.comparison), group="judge", exclusive=True)

    # What there is ------------------------------------------------------------------------------------------------

    @property
    def answering(self) -> bool:
        return self._asking is not None and not self._asking.is_finished

    @property
    def sampling(self) -> Sampling:
        return self.studio.sampling

    @property
    def _composer(self) -> Composer:
        return self.query_one(Composer)

    # Asking -------------------------------------------------------------------------------------------------------

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        self._ask_all(self.comparison_of(event.text))

    def comparison_of(self, prompt: str) -> Comparison:
        """The one that is shown where it has this prompt, else a new one."""
        same = self.comparison is not None and self.comparison.prompt == prompt
        return self.comparison if same and self.comparison else Comparison(prompt)

    def action_run(self) -> None:
        if self.comparison is not None:
            self._ask_all(self.comparison)

    def _refuses(self) -> bool:
        """Whether nothing can be asked just now; says why."""
        if self._board.edits:
            self.notify("A correction is being written: save it with ctrl+s or leave it with esc first.")
        elif self.answering:
            self.notify("The last question is still being answered; esc cancels it.")
        return bool(self._board.edits) or self.answering

    def _ask_all(self, comparison: Comparison) -> None:
        if self._refuses():
            return
        if self.comparison is not None:
            self.names.note(self.comparison.prompt, self.panes)
        self.comparison = comparison
        self._shows_diffs = False
        self._board.name_arms(hidden=self._blind)
        self.query_one("#compare-empty").display = False
        self.query_one("#compare-bar").display = True
        self._board.display = True
        self.call_after_refresh(self._current.focus)
        self._ask()

    def _ask(self, panes: Sequence[ArmPane] = ()) -> None:
        """Ask these panes' arms; with none named, every arm that can answer."""
        assert self.comparison is not None
        self._asking = self.start(compare_work.ask(self, self.comparison, panes), group="asking")
        self.refresh_bindings()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker is self._asking and event.worker.is_finished:
            self._asking = None
            self.refresh_bindings()
            if self._dial_waits:
                self._turn_now()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Actions that have nothing to act on are neither shown nor run."""
        if action not in GUARDED:
            return True
        if action in ("cancel", "leave"):
            return self.answering == (action == "cancel")
        if not self.is_mounted or isinstance(self.focused, TextArea | Input):
            return False
        if action in DIAL and not self.query_one(ScaleDial).turns:
            return False
        return action == "compose" or self.comparison is not None

    def on_key(self, event: Key) -> None:
        """The dial's keys are not offered before there is an adapter; who presses one is told why."""
        if event.key in DIAL_KEYS and self.comparison is not None and not isinstance(self.focused, TextArea | Input):
            self.notify(NO_DIAL)

    def action_cancel(self) -> None:
        if self._asking is not None:
            self._dial_waits = False
            self._asking.cancel()

    def action_leave(self) -> None:
        if self.maximized is not None:
            self.minimize()
        elif self.focused is self._composer and self.comparison is not None:
            self.set_focus(self._current)

    def action_compose(self) -> None:
        self.minimize()
        self.set_focus(self._composer)

    # Judging ------------------------------------------------------------------------------------------------------

    def _answered(self) -> ArmPane | None:
        """The chosen arm where its answer can be acted on; says so where it cannot."""
        pane = self._current
        if self.comparison is None:
            self.notify("Ask something first.")
        elif pane.editor is not None:
            self.set_focus(pane.editor.query_one(PlainTextArea))
        elif pane.answer is None:
            self.notify("This arm has no whole answer yet.")
        else:
            return pane
        return None

    def action_prefer(self) -> None:
        if (pane := self._answered()) is not None:
            self.start(self._prefer(pane), group="prefer")

    async def _prefer(self, pane: ArmPane) -> None:
        await compare_work.prefer(self, pane)
        self._board.name_arms(hidden=False)

    async def action_edit(self) -> None:
        if self.answering:
            self.notify("The arms are still answering; esc cancels them.")
        elif (pane := self._answered()) is not None:
            await self.edit(pane)
            # An editor and its diff need room.
            self.maximize(pane)

    async def edit(self, pane: ArmPane) -> None:
        """Open an editor in the place of this arm's answer."""
        earlier = self.comparison.earlier if self.comparison else None
        await (pane.edit(rationale=earlier.rationale, labels=earlier.labels) if earlier else pane.edit())

    @on(AnswerEditor.Saved)
    def _save(self, event: AnswerEditor.Saved) -> None:
        if all(worker.group != "save" for worker in self.workers):
            self.start(compare_work.save_correction(self, event.editor), group="save")

    @on(AnswerEditor.Left)
    def _leave_editor(self, event: AnswerEditor.Left) -> None:
        editor = event.editor
        work = leave_editor(editor, lambda: compare_work.close_editor(self, editor.query_ancestor(ArmPane)))
        self.start(work, group="leave")

    def action_copy(self) -> None:
        if (pane := self._answered()) is not None and pane.answer is not None:
            self.studio_app.copy(pane.answer.text)

    def action_diff(self) -> None:
        if self.comparison is None or self.comparison.correction is None:
            self.notify("This question has no correction yet: e edits an answer into one.")
            return
        self._shows_diffs = not self._shows_diffs
        self.show_diffs()

    def show_diffs(self) -> None:
        """Show every answer against the correction in force, or as it is."""
        correction = self.comparison.correction if self.comparison else None
        for pane in self._board.all:
            pane.show_diff(correction, shown=self._shows_diffs)

    def action_then_and_now(self) -> None:
        if self.comparison is not None:
            work = compare_work.show_timeline(self, self.comparison.prompt, self._current.recipe)
            self.start(work, group="then-and-now", exclusive=True)
            self._tell_names()  # it says what which arm said

    # The dial -----------------------------------------------------------------------------------------------------

    def show_scale(self) -> None:
        """Show the adapter's scale that the arms were given."""
        given = (pane.given_scale for pane in self._board.turned)
        self.query_one(ScaleDial).show_given(next((scale for scale in given if scale is not None), None))
        self.refresh_bindings()

    @on(DialButton.Pressed)
    def _dial_pressed(self, event: DialButton.Pressed) -> None:
        self.action_dial(event.steps)

    def action_dial(self, steps: int) -> None:
        self.query_one(ScaleDial).turn(steps)

    def action_dial_off(self) -> None:
        self.query_one(ScaleDial).turn_to(None)

    @on(ScaleDial.Turned)
    def _turn_now(self) -> None:
        """Ask the arms with an adapter again at the new scale; after what is being asked now."""
        self._dial_waits = self.answering
        if not self._dial_waits and self.comparison is not None and not self._board.edits:
            self.names.note(self.comparison.prompt, self.panes)
            self._tell_names()  # by which of them answer again
            self._ask(self._board.turned)
