"""How the app looks: its theme, its signs, its motion, as the settings, the environment and the terminal want them."""

from __future__ import annotations

import os

from textual import events
from textual.app import App, InvalidThemeError
from textual.notifications import SeverityLevel
from textual.widgets import Input, TextArea

from studio.services.studio import Studio, off_loop
from studio.settings import UiSettings
from studio.tui.ascii_signs import AsciiSigns, needs_ascii_letters, needs_ascii_signs
from studio.tui.line_colours import let_go_of_lines
from studio.tui.plain_text import displayable
from studio.tui.theme_files import VARIABLE_DEFAULTS
from studio.tui.themes import load_themes, theme_to_use, told_failures


class DressedApp(App[None]):
    """An app that is dressed by the studio's settings; `dress` again whenever they have changed."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        let_go_of_lines()
        # Textual would turn the terminal's own colours, whichever they are, into black on black.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._own_motion = self.animation_level
        self._signs = AsciiSigns(letters=needs_ascii_letters(os.environ))
        self._filters.append(self._signs)
        self.theme_notices = list(filter(None, [told_failures(self.load_themes())]))
        wanted = studio.settings.ui.theme
        try:
            self.theme = theme_to_use(wanted, no_color=self.no_color, available=self.available_themes)
        except InvalidThemeError:
            self.theme_notices.append(f"There is no theme '{wanted}'; ctrl+p, Theme lists them.")
        self._dress_in_signs_and_motion(studio.settings.ui)

    def dress(self, settings: UiSettings) -> None:
        """Look as these settings say, from now on."""
        if settings.theme in self.available_themes and not self.no_color:
            self.theme = settings.theme
        self._dress_in_signs_and_motion(settings)
        self.refresh_css(animate=False)

    def _dress_in_signs_and_motion(self, settings: UiSettings) -> None:
        self._signs.enabled = needs_ascii_signs(settings.signs, os.environ)
        self.animation_level = "none" if settings.reduced_motion else self._own_motion
        for screen in self.screen_stack if self.is_running else ():
            for field in screen.query("Input, TextArea"):
                self._steady(field)

    @property
    def moves(self) -> bool:
        """Whether anything may move on the screen by itself: blink, glide, turn."""
        return self.animation_level != "none"

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._steady(event.widget)

    def _steady(self, field: object) -> None:
        """A cursor blinks only where things may move."""
        if isinstance(field, Input | TextArea) and field.cursor_blink != self.moves:
            field.cursor_blink = self.moves

    # Themes -------------------------------------------------------------------------------------------------------

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(VARIABLE_DEFAULTS)

    def get_css_variables(self) -> dict[str, str]:
        """The theme's variables, of those that refer to another the other's: textual follows no reference twice."""
        variables = super().get_css_variables()
        return {name: variables.get(value.removeprefix("$"), value) for name, value in variables.items()}

    def load_themes(self) -> list[str]:
        """Read the theme files, again where some were dropped in meanwhile; one sentence for each that is no use."""
        themes, failures = load_themes(self.studio.workspace.themes)
        for theme in themes:
            if self.available_themes.get(theme.name) != theme:
                self.register_theme(theme)
        return failures

    def search_themes(self) -> None:
        """In the place of textual's list of themes: one that shows them, and keeps the choice."""
        self.run_worker(self._choose_theme(), group="theme", exclusive=True, exit_on_error=False)

    async def _choose_theme(self) -> None:
        from studio.services.change_settings import set_setting
        from studio.tui.screens.theme_picker import ThemePicker

        if picked := await self.push_screen_wait(ThemePicker(self)):
            await off_loop(set_setting, self.studio.workspace.settings_file, "ui.theme", picked[0])

    def notify_of_themes(self, failures: list[str]) -> None:
        """Tell which files were left out, and why."""
        if failures:
            self.notify(told_failures(failures), severity="warning", timeout=10)

    # Notices ------------------------------------------------------------------------------------------------------

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 - textual's signature; text here is never markup
    ) -> None:
        """Show a notice. Always plain text: it may hold what users and models wrote."""
        text = displayable("\n".join(filter(None, (title, message))))
        super().notify(text, severity=severity, timeout=timeout, markup=False)

    def copy(self, text: str) -> None:
        """Put a text on the clipboard, as far as the terminal lets a program do that."""
        self.copy_to_clipboard(text)
        self.notify("Copied, if your terminal lets programs do so.")
