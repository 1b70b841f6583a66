"""What Compare's workers do: they call services, then touch the screen. See studio.tui for how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.domain.arms import ArmRecipe
from studio.domain.generation import ChatMessage
from studio.domain.log import ArmPreferences, Correction, Origin, Turn
from studio.evaluation.checks import judge
from studio.services.answer_with_arms import (
    ArmDelta,
    ArmEvent,
    ArmFailed,
    ArmFinished,
    ArmStarted,
    answer_with_arms,
)
from studio.services.converse import exchanges, start_conversation
from studio.services.judging_correction import Judging, judging_correction
from studio.services.reader import answering_arms
from studio.services.record_correction import (
    prefer_answer,
    record_correction,
    withdraw_feedback,
)
from studio.services.studio import off_loop
from studio.services.timeline import timeline
from studio.tui.screens.arm_pane import ArmPane
from studio.tui.screens.learning import start_learning
from studio.tui.screens.timeline import TimelineScreen
from studio.tui.widgets.answer_editor import AnswerEditor

if TYPE_CHECKING:
    from studio.tui.screens.compare import CompareScreen


@dataclass
class Comparison:
    """The question being compared. `turn` is known once it was asked: asking again adds answers to it.

    `kin`: the correction of the same question in other words, by which this one is judged unless it has its own.
    """

    prompt: str
    history: tuple[ChatMessage, ...] = ()
    conversation_id: str | None = None
    turn: Turn | None = None
    kin: Correction | None = None
    judging: Judging | None = None

    @property
    def correction(self) -> Correction | None:
        """What the answers are judged by, and shown against."""
        return self.judging.correction if self.judging else None

    @property
    def earlier(self) -> Correction | None:
        """The correction of this very question, whose place another would take."""
        return self.judging.correction if self.judging and not self.judging.reworded else None


async def ask(screen: CompareScreen, comparison: Comparison, panes: Sequence[ArmPane] = ()) -> None:
    """Ask these panes' arms together, or all that can answer, and show their answers as they stream."""
    asked = list(panes) or screen.panes
    await _clear(screen, asked)
    try:
        if not panes:
            recipes, _ = await answering_arms(screen.studio)
            await _clear(screen, screen.show_arms(recipes))
            asked = screen.panes
        if comparison.conversation_id is None:
            comparison.conversation_id = (await start_conversation(screen.studio, origin=Origin.COMPARE)).id
        comparison.judging = await _judging(screen, comparison)
        await _stream(screen, comparison, {pane.recipe.name: pane for pane in asked})
    finally:
        # After Esc or a failure as well: whatever still waits will not be answered.
        for pane in asked:
            await pane.stop()
    await _learn_turn(screen, comparison)
    # Once more: what the question is a rewording of is known when an arm has looked up its lesson.
    comparison.judging = await _judging(screen, comparison)
    if comparison.kin is None:
        screen.show_diffs()
    else:
        await judge_all(screen, comparison.judging)
    screen.studio_app.log_changed()


async def _judging(screen: CompareScreen, comparison: Comparison) -> Judging | None:
    """What the answers are judged by: what is said to be the same question goes before what is merely found."""
    found = await judging_correction(screen.studio, comparison.prompt)
    if comparison.kin is not None and (found is None or found.reworded):
        return Judging(comparison.kin, reworded=comparison.kin.prompt)
    return found


async def _clear(screen: CompareScreen, panes: Sequence[ArmPane]) -> None:
    for pane in panes:
        await pane.wait()
        await screen.studio_app.flusher.in_slices(pane)


async def _stream(screen: CompareScreen, comparison: Comparison, panes: dict[str, ArmPane]) -> None:
    assert comparison.conversation_id is not None
    flusher = screen.studio_app.flusher
    events = answer_with_arms(
        screen.studio,
        comparison.prompt,
        [pane.recipe for pane in panes.values()],
        conversation_id=comparison.conversation_id,
        history=comparison.history,
        turn=comparison.turn,
        sampling=screen.sampling,
    )
    async with aclosing(events):
        async for event in events:
            if isinstance(event, ArmFinished):
                await flusher.between_keys()  # the end of an answer redraws all of its pane
            await _show(panes[event.arm], event)
            if isinstance(event, ArmFinished):
                await flusher.in_slices(panes[event.arm])
            if isinstance(event, ArmStarted):
                screen.show_scale()


