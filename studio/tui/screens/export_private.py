"""Texts that may be private, each with what stands around it, and what was decided on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from studio.domain.plural import plural
from studio.exchange.privacy import same
from studio.tui.plain_text import displayable, one_line, padded
from studio.tui.screens.export_choices import Findings

if TYPE_CHECKING:
    from studio.exchange.privacy import Finding
    from studio.exchange.survey import PrivateText, Survey

RULES = (
    "Looked for by rules: e-mail addresses, telephone numbers, keys and tokens, paths, and the names you give (n). "
    "An address, an illness or a name nobody gave they do not find: look at the rows yourself."
)


class PrivatePane(Vertical):
    """One line a text, alike in all its places; the places of the chosen one beneath.

    `decisions` hold what to put in the place of each text, by the text without regard to case and spacing.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self.decisions: dict[str, str] = {}
        self._texts: list[PrivateText] = []
        self._unlisted = 0
        self._findings = Findings.DECIDE

    def compose(self) -> ComposeResult:
        yield Static(id="private-head", markup=False)
        yield OptionList(id="private-list", compact=True)
        with VerticalScroll(id="private-places", can_focus=False):
            yield Static(id="private-around", markup=False)

    # What is shown ------------------------------------------------------------------------------------------------

    def show_survey(self, survey: Survey, findings: Findings) -> None:
        """List what was found; the text chosen before stays chosen where it is still there."""
        before = same(self.chosen.text) if self.chosen else ""
        self._texts, self._unlisted, self._findings = list(survey.private), survey.unlisted, findings
        keys = [same(text.text) for text in self._texts]
        self._fill(keys.index(before) if before in keys else 0)
        self._show_head()
        self._show_around()

    def on_resize(self, _: events.Resize) -> None:
        self._fill(self.query_one(OptionList).highlighted or 0)

    def _fill(self, highlighted: int) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(self._line(text)) for text in self._texts])
        options.highlighted = highlighted if self._texts else None
        options.display = bool(self._texts)

    @property
    def chosen(self) -> PrivateText | None:
        index = self.query_one(OptionList).highlighted
        return self._texts[index] if index is not None and index < len(self._texts) else None

    @property
    def to_decide(self) -> int:
        """How many texts are not decided on."""
        return sum(same(text.text) not in self.decisions for text in self._texts) + self._unlisted

    @property
    def deciding(self) -> bool:
        """Whether there is something that a key could decide on."""
        return self._findings is Findings.DECIDE and bool(self._texts)

    def in_words(self) -> str:
        """How it stands, for the preview."""
        if not self._texts:
            return "Private data: nothing found"
        found = f"Private data: {plural(len(self._texts), 'text')} found"
        match self._findings:
            case Findings.REPLACE:
                return f"{found}, placeholders are put there"
            case Findings.OFF:
                return f"{found} and written as they are"
        return f"{found}, {self.to_decide:,} to decide (p)" if self.to_decide else f"{found}, all decided"

    # Decisions ----------------------------------------------------------------------------------------------------

    def decide(self, put: str) -> None:
        """Put this in the place of the chosen text, and go to the next one that is not decided on."""
        if (text := self.chosen) is None:
            return
        self.decisions[same(text.text)] = put
        self._show_chosen()
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        order = [*range(at + 1, len(self._texts)), *range(at)]
        undecided = (index for index in order if same(self._texts[index].text) not in self.decisions)
        options.highlighted = next(undecided, at)

    def undecide(self) -> None:
        if (text := self.chosen) is not None:
            self.decisions.pop(same(text.text), None)
            self._show_chosen()

    def accept_all(self) -> int:
        """A placeholder for every listed text that is not decided on; how many these were."""
        left = [text for text in self._texts if same(text.text) not in self.decisions]
        for text in left:
            self.decisions[same(text.text)] = text.put
        self._fill(self.query_one(OptionList).highlighted or 0)
        self._show_head()
        return len(left)

    @on(OptionList.OptionHighlighted)
    def _show_around(self) -> None:
        around = self.query_one("#private-around", Static)
        if (text := self.chosen) is None:
            around.update(RULES)
            return
        places = [_place(finding) for finding in text.around]
        more = text.places - len(places)
        head = f"In {plural(text.places, 'place')}:"
        around.update(
            Content("\n").join(
                [Content.styled(head, "$foreground-muted"), *places, *([Content(f"and {more:,} more")] if more else [])]
            )
        )

    def _show_chosen(self) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None:
            self.query_one(OptionList).replace_option_prompt_at_index(index, self._line(self._texts[index]))
        self._show_head()

    def _show_head(self) -> None:
        self.query_one("#private-head", Static).update(self._head())

    def _head(self) -> str:
        if not self._texts:
            return "Nothing was found that looks private."
        count = plural(len(self._texts), "text")
        match self._findings:
            case Findings.REPLACE:
                return f"{count}: placeholders are put there, the same for the same."
            case Findings.OFF:
                return f"{count}: written as they are, for the setting says not to look."
        if self._unlisted:
            return (
                f"{count}, and {self._unlisted:,} places of others: too many to decide one by one. Set Private data to "
                "'placeholders', or choose fewer corrections."
            )
        left = f"{self.to_decide:,} left to decide" if self.to_decide else "all decided: w writes"
        return f"{count}, {left}. a puts what the arrow shows, r your own words, s lets it stand; A accepts all left."

    def _line(self, text: PrivateText) -> Content:
        put = self.decisions.get(same(text.text))
        decided = put is not None or self._findings is not Findings.DECIDE
        if self._findings is Findings.OFF or (put is not None and same(put) == same(text.text)):
            fate = "stays"
        else:
            fate = f"→ {one_line(text.put if put is None else put, 24)}"
        times = f" ×{text.places:,}" if text.places > 1 else ""
        width = self.query_one(OptionList).size.width
        room = max(8, width - 10 - cell_len(times) - cell_len(fate) - 2)
        shown = one_line(text.text, room)
        return Content.assemble(
            ("✓ " if decided else "? ", "$text-success" if decided else "bold $text-warning"),
            (f"{text.kind:<6} ", "$foreground-muted"),
            padded(shown + times, room + cell_len(times)) + " ",
            (fate, "" if decided else "$foreground-muted"),
        )


def _place(finding: Finding) -> Content:
    before, found, after = (
        " ".join(displayable(part).split()) for part in (finding.before, finding.found, finding.after)
    )
    gaps = [" " if part[:1].isspace() else "" for part in (finding.before[::-1], finding.after)]
    return Content.assemble("…", before, gaps[0], (found, "reverse"), gaps[1], after, "…")
