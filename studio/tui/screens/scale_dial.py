"""The dial for the adapter's scale: how strongly the adapter acts, turned while one looks at the answers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

STEP = 0.05
STRONGEST = 1.5


def turned(scale: float, steps: int) -> float:
    """The scale so many steps on, on the grid of steps and within 0 to STRONGEST."""
    return min(STRONGEST, max(0.0, round(scale / STEP + steps) * STEP))


class DialButton(Static):
    """Turns the dial by a click."""

    class Pressed(Message):
        """The user turns the dial by `steps`."""

        def __init__(self, steps: int) -> None:
            self.steps = steps
            super().__init__()

    def __init__(self, label: str, steps: int) -> None:
        super().__init__(label, markup=False)
        self._steps = steps

    def on_click(self) -> None:
        self.post_message(self.Pressed(self._steps))


class ScaleDial(Horizontal):
    """The scale in figures and as a bar, between a button for less and one for more."""

    def compose(self) -> ComposeResult:
        yield Static("adapter scale ", markup=False)
        yield DialButton("[ − ]", -1)
        yield Static(id="dial-value", markup=False)
        yield DialButton("[ + ]", 1)

    def show_scale(self, scale: float | None, *, own: bool) -> None:
        """Show the scale; `own` when the user turned the dial, else it is the one chosen at the promotion."""
        if scale is None:
            words = " no adapter yet "
        else:
            filled = round(scale / STRONGEST * 15)
            bar = "█" * filled + "░" * (15 - filled)
            words = f" {scale:.2f} {bar} {'' if own else 'as promoted '}"
        self.query_one("#dial-value", Static).update(words)