async def _show(pane: ArmPane, event: ArmEvent) -> None:
    match event:
        case ArmStarted(given=given):
            pane.begin(given)
        case ArmDelta(text=text, is_thinking=is_thinking):
            pane.write(text, is_thinking=is_thinking)
        case ArmFinished(answer=answer, verdict=verdict, reworded=reworded):
            await pane.finish(answer, verdict, reworded)
        case ArmFailed(message=message, hint=hint, answer=answer):
            await pane.fail(message, hint, answer)


async def _learn_turn(screen: CompareScreen, comparison: Comparison) -> None:
    if comparison.turn is None and comparison.conversation_id is not None:
        asked = await exchanges(screen.studio, comparison.conversation_id)
        comparison.turn = asked[-1].turn if asked else None


async def save_correction(screen: CompareScreen, editor: AnswerEditor) -> None:
    """Keep what the editor holds as a correction, learn from it, and judge every answer by it."""
    comparison, pane = screen.comparison, editor.query_ancestor(ArmPane)
    assert comparison is not None
    correction = await record_correction(
        screen.studio,
        answer=pane.answer,
        prompt=comparison.prompt,
        corrected=editor.text,
        history=comparison.history,
        rationale=editor.rationale,
        labels=editor.labels,
        feedback=comparison.earlier.feedback if comparison.earlier else "",
        origin=Origin.COMPARE,
    )
    comparison.judging = Judging(correction)
    await close_editor(screen, pane)
    await judge_all(screen, comparison.judging)
    screen.studio_app.log_changed()
    start_learning(screen, correction)


async def judge_all(screen: CompareScreen, judging: Judging | None) -> None:
    """Judge the answers shown by this correction's check."""
    for pane in screen.panes:
        if pane.answer is None:
            continue
        if judging is None:
            pane.judge(None)
        else:
            verdict = await asyncio.to_thread(judge, pane.answer.text, judging.correction.check)
            pane.judge(verdict, judging.reworded)
    screen.show_diffs()


async def judge_anew(screen: CompareScreen, comparison: Comparison) -> None:
    """The log has changed: another correction may be in force for this question."""
    judging = await _judging(screen, comparison)
    if judging != comparison.judging:
        comparison.judging = judging
        await judge_all(screen, judging)


async def close_editor(screen: CompareScreen, pane: ArmPane) -> None:
    """Show the answer again, and the other arms beside it."""
    screen.minimize()
    await pane.close_editor()


async def prefer(screen: CompareScreen, pane: ArmPane) -> None:
    """Keep this answer as the one preferred, in place of an earlier choice; taken back where it was chosen already."""
    assert pane.answer is not None
    chosen = not pane.preferred
    for other in screen.panes:
        if other.preferred and other.answer is not None:
            await withdraw_feedback(screen.studio, other.answer.id)
            other.set_preferred(False)
    if chosen:
        known = screen.comparison is None or screen.names.known(screen.comparison.prompt, screen.panes)
        blind = pane.blind and not known
        await prefer_answer(screen.studio, pane.answer.id, blind=blind)
        pane.set_preferred(True)
        tally = await off_loop(screen.studio.log.answers.preferences)
        counted = " It counts as a choice with names known." if pane.blind and known else ""
        told = f"Preferred: the answer of {pane.recipe.name}.{counted} {_in_words(tally, blind=blind)}"
        screen.notify(told.strip())
    screen.studio_app.log_changed()


def _in_words(tally: Sequence[ArmPreferences], *, blind: bool) -> str:
    """How often each arm was preferred so far; after a blind choice, of the blind ones."""
    counts = [
        (one.arm, one.preferred_blind, one.compared_blind) if blind else (one.arm, one.preferred, one.compared)
        for one in tally
    ]
    words = [f"{arm} {preferred} of {compared}" for arm, preferred, compared in counts if compared]
    return f"So far{' with names hidden' if blind else ''}: {', '.join(words)}." if words else ""


async def show_timeline(screen: CompareScreen, prompt: str, current: ArmRecipe) -> None:
    """Show this question through time, beginning with what this arm says now."""
    stations = await timeline(screen.studio, prompt)
    arms = [pane.recipe for pane in sorted(screen.panes, key=lambda pane: pane.index)]
    screen.app.push_screen(TimelineScreen(screen.studio, prompt, stations, arms, current))
