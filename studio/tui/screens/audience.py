"""A question from the audience: all arms answer side by side, the answer is corrected, and it is asked in other words.

Compare itself, over the demonstration's log, with a line that says what to do next and the way back to the story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from studio.domain.generation import Sampling
from studio.domain.lessons import LessonStatus
from studio.domain.log import Correction
from studio.evaluation.audience_file import PreparedQuestion
from studio.services.studio import Studio, off_loop
from studio.tui.screens.arm_pane import ArmPane
from studio.tui.screens.compare import CompareScreen
from studio.tui.screens.compare_work import Comparison
from studio.tui.screens.demo_keys import STORY_WAITS
from studio.tui.screens.studio_screen import is_left
from studio.tui.widgets.text_input import Composer

MOST_TOKENS = 96
"""Of an answer: the room waits, and a small model that has not come to an end by then goes on in circles."""
ASK = "Type the question and press enter."
ANSWERING = "The arms are answering…"
CORRECT = "The answer is corrected where it stands: e. A digit chooses another arm."
PREPARED = "e puts the prepared correction into the answer. A digit chooses another arm."
WRITE = "Write what is true, then ctrl+s."
LEARNING = "Saved. The lesson is being learnt…"
AGAIN = "Learnt. n asks the same in other words."
TYPE_AGAIN = "Type the same question in other words and press enter."
BACK = "esc goes back to the story."


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a question. `right`, by arm: who answered `again`, the same in other words, as corrected."""

    question: str
    original: str
    corrected: str
    again: str
    right: dict[str, bool]


class AudienceScreen(CompareScreen):
    """`heard` is what was corrected last; None as long as nothing was."""

    MODE = ""
    HELP = f"""\
A question from the audience, answered by all arms at once in the demonstration's own log. e corrects the chosen arm's
answer, ctrl+s saves it and its lesson is learnt; n asks the same in other words, and every answer is judged by the
correction. {BACK} A running night stands still while the arms answer. {CompareScreen.HELP}"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "again", "In other words", id="audience.again", tooltip="Ask the corrected question in other words"
        ),
        # Both again: a key given here takes the place of all that the base gives it.
        Binding("escape", "cancel", "Cancel", id="compare.cancel", tooltip="Cancel all answers that are being written"),
        Binding("escape", "leave", "To the story", id="audience.leave", tooltip="Back to the story, which goes on"),
    ]

    def __init__(self, studio: Studio, asked: PreparedQuestion | str | None = None) -> None:
        super().__init__(studio)
        self._prepared = asked if isinstance(asked, PreparedQuestion) else None
        self._first = asked.question if isinstance(asked, PreparedQuestion) else asked
        self.heard: Heard | None = None
        self._correction: Correction | None = None
        self._learnt = False
        self._types_again = False

    def on_screen_suspend(self) -> None:
        if is_left(self):
            self.notify(STORY_WAITS)

    def compose_body(self) -> ComposeResult:
        yield Static(ASK, id="audience-strip", markup=False)
        yield from super().compose_body()

    def on_mount(self) -> None:
        if self._first:
            self.call_after_refresh(self.compare, self._first, ())

    def comparison_of(self, prompt: str) -> Comparison:
        if self._types_again and self._correction is not None:
            self._types_again = False
            return Comparison(prompt, kin=self._correction)
        return super().comparison_of(prompt)

    @property
    def sampling(self) -> Sampling:
        return replace(self.studio.sampling, max_tokens=min(self.studio.sampling.max_tokens, MOST_TOKENS))

    # Keys ---------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "again":
            return self._learnt and not self.answering and super().check_action("run", parameters)
        return super().check_action(action, parameters)

    def action_again(self) -> None:
        if (prepared := self._shown_prepared) is not None:
            self.compare(prepared.again, (), kin=self._correction)
            return
        self._types_again = True
        self.query_one(Composer).load_text("")
        self.action_compose()
        self._guide()

    def action_leave(self) -> None:
        if self.maximized is not None or (self.focused is self.query_one(Composer) and self.comparison is not None):
            super().action_leave()
        else:
            self.dismiss()

    async def edit(self, pane: ArmPane) -> None:
        prepared = self._shown_prepared
        await (pane.edit(prepared.answer, prepared.why) if prepared else super().edit(pane))
        self._guide()

    @property
    def _shown_prepared(self) -> PreparedQuestion | None:
        """The prepared question while it is the one shown, in its first words."""
        asked = self.comparison.prompt if self.comparison is not None else None
        return self._prepared if self._prepared is not None and self._prepared.question == asked else None

    # The line that guides -----------------------------------------------------------------------------------------

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if self.is_mounted and event.worker.group in ("asking", "save", "leave", "judge", "heard"):
            self._guide()
        again = self.comparison is not None and self.comparison.kin is not None
        if again and event.worker.group == "asking" and event.state is WorkerState.SUCCESS:
            self._asked_again()

    def _asked_again(self) -> None:
        if self._right:  # where one arm is shown at a time, one that knows it
            self.action_choose(self._right[0].position)
        if (recording := self.studio_app.recording) is not None:
            self.start(recording.keep_still(self.app, self.caption), group="still")

    @property
    def caption(self) -> str:
        asked = f" {self.comparison.prompt} {self._words()}" if self.comparison else ""
        return f"From the audience.{asked.removesuffix(BACK)}".rstrip()

    def on_log_changed(self) -> None:
        super().on_log_changed()
        self.start(self._look_for_lesson(), group="heard", exclusive=True)

    async def _look_for_lesson(self) -> None:
        shown = self.comparison
        if shown is None or shown.kin is not None or shown.correction is None:
            return
        self._correction, learnt = shown.correction, shown.correction.id
        lessons = await off_loop(self.studio.log.lessons.all, LessonStatus.ACTIVE)
        self._learnt = any(learnt in lesson.source_ids for lesson in lessons)
        self.refresh_bindings()

    def _guide(self) -> None:
        self.heard = self._outcome()
        self.query_one("#audience-strip", Static).update(self._words())
        self.refresh_bindings()

    def _words(self) -> str:
        if self.answering:
            return ANSWERING
        if self._types_again:
            return TYPE_AGAIN
        if any(pane.editor is not None for pane in self.panes):
            return WRITE
        return ASK if self.comparison is None else self._words_on(self.comparison)

    def _words_on(self, shown: Comparison) -> str:
        if shown.kin is not None:
            names = [pane.recipe.name for pane in self._right]
            knows = "knows" if len(names) == 1 else "know"
            return f"{len(names)} of {len(self._judged)} {knows} it: {', '.join(names) or 'none'}. {BACK}"
        if shown.correction is not None:
            return AGAIN if self._learnt else LEARNING
        return PREPARED if self._shown_prepared else CORRECT

    @property
    def _right(self) -> list[ArmPane]:
        return [pane for pane in self._judged if _is_right(pane)]

    @property
    def _judged(self) -> Sequence[ArmPane]:
        return [pane for pane in self.panes if pane.verdict is not None]

    def _outcome(self) -> Heard | None:
        if (made := self._correction) is None:
            return None
        shown = self.comparison
        again = shown if shown is not None and shown.kin is not None else None
        right = {pane.recipe.name: _is_right(pane) for pane in self._judged} if again else {}
        return Heard(made.prompt, made.original, made.corrected, again.prompt if again else "", right)


def _is_right(pane: ArmPane) -> bool:
    return pane.verdict is not None and pane.verdict.ok
