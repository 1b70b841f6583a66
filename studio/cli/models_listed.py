"""What `studio models list` prints of every model, with the one measurement of the machine that it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.cli.frame import interruptible, one_line, print_json
from studio.cli.say import say

if TYPE_CHECKING:
    from studio.domain.speed import MachineSpeed
    from studio.services.describe_model import FileFacts, Room
    from studio.services.expected_speed import Pace
    from studio.services.model_shelf import Shelf, ShelfModel
    from studio.settings import Settings
    from studio.storage import DuckDbLog


@dataclass(frozen=True, slots=True)
class _Row:
    model: ShelfModel
    facts: FileFacts | None
    room: Room
    pace: Pace

    @property
    def architecture(self) -> str:
        if self.facts:
            return self.facts.architecture
        return self.model.entry.architecture if self.model.entry else ""

    @property
    def context(self) -> int:
        if self.facts:
            return self.facts.context
        return self.model.entry.context if self.model.entry else 0

    @property
    def licence(self) -> str:
        """The catalogue's word counts before what was recorded at a pull, and that before the file's own."""
        recorded = self.model.record.licence if self.model.record else ""
        in_header = self.facts.licence if self.facts else ""
        return (self.model.entry.licence if self.model.entry else "") or recorded or in_header

    @property
    def refusal(self) -> str:
        return self.facts.refusal if self.facts else ""

    @property
    def note(self) -> str:
        return self.model.note or self.refusal

    @property
    def why(self) -> str:
        return self.model.entry.why if self.model.entry else ""


def list_all(shelf: Shelf, *, as_json: bool) -> None:
    """Print them, in words or as JSON."""
    from studio.services.describe_model import file_facts, pace_of, room_for
    from studio.services.model_shelf import model_in_use, models_on
    from studio.settings import load_settings

    settings = load_settings(shelf.workspace.settings_file)
    context = settings.model.context_tokens
    found = [
        (one, file_facts(one.path, context) if one.path else None) for one in models_on(shelf, model_in_use(shelf))
    ]
    speed, log = _speed(shelf, settings, found), _log(shelf)
    rows = [
        _Row(one, facts, room_for(one, facts), pace_of(shelf.workspace, log, one, facts, speed)) for one, facts in found
    ]
    if as_json:
        print_json([_as_json(row, settings) for row in rows])
        return
    for row in rows:
        _say(row)


def _as_json(row: _Row, settings: Settings) -> dict[str, object]:
    from studio.services.describe_model import night_in_words
    from studio.training.architectures import TRAINED

    model, room, pace = row.model, row.room, row.pace
    return {
        "name": model.name,
        "state": model.place.value,
        "in_use": model.in_use,
        "path": str(model.path) if model.path else None,
        "bytes": model.bytes,
        "pulled_bytes": model.done,
        "architecture": row.architecture,
        "trainable": row.architecture in TRAINED,
        "context": row.context,
        "licence": row.licence,
        "program": model.program,
        "fit": room.fit.value if room.fit else None,
        "memory": room.words,
        "expected_tokens_s": pace.expected,
        "measured_tokens_s": pace.measured,
        "speed": pace.words,
        "night_memory": night_in_words(row.facts, settings.night),
        "note": row.note,
        "why": row.why,
    }


def _say(row: _Row) -> None:
    from studio.domain.sizes import size_text

    model = row.model
    state = f"partly pulled, {100 * model.done // max(1, model.bytes)}%" if model.done else model.place.value
    state = f"{state}: {model.program}" if model.program else state
    if row.refusal:
        fit = "cannot be used"
    elif row.room.fit:
        fit = row.room.fit.value
    else:
        fit = "in use" if model.in_use else ""
    about = " · ".join(filter(None, (size_text(model.bytes), row.licence, state, fit, row.pace.short)))
    say(f"{'*' if model.in_use else ' '} {one_line(model.name, 36):36} {one_line(about, 120)}")
    say(f"    {one_line(row.note or row.why or row.room.words, 180)}")


def _speed(
    shelf: Shelf, settings: Settings, models: Sequence[tuple[ShelfModel, FileFacts | None]]
) -> MachineSpeed | None:
    """What was measured of this machine, measured now where that is lacking."""
    from studio.services.describe_model import work_of
    from studio.services.expected_speed import known_speed, lacking, measure_speed

    speed = known_speed(shelf.workspace, settings.model)
    wanted = lacking([work_of(model, facts) for model, facts in models], speed)
    if not wanted or not settings.model.measure_speed:
        return speed
    say("Measuring once how fast this machine decodes.", err=True)
    found = asyncio.run(interruptible(lambda: measure_speed(shelf.workspace, settings.model, wanted, speed)))
    if found is speed:
        say("Other programs keep the cores busy: some speeds are not told.", err=True)
    return found


def _log(shelf: Shelf) -> DuckDbLog | None:
    from studio.storage import DuckDbLog

    workspace = shelf.workspace
    return DuckDbLog.of(workspace) if workspace.log_file.is_file() else None
