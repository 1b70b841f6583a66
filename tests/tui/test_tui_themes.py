"""Themes: those that ship can be read by everybody they are for, users' files are checked one by one, NO_COLOR."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from colour_vision import SIGHT, contrast, difference
from studio_fakes import fake_studio
from textual.color import Color
from tui_driving import AppPilot, ask, notices, settled, shown, until
from tui_values import HOSTILE, QUESTION, a_lesson, add_correction, add_lessons, add_night

from studio.domain.nights import NightState
from studio.services.studio import Studio
from studio.settings import load_settings
from studio.tui.app import StudioApp
from studio.tui.messages import CompareRequested
from studio.tui.screens.arm_pane import ArmPane
from studio.tui.screens.theme_picker import ThemePicker
from studio.tui.theme_files import StudioTheme, read_theme
from studio.tui.themes import load_themes

SHIPPED = {
    "studio-dark": 4.5,
    "studio-light": 4.5,
    "studio-colour-blind": 4.5,
    "studio-mono": 4.5,
    "studio-contrast": 7.0,
    "studio-stage": 7.0,
}
"""The least contrast of text; `studio-ansi` has the terminal's colours, which nobody here knows."""
ARMS = [f"arm-{number}" for number in range(1, 7)]
TEXTS = ["foreground", "accent", "success", "warning", "error", "text-muted", "footer-key-foreground", "diff-insert"]
GROUNDS = ["background", "surface", "panel"]
APART = 20.0
"""In CIE L*a*b*; 2.3 is the least that is noticed at all."""


def shipped() -> dict[str, StudioTheme]:
    return {theme.name: theme for theme in load_themes(Path("nowhere"))[0]}


def colours_of(theme: StudioTheme) -> dict[str, Color]:
    """What is drawn as text, as the style sheets see it: of `auto` what it comes to on the background."""
    generated = theme.to_color_system().generate() | theme.variables
    background = Color.parse(generated["background"])
    found: dict[str, Color] = {}
    for name in [*TEXTS, "diff-delete", *ARMS, *GROUNDS]:
        value = generated[name]
        if value.startswith("auto"):
            share = float(value.removeprefix("auto").strip().rstrip("%")) / 100
            found[name] = background + background.get_contrast_text(share)
        else:
            found[name] = background + Color.parse(value)
    return found


def test_at_least_six_themes_ship_and_all_are_valid() -> None:
    themes, failures = load_themes(Path("nowhere"))
    assert failures == []
    assert {theme.name for theme in themes} == {*SHIPPED, "studio-ansi"}
    assert all(theme.about for theme in themes)


@pytest.mark.parametrize("name", SHIPPED)
def test_text_has_enough_contrast_on_every_ground(name: str) -> None:
    colours = colours_of(shipped()[name])
    poor = {
        f"{text} on {ground}": round(ratio, 2)
        for text in [*TEXTS, "diff-delete", *ARMS]
        for ground in GROUNDS
        if (ratio := contrast(colours[text], colours[ground])) < SHIPPED[name]
    }
    assert poor == {}, poor


@pytest.mark.parametrize("sight", SIGHT)
def test_arms_and_verdicts_stay_apart_without_red_or_green_cones(sight: str) -> None:
    colours = colours_of(shipped()["studio-colour-blind"])
    pairs = [*combinations(ARMS, 2), ("success", "error"), ("diff-insert", "diff-delete")]
    near = {
        pair: round(apart, 1)
        for pair in pairs
        if (apart := difference(colours[pair[0]], colours[pair[1]], sight)) < APART
    }
    assert near == {}


def test_the_usual_theme_would_not_do_without_red_cones() -> None:
    """Else the test above would prove nothing."""
    colours = colours_of(shipped()["studio-dark"])
    assert any(difference(colours[a], colours[b], "protanopia") < APART for a, b in combinations(ARMS, 2))


def test_the_simulation_is_machados() -> None:
    """Pure red without the red cones is a dark yellow, and white stays white."""
    seen = SIGHT["protanopia"] @ [1.0, 0.0, 0.0]
    assert seen == pytest.approx([0.152, 0.115, -0.004], abs=0.001)
    assert SIGHT["deuteranopia"] @ [1.0, 1.0, 1.0] == pytest.approx([1, 1, 1], abs=0.001)
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21)
    assert contrast(Color.parse("#767676"), Color.parse("#fff")) == pytest.approx(4.54, abs=0.01)


def a_full_studio(folder: Path) -> Studio:
    studio = fake_studio(folder)
    add_correction(studio, rationale="the policy changed")
    add_lessons(studio, a_lesson(), a_lesson("Old one", pinned=True), a_lesson(HOSTILE))
    add_night(studio, NightState.PROMOTED, "better", version=1)
    add_night(studio, NightState.KEPT, "not better", version=2)
    return studio


def hard_to_read(pilot: AppPilot, least: float) -> dict[str, float]:
    """Every piece of text on the screen of too little contrast, however its colour came about."""
    found: dict[str, float] = {}
    dialogs = pilot.app.screen.query(".dialog") if pilot.app.screen.is_modal else ()
    area = dialogs.first().region if dialogs else pilot.app.screen.region
    for strip in pilot.app.screen._compositor.render_strips()[area.y : area.bottom]:
        for text, style, _ in strip.crop(area.x, area.right):
            if style is None or not style.color or not style.bgcolor or not any(map(str.isalnum, text)):
                continue
            fore, back = (Color.from_rich_color(one) for one in (style.color, style.bgcolor))
            if style.dim:
                fore = back.blend(fore, 0.5)
            if (ratio := contrast(fore, back)) < least:
                found[text.strip()] = round(ratio, 2)
    return found


