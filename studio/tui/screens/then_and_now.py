"""Then and now: one question's answers through time, each beside what the correction says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from studio.domain.log import Correction
from studio.services.then_and_now import Moment
from studio.tui.plain_text import displayable, one_line
from studio.tui.screens.local_time import local_time
from studio.tui.widgets.word_diff import diff_content

YOU = "you"
"""The arm name that the service gives to the user's own corrections."""


class ThenAndNowScreen(ModalScreen[None]):
    """A list of moments, oldest first, and the chosen one's answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,t", "dismiss", "Close", id="then_and_now.close", tooltip="Back to the comparison"),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(self, prompt: str, moments: Sequence[Moment], correction: Correction | None) -> None:
        super().__init__()
        self._prompt = prompt
        self._moments = moments
        self._correction = correction

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Then and now"
            dialog.border_subtitle = "up and down choose · esc closes"
            yield Static(Content.styled(one_line(self._prompt, 200), "bold"))
            with Horizontal(id="moments-body"):
                yield OptionList(*(Option(_line(moment)) for moment in self._moments), id="moments")
                with VerticalScroll(id="moment-scroll"):
                    yield Static(id="moment", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = len(self._moments) - 1

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        moment = self._moments[event.option_index]
        self.query_one("#moment", Static).update(self._moment_content(moment))

    async def action_dismiss(self, result: None = None) -> None:
        self.dismiss(result)

    def _moment_content(self, moment: Moment) -> Content:
        parts: list[Content | str] = [displayable(moment.text)]
        if moment.arm != YOU and self._correction is not None:
            parts += ["\n\n", Content.styled("Against the correction: ", "bold")]
            parts.append(diff_content(moment.text, self._correction.corrected))
        return Content.assemble(*parts)


def _line(moment: Moment) -> Content:
    sign = {True: " right ✓", False: " wrong ✗", None: ""}[moment.ok]
    version = "" if moment.adapter_version is None else f", adapter v{moment.adapter_version}"
    by = f"{moment.arm}{version}{sign}"
    return Content.assemble((displayable(moment.label), "bold"), f"\n{local_time(moment.at)}\n{displayable(by)}\n")
