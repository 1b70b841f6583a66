"""The settings of an export, one a row: stepped through with the arrow keys, or typed or picked with enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from studio.errors import UsageError
from studio.exchange.formats import FORMATS
from studio.tui.plain_text import end_of_line, one_line
from studio.tui.screens.export_choices import Choices, Findings

LABEL_WIDTH = 14
NO_PLACE = "-"
SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. `step` goes to the next or the former value; `text` and `take` are for a value that is typed, `picks`
    names the field whose values are picked from what the log holds. What does not `apply` to the format is not offered.
    """

    key: str
    label: str
    group: str
    words: Callable[[Choices], str]
    step: Callable[[Choices, int], Choices] | None = None
    text: Callable[[Choices], str] | None = None
    take: Callable[[Choices, str], Choices] | None = None
    asks: str = ""
    picks: str = ""
    applies: Callable[[Choices], bool] = lambda _: True

    def without(self, choices: Choices) -> str:
        """Why it is not offered."""
        if self.key == "seed" and not choices.form.whole:
            return "nothing is held back, so nothing is drawn."
        return f"{choices.format_name} has no place for it."


def _switch(
    key: str,
    label: str,
    group: str,
    now: Callable[[Choices], bool],
    applies: Callable[[Choices], bool] = lambda _: True,
) -> Setting:
    return Setting(
        key,
        label,
        group,
        words=lambda choices: "yes" if now(choices) else "no",
        step=lambda choices, _: choices.with_(key, not now(choices)),
        applies=applies,
    )


def _picked(key: str, label: str) -> Setting:
    def words(choices: Choices) -> str:
        chosen = getattr(choices, key)
        return "all" if not chosen else f"{len(chosen)} chosen" if key == "sessions" else ", ".join(chosen)

    return Setting(key, label, "Which corrections", words, picks=key)


def _day(key: str, label: str) -> Setting:
    def text(choices: Choices) -> str:
        day = getattr(choices, key)
        return f"{day:%Y-%m-%d}" if day else ""

    def take(choices: Choices, typed: str) -> Choices:
        try:
            day = date.fromisoformat(typed.strip()) if typed.strip() else None
        except ValueError as error:
            raise UsageError(f"'{one_line(typed, 30)}' is no day.", "Type it as 2026-03-01.") from error
        taken = choices.with_(key, day)
        if taken.since and taken.until and taken.since > taken.until:
            raise UsageError("The first day is after the last.", "Exchange the two.")
        return taken

    asks = "a day (UTC) as 2026-03-01; empty for all"
    return Setting(key, label, "Which corrections", lambda c: text(c) or "any day", text=text, take=take, asks=asks)


def _share(key: str, label: str) -> Setting:
    def text(choices: Choices) -> str:
        share = getattr(choices, key)
        return f"{100 * share:.3g}%" if share else ""

    def words(choices: Choices) -> str:
        return text(choices) or "none"

    def step(choices: Choices, by: int) -> Choices:
        now = getattr(choices, key)
        nearest = min(range(len(SHARES)), key=lambda at: abs(SHARES[at] - now))
        share = SHARES[(nearest + by) % len(SHARES)]
        return choices.with_(key, share)

    def take(choices: Choices, typed: str) -> Choices:
        number = typed.strip().removesuffix("%")
        try:
            share = float(number or 0) / (100 if "%" in typed else 1)
        except ValueError as error:
            raise UsageError(f"'{one_line(typed, 30)}' is no share.", "Type it as 10% or 0.1.") from error
        if not 0 <= share < 1:
            raise UsageError("A share held back is at least 0% and less than 100%.", "Type it as 10% or 0.1.")
        return choices.with_(key, share)

    return Setting(
        key,
        label,
        "Held back",
        words,
        step,
        text,
        take,
        "as 10% or 0.1",
        applies=lambda choices: not choices.form.whole,
    )


def _typed(key: str, label: str, group: str, asks: str, *, otherwise: str = "") -> Setting:
    def take(choices: Choices, typed: str) -> Choices:
        line = " ".join(typed.split()) if key != "folder" else typed.strip()
        return choices.with_(key, line or otherwise)

    def text(choices: Choices) -> str:
        value: str = getattr(choices, key)
        return value

    return Setting(key, label, group, text, text=text, take=take, asks=asks)


def _step_format(choices: Choices, by: int) -> Choices:
    names = list(FORMATS)
    return replace(choices, format_name=names[(names.index(choices.format_name) + by) % len(names)])


def _step_findings(choices: Choices, by: int) -> Choices:
    all_of_them = list(Findings)
    return replace(choices, findings=all_of_them[(all_of_them.index(choices.findings) + by) % len(all_of_them)])


def _take_names(choices: Choices, typed: str) -> Choices:
    names = (" ".join(name.split()) for name in typed.split(","))
    return replace(choices, names=tuple(dict.fromkeys(name for name in names if name)))


