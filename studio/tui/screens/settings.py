"""Settings: what can be set, what it means, what it is now and by what; changed in place, kept in studio.toml."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from studio.errors import StudioError
from studio.services import change_settings
from studio.services.change_settings import Change, SettingState, Source
from studio.services.settings_that_matter import ValueKind
from studio.services.studio import Studio, off_loop
from studio.settings import load_settings
from studio.tui.plain_text import displayable, one_line, typed
from studio.tui.screens.studio_screen import StudioScreen
from studio.tui.screens.theme_picker import ThemePicker
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.pick_dialog import Pick, PickDialog

NAME_WIDTH = 30
VALUE_WIDTH = 40
KEYS = "ui.keys"
SIGNS = ("auto", "unicode", "ascii")
LINE_HINT = "enter keeps it · esc leaves it as it was · nothing puts the default back"


class SettingsScreen(StudioScreen):
    """The settings one a row; beside or beneath them the chosen one in words, and the line in which it is changed."""

    MODE = "settings"
    CSS_PATH = "../styles/settings.tcss"
    AUTO_FOCUS = "OptionList"
    HELP = """\
Every setting that people change, by its name in studio.toml. enter changes the one chosen: yes or no at once, a theme
while you look at it, anything else in a line that says what it takes. x puts the default back, u takes the last change
back. What is set by a STUDIO_ variable counts more than studio.toml and is changed there. Your comments in studio.toml
stay. The last row tells which keys you have remapped and how."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "change", "Change", id="settings.change", tooltip="Change the setting chosen, as enter does"),
        Binding("x", "reset", "Default", id="settings.reset", tooltip="Put the default back"),
        Binding("u", "undo", "Undo", id="settings.undo", tooltip="Take the last change back"),
        Binding("escape", "leave", "Leave", show=False, id="settings.leave", tooltip="Leave the line without a change"),
    ]

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._file = studio.workspace.settings_file
        self._states: list[SettingState] = []
        self._remapped: dict[str, str] = {}
        self._changes: list[Change] = []

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="settings-body"):
            yield OptionList(id="settings-list", compact=True)
            with VerticalScroll(id="settings-detail", can_focus=False):
                yield Static(id="setting-about", markup=False)
                yield Input(id="setting-line", compact=True)
                yield Static(LINE_HINT, id="setting-hint", markup=False)
                yield Static(id="setting-refused", markup=False)

    def on_mount(self) -> None:
        self._show_line(shown=False)
        self.start(self._load(), group="load", exclusive=True)

    def on_screen_resume(self) -> None:
        # The file may have been changed by hand or by the command line meanwhile.
        if self._states and not self._line.display:
            self.start(self._load(), group="load", exclusive=True)

    async def _load(self) -> None:
        self._states = await off_loop(change_settings.setting_states, self._file)
        self._remapped = await off_loop(change_settings.remapped_keys, self._file)
        rows = [_row(state) for state in self._states]
        remapped = f"{len(self._remapped)} remapped" if self._remapped else "as they ship"
        rows.append(Content.assemble((KEYS.ljust(NAME_WIDTH), "bold"), remapped))
        options = self.query_one(OptionList)
        chosen = options.highlighted or 0
        options.clear_options()
        options.add_options([Option(row) for row in rows])
        options.highlighted = chosen
        self._describe()

    # What is chosen -----------------------------------------------------------------------------------------------

    @property
    def _line(self) -> Input:
        return self.query_one("#setting-line", Input)

    @property
    def _chosen(self) -> SettingState | None:
        index = self.query_one(OptionList).highlighted
        return self._states[index] if index is not None and index < len(self._states) else None

    @on(OptionList.OptionHighlighted, "#settings-list")
    def _describe(self) -> None:
        state = self._chosen
        about = _about_keys(self._remapped) if state is None else _about(state)
        self.query_one("#setting-about", Static).update(about)
        self._refuse("")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Actions that have nothing to act on are neither shown nor run."""
        if action == "undo":
            return bool(self._changes)
        if action == "reset":
            state = self._chosen if self.is_mounted else None
            return state is not None and state.source is Source.FILE
        return True

    def on_resize(self, _: Resize) -> None:
        """The chosen row stays in sight."""
        self.call_after_refresh(self.query_one(OptionList).scroll_to_highlight)

    # Changing it --------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#settings-list")
    def _select(self) -> None:
        self.action_change()

    def action_change(self) -> None:
        state = self._chosen
        if state is None:
            self.notify(f"Keys are remapped in {self._file}, under [ui.keys].")
        elif state.source is Source.ENVIRONMENT:
            self.notify(f"{state.fact.variable} counts more than studio.toml: unset it, then change it here.")
        elif state.fact.kind is ValueKind.SWITCH:
            self._set(state, "no" if state.value == "yes" else "yes")
        elif state.fact.kind is ValueKind.NAME:
            self.start(self._pick(state), group="pick", exclusive=True)
        else:
            self._line.placeholder = state.fact.unset or state.default
            self._line.value = typed(state.value).replace("\n", "\\n")
            self._show_line(shown=True)
            self.set_focus(self._line)

    async def _pick(self, state: SettingState) -> None:
        if state.fact.name == "ui.theme":
            picker: PickDialog = ThemePicker(self.studio_app)
        else:
            written = await off_loop(load_settings, self._file)  # arms may have been added by hand
            arms = [recipe.name for recipe in written.arm_recipes()]
            names = SIGNS if state.fact.name == "ui.signs" else arms
            picker = PickDialog(state.fact.name, [Pick(name, name) for name in names], [state.value], several=False)
        if picked := await self.app.push_screen_wait(picker):
            self._set(state, picked[0])

    @on(Input.Submitted, "#setting-line")
    def _submit(self, event: Input.Submitted) -> None:
        if (state := self._chosen) is not None:
            self._set(state, event.value.replace("\\n", "\n"))

    def action_leave(self) -> None:
        self._show_line(shown=False)
        self._refuse("")
        self.set_focus(self.query_one(OptionList))

    def action_reset(self) -> None:
        if (state := self._chosen) is not None:
            self.start(self._write(lambda: change_settings.reset_setting(self._file, state.fact.name)), group="write")

    def _set(self, state: SettingState, text: str) -> None:
        self.start(self._set_once_agreed(state, text), group="write")

    async def _set_once_agreed(self, state: SettingState, text: str) -> None:
        """Where it sends what is asked elsewhere, the user is told so before."""
        if sent := change_settings.would_send(state, text):
            question = ConfirmDialog(f"{displayable(sent)} From the next start on.", yes="Send it there", no="Leave it")
            if not await self.app.push_screen_wait(question):
                return
        await self._write(lambda: change_settings.set_setting(self._file, state.fact.name, text))

    async def _write(self, write: Callable[[], Change]) -> None:
        """Change the file, then what the app goes by; where it is refused the line stays, and says why."""
        try:
            change = await off_loop(write)
        except StudioError as error:
            if not self._line.display:
                raise
            self._refuse(f"{error.message} {error.hint}")
            return
        if change.before != change.after:
            self._changes.append(change)
        await self._take_effect()

    def action_undo(self) -> None:
        self.start(self._undo(), group="write")

    async def _undo(self) -> None:
        if self._changes:
            change = self._changes.pop()
            await off_loop(change_settings.take_back, self._file, change)
            await self._take_effect()
            self.notify(f"Taken back: {change.name}")

    async def _take_effect(self) -> None:
        self.studio.settings = await off_loop(load_settings, self._file)
        self.studio_app.dress(self.studio.settings.ui)
        self.action_leave()
        await self._load()
        self.refresh_bindings()

    def _show_line(self, *, shown: bool) -> None:
        self._line.display = self.query_one("#setting-hint").display = shown
        # Meanwhile the list stands still, so that what is typed goes to the setting it was typed for.
        self.query_one(OptionList).disabled = shown

    def _refuse(self, words: str) -> None:
        refused = self.query_one("#setting-refused", Static)
        refused.update(displayable(words))
        refused.display = bool(words)


def _row(state: SettingState) -> Content:
    value = one_line(state.value, VALUE_WIDTH) or state.fact.unset or "(empty)"
    changed = state.source is not Source.DEFAULT
    mark = f"  ({state.source.value})" if changed else ""
    return Content.assemble(
        (state.fact.name.ljust(NAME_WIDTH), "bold"),
        (value, "" if changed else "$foreground-muted"),
        (mark, "$foreground-muted"),
    )


def _about(state: SettingState) -> Content:
    fact = state.fact
    lines = [
        f"Now: {displayable(state.value) or fact.unset or '(empty)'}",
        f"Default: {displayable(state.default) or fact.unset or '(empty)'}",
        f"Set by: {fact.variable if state.source is Source.ENVIRONMENT else state.source.value}",
        f"Takes {fact.kind.value}. A change is felt {fact.effect.value}.",
    ]
    return Content.assemble((fact.name, "bold"), f"\n{fact.meaning}\n\n" + "\n".join(lines))


def _about_keys(remapped: dict[str, str]) -> Content:
    lines = [f"{one_line(name, 40)} = {one_line(key, 40)}" for name, key in remapped.items()]
    how = (
        "Give an action another key in studio.toml, by the name of the action:\n\n[ui.keys]\n"
        '"chat.edit" = "x"\n\nstudio settings keys lists all names. Felt at the next start.'
    )
    return Content.assemble((KEYS, "bold"), "\n", "\n".join([*lines, ""]) if lines else "", how)
