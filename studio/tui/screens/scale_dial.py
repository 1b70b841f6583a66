"""The dial for the adapter's scale: how strongly the adapter acts, turned while one looks at the answers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from studio.services.studio import Studio

STEP = 0.05
STRONGEST = 1.5
SETTLES_S = 0.4


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
    """The scale in figures and as a bar, between a button for less and one for more. Turns the studio's own dial."""

    class Turned(Message):
        """The dial has been left alone for a moment at another scale."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._promoted: float | None = None
        self._settles: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("adapter scale ", markup=False)
        yield DialButton("[ − ]", -1)
        yield Static(id="dial-value", markup=False)
        yield DialButton("[ + ]", 1)

    def on_mount(self) -> None:
        self._show()

    @property
    def scale(self) -> float | None:
        """The one turned to, else the one the arms were last given; None before there is an adapter."""
        own = self._studio.scale_dial
        return self._promoted if own is None else own

    def show_given(self, promoted: float | None) -> None:
        """The arms were given this scale."""
        self._promoted = promoted
        self._show()

    @property
    def turns(self) -> bool:
        """Whether there is anything to turn."""
        return self.scale is not None

    def turn(self, steps: int) -> None:
        """So many steps on, where there is anything to turn."""
        if self.scale is not None:
            self.turn_to(turned(self.scale, steps))

    def turn_to(self, scale: float | None) -> None:
        """To this scale, or to None: back to the one chosen at the promotion."""
        self._studio.scale_dial = scale
        self._show()
        if self._settles is not None:
            self._settles.stop()
        self._settles = self.set_timer(SETTLES_S, lambda: self.post_message(self.Turned()))

    def _show(self) -> None:
        self.display = self.scale is not None
        if self.scale is not None:
            filled = round(self.scale / STRONGEST * 15)
            bar = "█" * filled + "░" * (15 - filled)
            words = f" {self.scale:.2f} {bar} {'' if self._studio.scale_dial is not None else 'as promoted '}"
            self.query_one("#dial-value", Static).update(words)
