"""The timeline in words: a station's tab, what held then, what was answered, and what changed since the one before."""

from __future__ import annotations

from textual.content import Content

from studio.domain.arms import ArmRecipe, Memory
from studio.domain.plural import plural
from studio.services.timeline import Said, Station, StationKind, recipe_at
from studio.tui.plain_text import displayable
from studio.tui.screens.local_time import local_time
from studio.tui.widgets.given import given_or_nothing
from studio.tui.widgets.word_diff import diff_content

_SIGNS = {True: "✓", False: "✗", None: "■"}
_VERDICTS = {True: " right ✓", False: " wrong ✗", None: ""}
ASIDE = "$foreground-muted"


def tab_words(station: Station, said: Said | None) -> str:
    """Its name, and by sign whether the arm shown was right then; a dot where it was not asked."""
    return f"{station.label} {'·' if said is None else _SIGNS[said.ok]}"


def what_held(station: Station) -> str:
    """What had been learnt by then, in one line."""
    corrections = plural(station.corrections, "correction")
    own = {0: "none of this question", 1: "one of this question"}.get(station.own, f"{station.own} of this question")
    memory = f"{corrections} in force, {own}" if station.corrections else "nothing corrected yet"
    adapter = "no adapter in use" if station.in_use is None else f"adapter v{station.in_use} in use"
    since = "From" if station.kind is StationKind.BEFORE else "Since"
    return f"{since} {local_time(station.at)}: {memory}, {adapter}."


def station_content(
    station: Station, said: Said | None, recipe: ArmRecipe, before: tuple[Station, Said | None] | None
) -> Content:
    """Everything about the station for one arm; `before` is the station before it, and what the arm said there."""
    parts: list[Content | tuple[str, str] | str] = [(what_held(station), ASIDE)]
    if station.correction is not None:
        parts += ["\n", ("You put it right: ", "bold"), displayable(station.correction.corrected)]
        if station.correction.rationale:
            parts.append((f"  ({displayable(station.correction.rationale)})", ASIDE))
    if said is None:
        parts += ["\n\n", (_not_asked(station, recipe), ASIDE)]
        return Content.assemble(*parts)
    parts += ["\n\n", (f"{recipe.name} answered{_VERDICTS[said.ok]}", "bold"), "\n", displayable(said.text)]
    parts += ["\n", (displayable(_provenance(said, station, recipe)), ASIDE)]
    if before is not None:
        parts += ["\n\n", *_since(before, said)]
    return Content.assemble(*parts)


def against(said: Said, corrected: str) -> Content:
    """The answer against the correction in force, word by word."""
    return Content.assemble(("Against the correction: ", "bold"), diff_content(said.text, corrected))


def _since(before: tuple[Station, Said | None], said: Said) -> list[Content | tuple[str, str] | str]:
    station, earlier = before
    if earlier is None:
        return [(f"What it said at '{station.label}' is not known; there enter asks.", ASIDE)]
    if earlier.text.strip() == said.text.strip():
        return [("The same words as at ", ASIDE), (f"'{station.label}'.", ASIDE)]
    return [(f"Changed since '{station.label}': ", "bold"), diff_content(earlier.text, said.text)]


def _not_asked(station: Station, recipe: ArmRecipe) -> str:
    return f"{recipe.name} was not asked then. enter asks it {_how(station, recipe)}."


def _how(station: Station, recipe: ArmRecipe) -> str:
    """With what it is asked now for a station of the past."""
    wanted = recipe_at(station, recipe)
    parts = [f"with adapter v{wanted.adapter}"] if wanted.uses_adapter else []
    parts += ["with the reader"] if wanted.reader else []
    parts += [] if wanted.memory is Memory.NONE else [f"with today's {wanted.memory.value}"]
    return " and ".join(parts) or "as the model came"


def _provenance(said: Said, station: Station, recipe: ArmRecipe) -> str:
    given = given_or_nothing(said.given)
    if said.kept:
        return f"given {local_time(said.at)}, with: {given}"
    return f"asked just now {_how(station, recipe)}; with: {given}"
