"""Chat: ask, read, correct in place, go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerState

from studio.services.studio import Studio
from studio.tui.messages import CompareRequested
from studio.tui.screens import chat_sessions, chat_work
from studio.tui.screens.chat_work import WELCOME
from studio.tui.screens.correcting import leave_editor, redo
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.widgets.answer_editor import AnswerEditor, editor_of
from studio.tui.widgets.answer_view import AnswerView, ExchangeView
from studio.tui.widgets.feedback_line import FeedbackLine, open_feedback
from studio.tui.widgets.text_input import Composer, PlainTextArea
from studio.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from studio.domain.log import Conversation, Correction
    from studio.services.converse import Exchange

OPENS_WITHIN_S = 0.5


class ChatScreen(StudioScreen):
    """The transcript of one session, with the answers in it open to correction, and the composer beneath."""

    MODE = "chat"
    AUTO_FOCUS = "Composer"
    HELP = """\
Type a question and press enter. esc goes from the input to the answers, where single keys act on the selected one:
correct it in place (e), say in words what is wrong and let the model try again (f), or accept it as good (a).
Inserted words are marked {+so+}, deleted ones [-so-]. o opens what a reasoning model thought before its answer."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="chat.cancel", tooltip="Cancel the answer that is being written"),
        Binding("escape", "select(0)", "Answers", id="chat.answers", tooltip="From the input to the answers"),
        Binding("e", "edit", "Edit", id="chat.edit", tooltip="Correct the selected answer in place"),
        Binding("f", "feedback", "Feedback", id="chat.feedback", tooltip="Say what is wrong; the model tries again"),
        Binding("a", "accept", "Accept", id="chat.accept", tooltip="Accept the answer as good, or take that back"),
        Binding("r", "retry", "Retry", id="chat.retry", tooltip="Ask the same question again"),
        Binding("c", "compare", "Compare", id="chat.compare", tooltip="Ask all arms the same question"),
        Binding("d", "diff", "Diff", id="chat.diff", tooltip="Show what a correction changed"),
        Binding("u", "undo", "Undo", id="chat.undo", tooltip="Take the last correction back"),
        Binding("U", "redo", "Redo", id="chat.redo", tooltip="Bring the undone correction back"),
        Binding("ctrl+r", "redo", "Redo", show=False, id="chat.redo_anywhere", tooltip="Bring the undone one back"),
        Binding("i,enter", "compose", "Input", show=False, id="chat.input", tooltip="Go to the input"),
        Binding("ctrl+up", "select(-1)", "Previous answer", show=False, id="chat.previous"),
        Binding("ctrl+down", "select(1)", "Next answer", show=False, id="chat.next"),
        Binding("pageup", "scroll(-1)", "Scroll up", show=False, id="chat.scroll_up"),
        Binding("pagedown", "scroll(1)", "Scroll down", show=False, id="chat.scroll_down"),
        Binding("home", "scroll_to('first')", "First answer", show=False, id="chat.first", tooltip="To the beginning"),
        Binding("end", "scroll_to('latest')", "Latest answer", show=False, id="chat.latest", tooltip="To the end"),
        Binding("s,ctrl+o", "sessions", "Sessions", id="chat.sessions", tooltip="List, resume and rename sessions"),
        Binding("ctrl+n", "new_session", "New", show=False, id="chat.new", tooltip="Begin a new session"),
    ]

    conversation: Conversation | None = None
    generation: Worker[None] | None = None
    """The worker that streams an answer, a retry or a redo; None while nothing does."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.undone: list[Correction] = []
        self.undoing = asyncio.Lock()
        self.transcript = Transcript(WELCOME, self._before)

    def compose_body(self) -> ComposeResult:
        yield self.transcript
        yield Composer(id="composer", placeholder="Ask something")

    def on_mount(self) -> None:
        self.call_after_refresh(lambda: self.start(chat_work.offer_tour(self), group="offer"))

    # What is selected ---------------------------------------------------------------------------------------------

    @property
    def answers(self) -> list[AnswerView]:
        return [answer for view in self.transcript.views for answer in view.answers]

    @property
    def exchanges(self) -> list[Exchange]:
        """What is settled, as far as it is shown or about to be."""
        return self.transcript.exchanges

    async def _before(self, position: int, most: int) -> list[Exchange]:
        return await chat_work.before(self, position, most)

    @property
    def selected(self) -> AnswerView | None:
        """The answer that has the focus within it, or the last one."""
        answers = self.answers
        if isinstance(self.focused, AnswerView):
            return self.focused
        within = [view for view in answers if self.focused in view.walk_children()]
        candidates = within or answers
        return candidates[-1] if candidates else None

    @property
    def answering(self) -> bool:
        return self.generation is not None and not self.generation.is_finished

    def _settled(self) -> AnswerView | None:
        """The selected answer, where it can be acted on; says so where it cannot."""
        view = self.selected
        if view is None:
            self.notify("There is no answer yet.")
        elif view.answer is None:
            self.notify("The answer is still being written; esc cancels it.")
        elif view.editor is not None:
            self.set_focus(view.editor.query_one(PlainTextArea))
        else:
            return view
        return None

    def action_select(self, step: int) -> None:
        answers = self.answers
        if not answers:
            return
        if isinstance(self.focused, AnswerView):
            step += answers.index(self.focused)
            if step < 0 and self.transcript.when_earlier(lambda: self.action_select(-1)):
                return
            self.set_focus(answers[max(0, min(step, len(answers) - 1))])
        else:
            self.set_focus(answers[-1])

    @on(AnswerView.Moved)
    def _select_other(self, event: AnswerView.Moved) -> None:
        self.action_select(event.step)

    def action_compose(self) -> None:
        self.set_focus(self.query_one(Composer))

    def go_on(self) -> None:
        """Coming from another screen, what is typed next is a question, unless a correction is being written."""
        if self.is_mounted and all(view.editor is None for view in self.answers):
            self.action_compose()

    def action_cancel(self) -> None:
        if self.generation is not None:
            self.generation.cancel()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Actions that have nothing to act on are neither shown nor run."""
        applies = True
        match action:
            case "cancel":
                applies = self.answering
            case "select":
                applies = bool(self.answers) and (parameters != (0,) or isinstance(self.focused, Composer))
            case "edit" | "feedback" | "accept" | "retry" | "compare":
                applies = bool(self.answers)
            case "diff":
                applies = self.selected is not None and self.selected.correction is not None
            case "undo":
                applies = bool(chat_work.corrections_made(self.exchanges))
            case "redo":
                applies = bool(self.undone)
        return applies

    def action_scroll(self, pages: int) -> None:
        self.transcript.page(pages)

    def action_scroll_to(self, end: str) -> None:
        self.start(chat_work.scroll_to(self, first=end == "first"), group="sessions", exclusive=True)

    # Asking -------------------------------------------------------------------------------------------------------

    def _generate(self, work: Coroutine[Any, Any, None]) -> None:
        self.generation = self.start(work, group="generation")
        self.refresh_bindings()  # esc cancels from now on

    def _busy(self) -> bool:
        """Whether an answer is being written, and so no other can be; says so."""
        if self.answering:
            self.notify("The last question is still being answered; esc cancels it.")
        return self.answering

    @on(Composer.Sent)
    def _ask(self, event: Composer.Sent) -> None:
        if self._busy():
            return
        event.composer.take(event.text)
        self._generate(chat_work.ask(self, event.text))

    def action_retry(self) -> None:
        if not self._busy() and (view := self._settled()) is not None:
            self._generate(chat_work.retry(self, self.exchange_of(view)))

    def action_compare(self) -> None:
        if (view := self._settled()) is not None:
            self.start(self._compare(self.exchange_of(view)))

    async def _compare(self, shown: ExchangeView) -> None:
        history = await chat_work.history_before(self, shown)
        read = [(view.arm, view.answer.text) for view in shown.answers if view.answer is not None]
        self.post_message(CompareRequested(shown.prompt, history, read))

    def exchange_of(self, view: AnswerView) -> ExchangeView:
        """The exchange an answer belongs to."""
        return next(node for node in view.ancestors if isinstance(node, ExchangeView))

    # Judging ------------------------------------------------------------------------------------------------------

    # Both have the focus where the user types when they return: what is typed next may be there already.
    async def action_edit(self) -> None:
        if (view := self._settled()) is not None and view.answer is not None:
            await view.edit(editor_of(view.answer.text, view.correction))

    async def action_feedback(self) -> None:
        if (view := self._settled()) is not None:
            await open_feedback(view)

    @on(FeedbackLine.Left)
    def _leave_feedback(self, event: FeedbackLine.Left) -> AnswerView:
        view = next(node for node in event.line.ancestors if isinstance(node, AnswerView))
        self.set_focus(view)
        event.line.remove()
        return view

    @on(FeedbackLine.Submitted, "FeedbackLine")
    async def _redo_with_feedback(self, event: FeedbackLine.Submitted) -> None:
        event.stop()
        if self._busy():
            return
        view = self._leave_feedback(FeedbackLine.Left(cast("FeedbackLine", event.input)))
        if event.value.strip() and view.answer is not None:
            editor = editor_of(view.answer.text, view.correction, event.value.strip())
            await view.edit(editor)
            self._generate(redo(self, editor, view.answer.messages, view.answer.text))

    @on(AnswerEditor.Saved)
    def _save(self, event: AnswerEditor.Saved) -> None:
        view = next(node for node in event.editor.ancestors if isinstance(node, AnswerView))
        if all(worker.group != "save" for worker in self.workers):
            self.start(chat_work.save_correction(self, view, event.editor), group="save")

    @on(AnswerEditor.Left)
    def _leave_editor(self, event: AnswerEditor.Left) -> None:
        if event.editor.writing and self.answering and self.generation is not None:
            self.generation.cancel()
            return
        view = next(node for node in event.editor.ancestors if isinstance(node, AnswerView))
        self.start(leave_editor(event.editor, view.close_editor))

    def action_accept(self) -> None:
        if (view := self._settled()) is None or view.answer is None:
            return
        if view.correction is not None:
            # Nights keep accepted answers as they are: this one was wrong.
            self.notify("This answer was corrected. u takes the last correction back.")
        else:
            from studio.domain.log import Feedback

            accept = view.feedback is not Feedback.ACCEPTED
            # A group of its own: it takes the place of nothing but another acceptance.
            self.start(chat_work.set_accepted(self, view.answer.id, accept=accept), group="accept", exclusive=True)

    async def action_diff(self) -> None:
        if (view := self._settled()) is not None:
            await view.toggle_diff()

    def action_undo(self) -> None:
        self.start(chat_work.undo(self), group="judge")

    def action_redo(self) -> None:
        self.start(chat_work.redo_undone(self), group="judge")

    # Sessions -----------------------------------------------------------------------------------------------------

    async def action_sessions(self) -> None:
        """Open the dialog; what is typed at once filters it."""
        opened = asyncio.Event()
        self.start(chat_sessions.choose_session(self, opened), group="sessions", exclusive=True)
        with contextlib.suppress(TimeoutError):  # the log may be held by another process for a while
            await asyncio.wait_for(opened.wait(), OPENS_WITHIN_S)

    def action_new_session(self) -> None:
        self.start(chat_sessions.show_conversation(self, None), group="sessions")

    def open_conversation(self, conversation_id: str) -> None:
        """Show this conversation, as asked for from another screen."""
        self.start(chat_sessions.open_conversation(self, conversation_id), group="sessions")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker is self.generation and event.worker.is_finished:
            self.generation = None
            self.refresh_bindings()
            if event.state is WorkerState.CANCELLED:
                self.start(chat_work.forget_unbegun(self), group="forget")
            self.studio_app.log_changed()

    def on_log_changed(self) -> None:
        """A correction may have been made, undone or superseded, here or elsewhere."""
        self.start(chat_work.settle_exchanges(self), group="settle", exclusive=True)