def _take_seed(choices: Choices, typed: str) -> Choices:
    try:
        return replace(choices, seed=int(typed.strip() or 0))
    except ValueError as error:
        raise UsageError(f"'{one_line(typed, 30)}' is no whole number.", "Type it as 3.") from error


def _splits(choices: Choices) -> bool:
    return not choices.form.whole and (choices.test > 0 or choices.validation > 0)


def _of_rows(choices: Choices) -> bool:
    return not choices.form.whole


SETTINGS = (
    Setting("format_name", "Format", "What", lambda c: c.format_name, _step_format),
    _picked("sessions", "Sessions"),
    _day("since", "From"),
    _day("until", "To"),
    _picked("labels", "Labels"),
    _picked("arms", "Arms"),
    _picked("models", "Models"),
    _switch("superseded", "Superseded", "Which corrections", lambda c: c.with_superseded),
    _switch("undone", "Undone", "Which corrections", lambda c: c.with_undone),
    _switch("system", "System prompt", "What of them", lambda c: c.system, applies=_of_rows),
    _switch("history", "History", "What of them", lambda c: c.history, applies=_of_rows),
    _switch("rationale", "Rationale", "What of them", lambda c: c.rationale, applies=lambda c: c.takes_rationale),
    _share("test", "Test"),
    _share("validation", "Validation"),
    Setting(
        "seed",
        "Seed",
        "Held back",
        lambda c: str(c.seed),
        lambda c, by: replace(c, seed=max(0, c.seed + by)),
        lambda c: str(c.seed),
        _take_seed,
        "a whole number; another one draws others",
        applies=_splits,
    ),
    Setting("findings", "Private data", "Private data", lambda c: c.findings, _step_findings),
    Setting(
        "names",
        "Names",
        "Private data",
        lambda c: ", ".join(c.names) or "none given",
        text=lambda c: ", ".join(c.names),
        take=_take_names,
        asks="names to look for too, with commas between them",
    ),
    _typed("folder", "Folder", "Where to", "a new folder; empty for one named for the format"),
    _typed("title", "Title", "Where to", "of the dataset card", otherwise="Corrections"),
    _typed("license", "Licence", "Where to", "for the card, as cc-by-4.0", otherwise="other"),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}


class ExportSettings(OptionList):
    """The rows. Groups have their names above them where there is height for it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Change", id="export.change", tooltip="Type or pick another value"),
        Binding("right,space", "step(1)", "Next", show=False, id="export.next"),
        Binding("left", "step(-1)", "Former", show=False, id="export.former"),
        # The rows need no paging; what stands beside them does.
        Binding("pagedown", "screen.page(1)", "Page down", show=False, id="export.page_down"),
        Binding("pageup", "screen.page(-1)", "Page up", show=False, id="export.page_up"),
    ]

    @dataclass
    class Stepped(Message):
        """The arrow keys ask for the next or the former value of a setting."""

        setting: Setting
        by: int

    def __init__(self, *, id: str) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id, compact=True)
        self._choices = Choices()
        self._folder = ""

    @property
    def chosen(self) -> Setting | None:
        """The setting under the cursor."""
        option = self.highlighted_option
        return BY_KEY[option.id] if option is not None and option.id else None

    def show_choices(self, choices: Choices, folder: Path | None) -> None:
        """Show these; `folder` is where it will be written."""
        self._choices, self._folder = choices, _short(folder) if folder else "…"
        self._fill()

    def on_resize(self, _: events.Resize) -> None:
        self._fill()

    def action_step(self, by: int) -> None:
        if (setting := self.chosen) is not None:
            self.post_message(self.Stepped(setting, by))

    def _fill(self) -> None:
        chosen = self.chosen.key if self.chosen else SETTINGS[0].key
        groups = list(dict.fromkeys(setting.group for setting in SETTINGS))
        named = self.size.height >= len(SETTINGS) + len(groups)
        options: list[Option] = []
        group = ""
        for setting in SETTINGS:
            if named and setting.group != group:
                options.append(Option(Content.styled(setting.group, "bold $text-muted"), disabled=True))
            group = setting.group
            options.append(Option(self._line(setting), id=setting.key))
        self.clear_options()
        self.add_options(options)
        self.highlighted = self.get_option_index(chosen)

    def _line(self, setting: Setting) -> Content:
        value = self._folder if setting.key == "folder" else setting.words(self._choices)
        room = max(6, self.size.width - LABEL_WIDTH - 3)
        if not setting.applies(self._choices):
            return Content.styled(f" {setting.label:<{LABEL_WIDTH}}{NO_PLACE}", "$foreground-muted")
        shown = end_of_line(value, room) if setting.key == "folder" else one_line(value, room)
        return Content.assemble((f" {setting.label:<{LABEL_WIDTH}}", "$foreground-muted"), shown)


def _short(folder: Path) -> str:
    """With ~ for the home folder."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(folder)
