"""The arms of a screen, side by side: which are shown, which is chosen, and whether their names are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.events import DescendantFocus

from studio.domain.arms import ArmRecipe
from studio.services.studio import Studio
from studio.tui.screens.arm_board import ArmBoard
from studio.tui.screens.arm_pane import ArmPane
from studio.tui.screens.arm_tabs import ArmTab, ArmTabs
from studio.tui.screens.names_seen import KNOWN, NamesSeen
from studio.tui.screens.studio_screen import StudioScreen

if TYPE_CHECKING:
    from studio.tui.screens.compare_work import Comparison


class ArmsScreen(StudioScreen):
    """Composes `_board` and ArmTabs. Nothing is chosen before there is a comparison."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.comparison: Comparison | None = None
        self.names = NamesSeen()
        self._board = ArmBoard(studio.settings.arm_recipes())
        self._current: ArmPane = self._board.all[0]
        self._blind = False

    @property
    def panes(self) -> list[ArmPane]:
        """Those of the arms that can answer, in the order of their places on the screen."""
        return self._board.panes

    def show_arms(self, recipes: Sequence[ArmRecipe]) -> list[ArmPane]:
        """Show these arms and no others; returns the panes that were not shown before."""
        fresh = self._board.show_arms(recipes, shuffled=self._blind)
        self._choose(self._current if self._current in self.panes else self.panes[0])
        return fresh

    # The chosen arm -----------------------------------------------------------------------------------------------

    def action_choose(self, position: int) -> None:
        if self.comparison is not None and position <= len(self.panes):
            pane = self.panes[position - 1]
            self._choose(pane)
            if self.maximized is not None:
                self.minimize()
                self.maximize(pane)
            self.set_focus(pane)

    @on(ArmTab.Chosen)
    def _choose_tab(self, event: ArmTab.Chosen) -> None:
        self.action_choose(event.position)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        pane = next((node for node in event.widget.ancestors_with_self if isinstance(node, ArmPane)), None)
        if pane is not None:
            self._choose(pane)

    def _choose(self, pane: ArmPane) -> None:
        self._current = pane
        for other in self._board.all:
            other.set_class(other is pane, "-current")
        self._draw_tabs()

    @on(ArmPane.StateChanged)
    def _draw_tabs(self) -> None:
        self.query_one(ArmTabs).show_panes(self.panes, self._current)

    def action_maximise(self) -> None:
        if self.maximized is not None:
            self.minimize()
        elif self.comparison is not None:
            self.maximize(self._current)

    # Blind --------------------------------------------------------------------------------------------------------

    def action_blind(self) -> None:
        self._blind = not self._blind
        self._board.name_arms(hidden=self._blind)
        if self._blind:
            self._board.place(shuffled=True)
            hidden = "Names are hidden until you prefer an answer with v; at the next question anew. b ends it."
            known = self.comparison is not None and self.names.known(self.comparison.prompt, self.panes)
            self.notify(f"{hidden} {KNOWN}" if known else hidden)
        else:
            self._board.place(shuffled=False)
            self._draw_tabs()

    def _tell_names(self) -> None:
        """Something else than the panes tells which arm said what."""
        for pane in self.panes:
            pane.name_seen = True
