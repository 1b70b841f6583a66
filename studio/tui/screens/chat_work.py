"""What Chat's workers do: they call services, then touch the screen. See studio.tui for how errors reach the user.

The services are imported where they are called, and what they speak of with them: with those that answer and learn at
the top the first paint came 0.1 s later.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from textual.widgets import Static

from studio.errors import StudioError, UsageError
from studio.tui.plain_text import one_line
from studio.tui.screens.learning import start_learning
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.answer_view import AnswerView, ExchangeView
from studio.tui.widgets.text_input import Composer

if TYPE_CHECKING:
    from studio.domain.generation import ChatMessage
    from studio.domain.log import Correction, Turn
    from studio.services.converse import Exchange
    from studio.tui.screens.chat import ChatScreen

SHOWN_EXCHANGES = 40
WELCOME = """\
Ask something below. When the answer is wrong: esc, then e to put it right, ctrl+s to save.
What you correct is learnt at once, and trained at night. f1 shows all keys."""
OFFER = "New here? ctrl+t takes you through it in two minutes, on a question of your own."


async def offer_tour(screen: ChatScreen) -> None:
    """Where nothing was ever asked."""
    from studio.services.converse import conversations

    await screen.studio_app.painted.wait()  # for to look into the log brings DuckDB
    welcome = screen.query(".welcome")
    if not await conversations(screen.studio, limit=1) and welcome:
        cast("Static", welcome.first()).update(f"{WELCOME}\n\n{OFFER}")


# Asking ---------------------------------------------------------------------------------------------------------------


async def ask(screen: ChatScreen, prompt: str) -> None:
    """Ask a new question; where it cannot be asked at all it goes back into the composer."""
    shown = ExchangeView(prompt)
    await screen.transcript.add(shown)
    try:
        await _answer(screen, shown, None)
    except StudioError:
        if not shown.answers:
            await _give_back(screen, shown)
        raise


async def _give_back(screen: ChatScreen, shown: ExchangeView) -> None:
    """Put a question of which nothing is kept back into the composer, unless something is written there."""
    composer = screen.query_one(Composer)
    await shown.remove()
    if not screen.transcript.views:
        await screen.transcript.show_empty()
    if not composer.text:
        composer.load_text(shown.prompt)
        composer.move_cursor(composer.document.end)


async def forget_unbegun(screen: ChatScreen) -> None:
    """Take away what was cancelled before it had begun: nothing of it is in the log."""
    for view in screen.answers:
        if not view.begun:
            shown = screen.exchange_of(view)
            await view.remove()
            if not shown.answers:
                await _give_back(screen, shown)


async def retry(screen: ChatScreen, shown: ExchangeView) -> None:
    """Ask the question of an exchange once more; the new answer is selected in the place of the old one."""
    if shown.exchange is not None:
        await _answer(screen, shown, shown.exchange.turn)


async def _answer(screen: ChatScreen, shown: ExchangeView, turn: Turn | None) -> None:
    from studio.services.converse import start_conversation

    recipe = screen.studio.arm(screen.studio.settings.chat.arm)
    # First of all: it says that the question is being seen to.
    view = await shown.add_answer(recipe.name)
    if turn is not None and isinstance(screen.focused, AnswerView):
        screen.set_focus(view)
    try:
        if screen.conversation is None:
            screen.conversation = await start_conversation(screen.studio)
        conversation_id = screen.conversation.id
        from studio.services.answer_with_arms import ArmDelta, ArmFailed, ArmStarted, answer_with_arms

        events = answer_with_arms(screen.studio, shown.prompt, [recipe], conversation_id=conversation_id, turn=turn)
        async with aclosing(events):
            async for event in events:
                match event:
                    case ArmStarted(given=given):
                        view.begin(given)
                    case ArmDelta(text=text, is_thinking=is_thinking):
                        view.write(text, is_thinking=is_thinking)
                    case ArmFailed(message=message, hint=hint):
                        view.fail(message, hint)
                    case _:  # ArmFinished: what the log holds is shown when this worker ends
                        pass
    except StudioError:
        if not view.begun:
            await view.remove()
        raise


async def history_before(screen: ChatScreen, shown: ExchangeView) -> tuple[ChatMessage, ...]:
    """The conversation's messages before an exchange, as corrected."""
    from studio.services.converse import history_of

    if shown.exchange is None:
        return ()
    return await history_of(screen.studio, shown.exchange.turn.conversation_id, shown.exchange.turn)


async def before(screen: ChatScreen, position: int, most: int) -> list[Exchange]:
    """At most so many of the conversation's exchanges, the last before a position."""
    from studio.services.converse import exchanges

    if screen.conversation is None:
        return []
    return await exchanges(screen.studio, screen.conversation.id, before=position, latest=most)