async def test_everything_on_real_screens_can_be_read_in_every_theme(tmp_path: Path) -> None:
    app = StudioApp(a_full_studio(tmp_path))
    poor: dict[tuple[str, str], dict[str, float]] = {}
    async with app.run_test(size=(160, 50), notifications=True) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("escape", "e")
        for place in ("chat", "compare", "lessons", "nights", "curves", "export", "review", "settings", "help"):
            if place == "compare":
                app.screen.post_message(CompareRequested(QUESTION))
            elif place == "help":
                await pilot.press("f1")
            else:
                await app.action_go(place)
            await settled(pilot)
            if place == "compare":  # what is told while an answer is written is seen, too
                await app.screen.query(ArmPane).last().wait()
            app.clear_notifications()
            for theme, least in SHIPPED.items():
                app.theme = theme
                app.notify("A notice.", severity="warning")
                await pilot.pause()
                if found := hard_to_read(pilot, least):
                    poor[place, theme] = found
                app.clear_notifications()
    assert poor == {}, "\n".join(f"{key}: {value}" for key, value in poor.items())


GOOD = 'name = "mine"\nprimary = "#123456"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + 'accent = "no colour"\n', "line 3: 'accent' is no colour: 'no colour'; a colour is written '#7aa2c9'"),
        (GOOD + "dark = 1\n", "line 3: 'dark' must be true or false"),
        (GOOD + "text_alpha = 2\n", "line 3: 'text_alpha' must be a number from 0 to 1"),
        (GOOD + 'acent = "red"\n', "line 3: 'acent' is no field of a theme; did you mean 'accent'?"),
        (GOOD + "nonsense = 1\n", "'nonsense' is no field of a theme; there are about, accent"),
        (GOOD + "variables = 1\n", "'variables' must be a table: [variables]"),
        (GOOD + '[variables]\narm1 = "red"\n', "line 4: there is no variable 'arm1'; did you mean 'arm-1'?"),
        (GOOD + '[variables]\narm-1 = "no"\n', "line 4: 'arm-1' is no colour: 'no'"),
        (GOOD + '[variables]\narm-1 = "$acent"\n', "'arm-1' refers to '$acent', which is no variable; did you mean"),
        (GOOD + '[variables]\nborder = "$link-color"\nlink-color = "$border"\n', "which only refers to another one"),
        (GOOD + '[variables]\nborder = "loud"\n', "line 4: 'border' is no colour: 'loud'"),
        (GOOD + '[variables]\nlink-style = "loud"\n', "line 4: 'link-style' is no style of text: 'loud'"),
        (GOOD + "[variables]\nborder = 1\n", "line 4: variable 'border' must be text in quotes"),
        ('primary = "red"\n', "it has no name"),
        ('name = "x"\n', "it has no primary colour"),
        ('name = "x"\nprimary = \n', "is not TOML (Invalid value (at line 2"),
    ],
)
def test_a_bad_theme_says_where_what_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"name|colour|variab|true|number|field|style|TOML|refers") as refused:
        read_theme(file)
    assert said in str(refused.value)


def test_all_that_is_wrong_in_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(GOOD + 'accent = "no"\ndark = "yes"\n[variables]\narm-2 = "nope"\n')
    with pytest.raises(ValueError, match=r"line 3: 'accent'.*line 4: 'dark'.*line 6: 'arm-2'"):
        read_theme(file)


@pytest.mark.parametrize("value", ["#7aa2c9 35%", "auto 60%", "$primary", "transparent", "rgb(1, 2, 3)", "ansi_blue"])
async def test_what_a_variable_may_hold_is_taken_by_the_app(tmp_path: Path, value: str) -> None:
    themes = tmp_path / "themes"
    themes.mkdir(parents=True)
    (themes / "mine.toml").write_text(GOOD + f'[variables]\nfooter-key-foreground = "{value}"\n')
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test() as pilot:
        app.theme = "mine"
        await pilot.pause()
        assert "Quit" in shown(pilot)


async def test_a_theme_dropped_in_is_previewed_and_kept(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(notifications=True) as pilot:
        studio.workspace.themes.mkdir(exist_ok=True)
        (studio.workspace.themes / "mine.toml").write_text(GOOD + 'about = "my own"\nbackground = "#102030"\n')
        (studio.workspace.themes / "bad.toml").write_text("name = 1\n")
        await app.run_action("change_theme")
        await until(pilot, lambda: isinstance(app.screen, ThemePicker))
        await until(pilot, lambda: "mine  my own" in shown(pilot) and "{+put in+}" in shown(pilot))
        await until(pilot, lambda: any("bad.toml" in notice for notice in notices(pilot)))
        await pilot.press(*"mine")
        await until(pilot, lambda: app.theme == "mine")
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "studio-dark")
        await app.run_action("change_theme")
        await until(pilot, lambda: isinstance(app.screen, ThemePicker))
        await pilot.press(*"mine", "enter")
        await settled(pilot)
        assert load_settings(studio.workspace.settings_file).ui.theme == "mine"
        assert app.theme == "mine"


def test_no_style_sheet_and_no_module_names_a_colour_itself() -> None:
    """Colours are the themes'."""
    literal = r"#[0-9a-fA-F]{6}\b|\b(rgba?|hsl)\(|\bansi_(?!color)[a-z]+"

    tui = Path(__file__).parents[2] / "studio" / "tui"
    sources = [*tui.rglob("*.tcss"), *(file for file in tui.rglob("*.py") if file.name != "theme_files.py")]
    assert [file.name for file in sources if re.search(literal, file.read_text())] == []
