"""What follows a correction that was saved on any screen: its lesson is learnt and proven, and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.tui.screens.studio_screen import StudioScreen, run_beside

if TYPE_CHECKING:
    from studio.domain.log import Correction
    from studio.services.studio import Studio
    from studio.tui.app import StudioApp


def start_learning(screen: StudioScreen, correction: Correction) -> None:
    """Learn from it beside whatever is done next: also where the screen, as the demonstration's, is left for good."""
    run_beside(screen.app, _learn(screen.studio_app, screen.studio, correction), group="learn", exclusive=False)


async def _learn(app: StudioApp, studio: Studio, correction: Correction) -> None:
    """Distil the lesson, tell it, and in idle time prove it and read the memory it has changed."""
    from studio.domain.lessons import LessonStatus
    from studio.services.learn_lessons import learn_lesson, prove_lesson, replaced_with
    from studio.services.read_ahead import read_ahead

    if app.status.embedder:
        app.notify("Saved. Its lesson follows as soon as the embedder is loaded.")
    try:
        lesson = await learn_lesson(studio, correction)
    except StudioError as error:
        app.notify("Saved. Its lesson could not be learnt yet; that is tried again at the next start.")
        raise error
    app.log_changed()
    if lesson.status is LessonStatus.RETIRED:  # its correction was undone meanwhile
        return
    app.notify(f"Saved. Lesson learnt: {lesson.title}")
    for old in await replaced_with(studio, lesson, correction):
        app.notify(f"It replaces an earlier lesson: {old.title}")
    proven = await prove_lesson(studio, lesson)
    if proven.weak:
        app.notify(f"The lesson alone does not put the answer right yet: {proven.title}", severity="warning")
        app.log_changed()
    await read_ahead(studio)