async def scroll_to(screen: ChatScreen, *, first: bool) -> None:
    """To the conversation's beginning or end, whether it is mounted or not; and select the answer there."""
    transcript = screen.transcript
    if any(view.editor is not None for view in screen.answers) or screen.answering:
        return
    if first and transcript.earlier:
        await transcript.show_first()
    elif not first and transcript.later:
        await transcript.show_latest()
    if answers := screen.answers:
        screen.set_focus(answers[0 if first else -1])


async def settle_exchanges(screen: ChatScreen) -> None:
    """Show every exchange as the log has it now."""
    from studio.services.converse import exchanges

    if screen.conversation is None:
        return
    views, known = screen.transcript.views, screen.transcript.exchanges
    # What is out of sight below is not read; what is new stands at the end.
    before = known[-1].turn.position + 1 if known and screen.transcript.later else None
    latest = max(SHOWN_EXCHANGES, len(known) + len(views))
    whole = await exchanges(screen.studio, screen.conversation.id, before=before, latest=latest)
    screen.transcript.know(whole)
    shown = {view.exchange.turn.id: view for view in views if view.exchange is not None}
    fresh = [view for view in views if view.exchange is None]
    # Only what came after all that is known: a question is in the log no sooner than the model is ready for it.
    asked = [exchange for exchange in whole if not known or exchange.turn.position > known[-1].turn.position]
    for exchange in whole:
        if exchange.turn.id in shown:
            await shown[exchange.turn.id].settle(exchange)
    for view, exchange in zip(fresh, asked[-len(fresh) :], strict=False):
        await view.settle(exchange)
    screen.refresh_bindings()


# Correcting -----------------------------------------------------------------------------------------------------------


async def save_correction(screen: ChatScreen, view: AnswerView, editor: AnswerEditor) -> None:
    """Keep what the editor holds as a correction, then learn from it. On failure the editor stays as it is."""
    from studio.domain.log import Feedback
    from studio.services.record_correction import record_correction, withdraw_feedback

    shown = screen.exchange_of(view)
    earlier = view.correction
    if earlier and editor.same_as(earlier):
        raise UsageError("This is the correction you saved before.", "Change it, or leave with esc.")
    correction = await record_correction(
        screen.studio,
        answer=view.answer,
        prompt=shown.prompt,
        corrected=editor.text,
        history=await history_before(screen, shown),
        rationale=editor.rationale,
        labels=editor.labels,
        feedback=editor.feedback,
        supersedes=earlier.id if earlier else None,
    )
    screen.undone.clear()
    if view.answer is not None and view.feedback is Feedback.ACCEPTED:
        await withdraw_feedback(screen.studio, view.answer.id)
    await view.close_editor()
    screen.studio_app.log_changed()
    start_learning(screen, correction)


async def set_accepted(screen: ChatScreen, answer_id: str, *, accept: bool) -> None:
    """Accept an answer as good, or take that back."""
    from studio.services.record_correction import accept_answer, withdraw_feedback

    if accept:
        await accept_answer(screen.studio, answer_id)
    else:
        await withdraw_feedback(screen.studio, answer_id)
    screen.studio_app.log_changed()


def corrections_made(whole: Iterable[Exchange]) -> list[Correction]:
    """The corrections in these exchanges that are not undone."""
    made = [one for exchange in whole for corrections in exchange.corrections.values() for one in corrections]
    return [correction for correction in made if not correction.undone]


# One at a time and from the log: what is shown may be behind when the key is pressed twice.
async def undo(screen: ChatScreen) -> None:
    """Take the last correction of this session back."""
    from studio.services.converse import exchanges
    from studio.services.record_correction import undo_correction

    async with screen.undoing:
        if screen.conversation is None:
            return
        made = corrections_made(await exchanges(screen.studio, screen.conversation.id))
        if not made:
            return
        last = max(made, key=lambda correction: correction.created_at)
        screen.undone.append(await undo_correction(screen.studio, last.id))
    screen.notify(f"Correction undone, U brings it back: {one_line(last.prompt, 48)}")
    screen.studio_app.log_changed()


async def redo_undone(screen: ChatScreen) -> None:
    """Bring back the correction undone last."""
    from studio.services.record_correction import redo_correction

    async with screen.undoing:
        if not screen.undone:
            return
        back = await redo_correction(screen.studio, screen.undone[-1].id)
        screen.undone.pop()
    screen.notify(f"Correction in force again: {one_line(back.prompt, 48)}")
    screen.studio_app.log_changed()
