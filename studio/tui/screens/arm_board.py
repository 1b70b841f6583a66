"""The arms of a comparison on the screen: which of them are there, and each in its place."""

from __future__ import annotations

import random
from collections.abc import Sequence

from textual.app import ComposeResult

from studio.domain.arms import ArmRecipe
from studio.tui.screens.arm_pane import ArmPane
from studio.tui.widgets.ground import Ground

FEW_ARMS = 6
"""As many fit into two columns of a usual window; more are scrolled."""


class ArmBoard(Ground):
    """A pane per arm: one at a time, two columns, or all in a row, as the window is wide."""

    def __init__(self, recipes: Sequence[ArmRecipe]) -> None:
        super().__init__(id="compare-panes")
        self.all = [ArmPane(recipe, index) for index, recipe in enumerate(recipes)]
        self._shown = self.all

    def compose(self) -> ComposeResult:
        yield from self.all

    @property
    def panes(self) -> list[ArmPane]:
        """Those of the arms that can answer, in the order of their places on the screen."""
        return sorted(self._shown, key=lambda pane: pane.position)

    @property
    def turned(self) -> list[ArmPane]:
        """Those whose answers the dial changes."""
        return [pane for pane in self.panes if pane.recipe.uses_adapter and pane.recipe.scale is None]

    @property
    def edits(self) -> bool:
        """Whether a correction is being written in any of them."""
        return any(pane.editor is not None for pane in self.all)

    def show_arms(self, recipes: Sequence[ArmRecipe], *, shuffled: bool) -> list[ArmPane]:
        """Show these arms, each in its place, and no others; returns the panes that were not shown before."""
        before = self._shown
        self._shown = [pane for pane in self.all if pane.recipe in recipes] or self.all
        for pane in self.all:
            pane.set_class(pane not in self._shown, "-left-out")
        self.set_class(len(self._shown) > FEW_ARMS, "-many")
        self.place(shuffled=shuffled)
        return [pane for pane in self._shown if pane not in before]

    def place(self, *, shuffled: bool) -> None:
        """Give every arm its place: its own, or one drawn anew."""
        order = list(self._shown)
        if shuffled:
            random.SystemRandom().shuffle(order)
        for position, pane in enumerate(order, 1):
            self.move_child(pane, after=-1)
            pane.move_to(position)

    def name_arms(self, *, hidden: bool) -> None:
        """Show which arm is which, or hide whatever tells it."""
        for pane in self.all:
            pane.set_blind(hidden)
