"""One key shows a letter over everything on the screen that can be focused or clicked; the letter goes there."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.widget import Widget

JUMP = "A letter over every place on the screen; typing it goes there"


class JumpingApp(App[None]):
    """An app in which every pane, field, list, button and tab is reached by a letter, in dialogs too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before the editors' keys and from dialogs too. Not ctrl+j, which is enter or a new line in many terminals.
        Binding("ctrl+l", "jump", "Jump", id="app.jump", priority=True, tooltip=JUMP),
    ]

    async def action_jump(self) -> None:
        from studio.tui.jump_targets import jump_to, targets_on
        from studio.tui.screens.jump import JumpScreen

        screen = self.screen
        if isinstance(screen, JumpScreen):
            screen.action_leave()
            return
        targets = targets_on(screen)
        if not targets:
            self.notify("There is nothing here to jump to.")
            return

        def go(chosen: Widget | None) -> None:
            if chosen is not None:
                jump_to(screen, chosen)

        await self.push_screen(JumpScreen(screen, targets), go)
