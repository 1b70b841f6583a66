"""Models in rows and in words: what the Models screen says of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.content import Content

from studio.domain.sizes import size_text
from studio.models.pull_progress import Phase, PullProgress, progress_words
from studio.services.describe_model import Belongings, FileFacts, room_for
from studio.services.expected_speed import Pace
from studio.services.model_shelf import HERE, Place, ShelfModel
from studio.training.architectures import why_untrained
from studio.tui.plain_text import displayable, one_line

GROUPS = {
    "Here": HERE,
    "To pull": (Place.PART, Place.CATALOGUE),
    "Of other programs on this machine": (Place.FOUND,),
}
NAME_WIDTH, STATE_WIDTH = 24, 16
HEADINGS = f"  {'name':{NAME_WIDTH}} {'size':>7}  {'family':7}{'context':>7}  {'state':{STATE_WIDTH}}licence"
"""Above what `row` gives."""
LONGEST_FOLDER = 40
MEASURE_KEY = " m measures."
PULL_KEYS = {True: "p pauses, c cancels.", False: "p goes on, c discards it."}


@dataclass(frozen=True, slots=True)
class Shown:
    """A model and what its header says; None where it is not here."""

    model: ShelfModel
    facts: FileFacts | None = None
    pace: Pace | None = None

    @property
    def architecture(self) -> str:
        return (self.facts.architecture if self.facts else "") or (
            self.model.entry.architecture if self.model.entry else ""
        )

    @property
    def context(self) -> int:
        return (self.facts.context if self.facts else 0) or (self.model.entry.context if self.model.entry else 0)

    @property
    def licence(self) -> str:
        entry, record = self.model.entry, self.model.record
        told = (entry.licence if entry else "") or (record.licence if record else "")
        return told or (self.facts.licence if self.facts else "")

    @property
    def hindrance(self) -> str:
        """Why it cannot answer, or what it lacks; empty where nothing."""
        return self.model.note or (self.facts.refusal if self.facts else "")


def grouped(models: Sequence[Shown]) -> Iterator[tuple[str, list[Shown]]]:
    """The groups that are not empty, in order."""
    for title, places in GROUPS.items():
        if found := [shown for shown in models if shown.model.place in places]:
            yield title, found


def row(shown: Shown, pulling: PullProgress | None) -> Content:
    """One line: name, size, architecture, context, state, licence."""
    model = shown.model
    state = _state(shown, pulling)
    about = f"{size_text(model.bytes) if model.bytes else '':>7}  {one_line(shown.architecture, 8):8} "
    style = "bold" if model.in_use else ""
    return Content.assemble(
        ("● " if model.in_use else "  ", "bold"),
        (one_line(model.name, NAME_WIDTH).ljust(NAME_WIDTH), style),
        (f" {about}{_thousands(shown.context):>5}  ", "dim"),
        (state.ljust(STATE_WIDTH), style),
        (one_line(shown.licence, 20), "dim"),
    )


def _state(shown: Shown, pulling: PullProgress | None) -> str:
    model = shown.model
    if pulling is not None:
        return _share("pulling" if pulling.phase is Phase.PULLING else pulling.phase.value.partition(",")[0], pulling)
    if model.place is Place.PART:
        return f"paused {100 * model.done // max(1, model.bytes)}%"
    if shown.hindrance:
        return "cannot be used" if shown.facts and shown.facts.refusal else "with a note"
    fit = room_for(model, shown.facts).fit if model.place is Place.CATALOGUE else None
    if fit is not None:
        return fit.value
    if model.in_use:
        return "in use"
    return (
        one_line(model.program.partition(",")[0], STATE_WIDTH - 1) if model.place is Place.FOUND else model.place.value
    )


def _share(word: str, progress: PullProgress) -> str:
    return f"{word} {100 * progress.done // progress.total}%" if progress.total else f"{word}…"


def _thousands(tokens: int) -> str:
    return f"{tokens // 1024}k" if tokens >= 1024 else str(tokens or "")


def about(shown: Shown, belongings: Belongings | None, pulling: PullProgress | None, measuring: str = "") -> Content:
    """Everything about one model, for the pane beside the list. `measuring` says how far its measurement is."""
    model = shown.model
    parts: list[str | tuple[str, str]] = [(one_line(model.title, 60), "bold"), "\n"]
    if measuring and model.in_use:
        parts.append((f"\nMeasuring what it reads best: {measuring}. m stops.\n", "bold"))
    if pulling is not None:
        parts += [("\n" + displayable(progress_words(pulling)), "bold"), f"\n{PULL_KEYS[True]}\n"]
    elif model.place is Place.PART:
        left = f"{size_text(model.done)} of {size_text(model.bytes)} are here; {PULL_KEYS[False]}"
        parts.append(f"\n{left}\n")
    if shown.hindrance:
        parts.append(f"\n{displayable(shown.hindrance)}\n")
    if model.entry is not None:
        parts.append(f"\n{displayable(model.entry.why)}\n")
    facts = [
        f"{size_text(model.bytes)} on disk" if model.bytes else "",
        f"architecture {one_line(shown.architecture, 20)}" if shown.architecture else "",
        f"context {shown.context:,}" if shown.context else "",
        f"licence {one_line(shown.licence, 30)}" if shown.licence else "licence not told",
        "a night cannot train it" if shown.architecture and why_untrained(shown.architecture) else "",
    ]
    parts.append("\n" + "; ".join(filter(None, facts)) + ".\n")
    room = room_for(model, shown.facts)
    fit = f"{room.fit.value.capitalize()}. " if room.fit and model.place is not Place.PART else ""
    if room.words and not (shown.facts and shown.facts.refusal):
        pace = shown.pace.words if shown.pace else ""
        parts.append("\n".join(filter(None, (f"{fit}{room.words}", pace))) + "\n")
    if template := _template(shown):
        parts.append(f"\n{template}\n")
    if belongings is not None and model.path is not None and not (shown.facts and shown.facts.refusal):
        parts.append(_belonging(shown, belongings) + "\n" + _night(belongings))
        if belongings.forms:
            parts.append(f"\n{displayable(belongings.forms)}{MEASURE_KEY if model.in_use else ''}\n")
    parts.append(("\n" + _whence(model), "dim"))
    return Content.assemble(*parts)


def _template(shown: Shown) -> str:
    if shown.facts is not None and not shown.facts.refusal and not shown.facts.has_template:
        return "Its file holds no chat template, so it cannot be talked to."
    if shown.model.entry is not None:
        return f"Template: {displayable(shown.model.entry.template)}"
    return "Template: the file's own." if shown.facts and shown.facts.has_template else ""


def _belonging(shown: Shown, found: Belongings) -> str:
    if not found.known:
        return "Which adapters belong to it is known once it has answered."
    reader = "A reader is here for it." if found.reader else "There is no reader for it."
    if not found.adapters:
        if why := why_untrained(shown.architecture):
            return f"No night can train it: {one_line(why, 160)}. Lessons work. {reader}"
        return f"No adapter was trained for it yet: a night makes one. {reader}"
    number = "1 adapter belongs" if found.adapters == 1 else f"{found.adapters} adapters belong"
    active = f"v{found.active} in use" if found.active is not None else "none in use"
    return f"{number} to it, {active}. {reader}"


def _night(found: Belongings) -> str:
    return f"\n{displayable(found.night)}\n" if found.night else ""


def _whence(model: ShelfModel) -> str:
    """Where the file is from, and where it lies."""
    if model.place is Place.FOUND:
        source = f"{model.program}, which it belongs to; only read here"
    else:
        source = (model.record.source if model.record else "") or (model.entry.repository if model.entry else "")
    lines = [f"From {displayable(source or model.program)}"] if source or model.program else []
    if model.path is not None:
        lines += [f"File {displayable(model.path.name)}", f"in {displayable(_shortened(model.path.parent))}"]
    return "\n".join(lines)


def _shortened(folder: Path) -> str:
    """The folder, with its first parts left out where it would not stand in one line."""
    home = Path.home()
    shown = Path("~", folder.relative_to(home)) if folder.is_relative_to(home) else folder
    left_out = 0
    while len(str(shown)) > LONGEST_FOLDER and left_out + 2 < len(folder.parts):
        left_out += 1
        shown = Path("…", *folder.parts[left_out + 1 :])
    return str(shown)
