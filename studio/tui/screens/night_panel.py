"""How the running night is doing, or how the last one went: progress, losses, time, memory."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ProgressBar, Sparkline, Static

from studio.domain.nights import NightProgress
from studio.tui.plain_text import displayable
from studio.tui.screens.night_words import figures, headline


class NightPanel(Vertical):
    """Shows a NightProgress; draws losses as a line of blocks, the newest at the right."""

    def compose(self) -> ComposeResult:
        yield Static("Reading…", id="night-headline", markup=False)
        yield Static(id="night-message", markup=False)
        yield ProgressBar(id="night-bar", show_eta=False)
        yield Sparkline(id="night-losses", summary_function=_mean)
        yield Static(id="night-figures", markup=False)

    def show_progress(self, progress: NightProgress, *, gives_way: bool, wish: str = "") -> None:
        """Show the night's latest word; `gives_way` where it stands still because the user is being answered, `wish`
        what it has been told and has not done yet."""
        self.set_class(progress.paused or gives_way, "-paused")
        self._say("#night-headline", headline(progress, gives_way=gives_way))
        # The child's own message is often the mere name of its state, which the headline has in better words.
        said = progress.message.strip().casefold() in ("", "paused", progress.state.value)
        self._say("#night-message", wish or ("" if said else displayable(progress.message)))
        self._say("#night-figures", figures(progress))
        bar = self.query_one(ProgressBar)
        bar.display = not progress.state.is_over
        bar.update(total=progress.steps or None, progress=progress.step)
        losses = self.query_one(Sparkline)
        losses.display = len(progress.losses) > 1
        losses.data = progress.losses

    def show_words(self, headline_words: str, message: str = "") -> None:
        """Show words in place of a night."""
        self.remove_class("-paused")
        self._say("#night-headline", displayable(headline_words))
        self._say("#night-message", displayable(message))
        self._say("#night-figures", "")
        self.query_one(ProgressBar).display = False
        self.query_one(Sparkline).display = False

    def _say(self, part: str, words: str) -> None:
        widget = self.query_one(part, Static)
        if widget.content != words:  # polled: what has not changed is not drawn again
            widget.update(words)
        widget.display = bool(words)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
