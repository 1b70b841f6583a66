"""The tour: a few lines above the real screens that say what to do next and wait until the user has done it.

Nothing is covered and nothing is played: the question, the answer and the correction are the user's own and stay in the
log. Esc ends it, except where esc has something nearer to end: an answer being written, an editor, a dialog.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard, cast

from textual.content import Content
from textual.widgets import Input, Static, TextArea

from studio.domain.log import Correction
from studio.evaluation.checks import judge
from studio.tui.plain_text import displayable
from studio.tui.screens.chat import ChatScreen
from studio.tui.screens.chat_sessions import show_conversation
from studio.tui.screens.chat_work import corrections_made
from studio.tui.screens.studio_screen import StudioScreen, run_beside
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.header import MODES
from studio.tui.widgets.text_input import Composer

if TYPE_CHECKING:
    from studio.tui.app import StudioApp
    from studio.tui.screens.compare import CompareScreen
    from studio.tui.screens.compare_work import Comparison

LOOKS_EVERY_S = 0.1
SAVING = ("save", "settle", "learn")
"""Workers that lead from an editor that is closed to a correction that is shown."""
STEPS = 5
ASK = "Ask something that no model can know, about you or your work: 'What is the name of my cat?' Then press enter."
WAIT = "It answers as well as it can. Watch the line above the answer: it says what the answer was given."
OPEN = "It cannot know that, so it guesses. The answer is selected: press e to put it right, where it stands."
WRITE = "Write what is true, whole and short: 'The name of your cat is Minka.' (f7 selects all.) Then press ctrl+s."
LEARNING = "Saved: your correction is on disk. Its lesson is being learnt…"
ASK_ALL = (
    "Learnt. Now see what: press f3 and ask the same in other words, 'What do I call my cat?', and enter. All arms "
    "answer at once, with and without your correction."
)
COMPARING = "All arms are answering. Each says beneath its name what it was given."
NOBODY = "None of them used it this time: small models miss some wordings. Try other words, or go on correcting."
AFTER = "A night (f5) trains it into the model, f9 goes through answers nobody has judged, f1 explains every screen."
ENDED = "The tour has ended; what you asked and corrected stays. ctrl+t begins it again, on any screen."


@dataclass
class Tour:
    """How far the user is. `correction` is the one made on the tour, `compared` what was compared before it."""

    compared: Comparison | None = None
    step: int = 1
    correction: Correction | None = None
    words: str = ASK

    def end(self, app: StudioApp) -> bool:
        """End the tour; False where esc is wanted for something nearer."""
        screen = app.screen
        if not isinstance(screen, StudioScreen) or _wants_esc(screen):
            return False
        app.tour = None
        app.notify(ENDED)
        for visited in _visited(app):
            visited.query(TourStrip).remove()
        return True


class TourStrip(Static):
    """The words of the present step, beneath the header."""

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._told = ("", 0, False)

    def tell(self, tour: Tour, *, esc_leaves: bool) -> None:
        if (tour.words, tour.step, esc_leaves) != self._told:
            self._told = (tour.words, tour.step, esc_leaves)
            place, leave = (f"Tour {tour.step}/{STEPS}  ", "bold"), ("  esc leaves the tour", "$foreground-muted")
            self.update(Content.assemble(place, displayable(tour.words), leave if esc_leaves else ""))


async def begin(app: StudioApp) -> None:
    """Go to an empty session in Chat and guide from there; begins anew where a tour is under way."""
    await app.action_go("chat")
    chat = _chat(app)
    if chat.conversation is not None or chat.exchanges:
        await show_conversation(chat, None)
    app.tour = tour = Tour(compared=next((screen.comparison for screen in _visited(app) if _compares(screen)), None))
    chat.action_compose()
    run_beside(app, _guide(app, tour), group="watch", exclusive=False)


async def _guide(app: StudioApp, tour: Tour) -> None:
    while app.tour is tour and _is_open(app):
        await _look(app, tour)
        if app.tour is tour and _is_open(app) and isinstance(app.screen, StudioScreen):
            screen = app.screen
            if not screen.query(TourStrip):
                await screen.mount(TourStrip(), after="StudioHeader")
            screen.query_one(TourStrip).tell(tour, esc_leaves=not _wants_esc(screen))
        await asyncio.sleep(LOOKS_EVERY_S)


def _wants_esc(screen: StudioScreen) -> bool:
    """Whether esc has something nearer to end there: an answer being written, an editor, a form, a filter."""
    writes = isinstance(screen.focused, Input | TextArea) and not isinstance(screen.focused, Composer)
    return writes or getattr(screen, "answering", False) or bool(screen.query(AnswerEditor))


def _is_open(app: StudioApp) -> bool:
    """Whether there are still screens: an app that closes takes them away before it ends what runs beside them."""
    return bool(app.screen_stack) and app.screen.is_attached and app.is_running


async def _look(app: StudioApp, tour: Tour) -> None:
    """Go on where the user has done what the present step waits for."""
    chat = _chat(app)
    match tour.step:
        case 1:
            tour.words = WAIT if chat.answering or chat.answers else ASK
            if not chat.answering and any(view.answer is not None for view in chat.answers):
                tour.step = 2
                chat.action_select(0)
        case 2 | 3:
            writes = any(view.editor is not None for view in chat.answers)
            if made := corrections_made(chat.exchanges):
                tour.step, tour.words, tour.correction = 4, LEARNING, made[-1]
            elif writes or not any(worker.group in SAVING and worker.is_running for worker in app.workers):
                tour.step, tour.words = (3, WRITE) if writes else (2, OPEN)
        case 4:
            learns = any(worker.group == "learn" and worker.is_running for worker in app.workers)
            tour.words = LEARNING if learns else ASK_ALL
            for screen in filter(_compares, _visited(app)):
                await _look_at_comparison(screen, tour)
        case _:
            pass


async def _look_at_comparison(compare: CompareScreen, tour: Tour) -> None:
    if compare.answering:
        tour.words = COMPARING
    elif compare.comparison not in (None, tour.compared) and tour.correction is not None:
        said = [(pane.recipe.name, pane.answer.text) for pane in compare.panes if pane.answer is not None]
        check = tour.correction.check
        right = await asyncio.to_thread(lambda: [name for name, text in said if judge(text, check).ok])
        if said:
            tour.step = STEPS
            tour.words = f"{_found(right, len(said))} {AFTER}"


def _found(right: list[str], asked: int) -> str:
    if not right:
        return NOBODY
    knows = "knows" if len(right) == 1 else "know"
    return f"{len(right)} of {asked} {knows} it now: {', '.join(right)}. What each was given stands beneath its name."


def _chat(app: StudioApp) -> ChatScreen:
    return cast("ChatScreen", app.base_screen("chat"))


def _visited(app: StudioApp) -> Iterator[StudioScreen]:
    """The screens there are by now."""
    for mode in MODES:
        with contextlib.suppress(KeyError):
            yield from cast("list[StudioScreen]", app.get_screen_stack(mode)[:1])


def _compares(screen: StudioScreen) -> TypeGuard[CompareScreen]:
    # By name: to import it would cost what is saved by building it when first entered.
    return screen.MODE == "compare"
