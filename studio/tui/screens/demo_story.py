"""What the demonstration's workers do: tell the story on the screen, hear the audience, begin again, leave."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from studio.domain.log import Correction, Origin
from studio.domain.nights import NightProgress
from studio.domain.plural import plural
from studio.evaluation.audience_file import PreparedQuestion
from studio.reporting.tables import stages_table
from studio.services.play_demo import Chapter, Narrator, Tally, play_demo
from studio.services.studio import Studio, off_loop
from studio.tui.new_scene import change_scene
from studio.tui.plain_text import one_line
from studio.tui.screens.audience import AudienceScreen
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.pick_dialog import Pick, PickDialog

if TYPE_CHECKING:
    from studio.tui.screens.demo import DemoScreen

CHAPTER_S, LINE_S, CORRECTION_S = 4.0, 1.5, 2.0
"""For how long each stands at the usual pace."""
LONGEST = 100
"""Characters of a question or answer in the story; whole they are in the log."""
CHOOSE = "The audience asks: type, or choose a question"
Work = Coroutine[Any, Any, None]


async def tell(screen: DemoScreen) -> None:
    """Play the story to its end."""
    result = await play_demo(screen.studio, screen.play.session, ScreenNarrator(screen))
    if screen.play.json_file:
        text = json.dumps(result, ensure_ascii=False, indent=2, default=str) + "\n"
        await off_loop(screen.play.json_file.write_text, text, encoding="utf-8")
    await keep_still(screen)
    screen.is_over = True
    screen.show_chapter(None)
    screen.doing("The end. esc opens the studio with everything that was learnt here.")


class ScreenNarrator(Narrator):
    """Puts the story on the screen, at the presenter's pace."""

    def __init__(self, screen: DemoScreen) -> None:
        self.screen = screen

    async def chapter(self, chapter: Chapter) -> None:
        if self.screen.chapter is not None:
            await self.screen.pace.stand(0, gate=True)
            await keep_still(self.screen)
        self.screen.show_chapter(chapter)
        await self.screen.write(chapter.title, "demo-chapter")
        await self.screen.write(chapter.text)
        self.screen.doing(f"{chapter.title}…")  # until there is something to count
        await self.screen.pace.stand(CHAPTER_S)

    async def say(self, line: str) -> None:
        await self.screen.write(line)
        self.screen.studio_app.log_changed()
        await self.screen.pace.stand(LINE_S)

    async def correction(self, prompt: str, answer: str, corrected: str) -> None:
        await self.screen.write(corrected_text(prompt, answer, corrected), "demo-correction")
        self.screen.studio_app.log_changed()
        await self.screen.pace.stand(CORRECTION_S)

    async def asked_again(self, prompt: str, right: dict[str, bool]) -> None:
        await self.say(asked_again(prompt, right))

    async def tallies(self, tally: Tally) -> None:
        tables = [f"Right answers, {kind}:\n{stages_table(stages)}" for kind, stages in tally.items()]
        self.screen.figures("\n\n".join(tables))

    def progress(self, what: str, done: int, total: int) -> None:
        self.screen.doing(f"{done} of {total} {what}", done, total)

    def night(self, progress: NightProgress) -> None:
        loss = f", loss {progress.loss:.3f}" if progress.loss is not None else ""
        left = f", {progress.eta_s:.0f} s left" if progress.eta_s is not None else ""
        self.screen.doing(f"The night: {progress.state.value}{loss}{left}", progress.step, progress.steps or None)


def corrected_text(prompt: str, answer: str, corrected: str) -> str:
    """Question, answer and correction, each short enough for a stage."""
    return f"? {one_line(prompt, LONGEST)}\n- {one_line(answer, LONGEST)}\n+ {one_line(corrected, LONGEST)}"


def asked_again(prompt: str, right: dict[str, bool]) -> str:
    """Who knew it, in a line."""
    knew = [arm for arm, ok in right.items() if ok]
    return f"? {one_line(prompt, LONGEST)}\n{len(knew)} of {len(right)} know it: {', '.join(knew) or 'none'}"


async def keep_still(screen: DemoScreen) -> None:
    """Keep the chapter that ends, where the session is recorded."""
    recording = screen.studio_app.recording
    if recording is not None and screen.is_current:
        await recording.keep_still(screen.app, screen.caption)


# The audience ---------------------------------------------------------------------------------------------------------


async def hear_audience(screen: DemoScreen) -> None:
    """Let the presenter choose or type a question and correct its answer; the story waits, and then tells of it."""
    screen.pace.hold()
    try:
        asked: PreparedQuestion | str | None = None
        if screen.play.audience and (asked := await _choose(screen)) is None:
            return
        audience = AudienceScreen(screen.studio, asked)
        await screen.app.push_screen_wait(audience)
        if (heard := audience.heard) is not None:
            text = corrected_text(heard.question, heard.original, heard.corrected)
            await screen.write("From the audience", "demo-heard")
            await screen.write(text, "demo-correction")
            if heard.right:
                await screen.write(asked_again(heard.again, heard.right))
    finally:
        screen.pace.release()


async def _choose(screen: DemoScreen) -> PreparedQuestion | str | None:
    """A prepared question, or the words of another; None where the dialog was left."""
    prepared = {one.question: one for one in screen.play.audience}
    picks = [Pick(question, question) for question in prepared]
    dialog = PickDialog(CHOOSE, picks, (), several=False, typed="enter asks what you typed.")
    picked = await screen.app.push_screen_wait(dialog)
    return prepared.get(picked[0], picked[0]) if picked else None


# Beginning again, and leaving -----------------------------------------------------------------------------------------


async def restart(screen: DemoScreen) -> None:
    """Begin again over an empty log; asks where more would be lost than is soon repeated."""
    app = screen.studio_app
    if lost := await _lost(screen.studio):
        question = ConfirmDialog(f"Begin again? {lost} of this demonstration is lost.", yes="Begin again", no="Go on")
        screen.pace.hold()
        agreed = await app.push_screen_wait(question)
        screen.pace.release()
        if not agreed:
            return
    scene = await off_loop(screen.play.new_scene)
    await change_scene(app, scene)
    anew = type(screen)(scene, screen.play)
    anew.pace.like(screen.pace)
    await app.push_screen(anew)


async def _lost(studio: Studio) -> str:
    """What beginning again would lose; empty where it is only what the story does by itself in a moment."""

    def read() -> tuple[list[Correction], int]:
        live = [one for one in studio.log.corrections.in_force() if one.origin is not Origin.DEMO]
        return live, len(studio.log.nights.all())

    live, nights = await off_loop(read)
    corrections = plural(len(live), "live correction") if live else ""
    return " and ".join(filter(None, (corrections, "the night" if nights else "")))


async def leave(screen: DemoScreen) -> None:
    """Go to the studio; a story under way ends there, so this is asked."""
    if not screen.is_over:
        screen.pace.hold()
        question = ConfirmDialog("Leave? The story ends here; what was learnt stays.", yes="Leave", no="Go on")
        agreed = await screen.app.push_screen_wait(question)
        screen.pace.release()
        if not agreed:
            return
    for worker in screen.workers:
        if worker.group == "story" and worker.node is screen:
            worker.cancel()
    screen.studio_app.log_changed()
    screen.dismiss()
