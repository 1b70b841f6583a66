"""What `studio models list` prints of every model, with the one measurement of the machine that it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.cli.frame import interruptible, one_line, print_json
from studio.cli.say import say

if TYPE_CHECKING:
    from studio.domain.speed import MachineSpeed
    from studio.services.describe_model import FileFacts
    from studio.services.model_shelf import Shelf, ShelfModel
    from studio.settings import Settings
    from studio.storage import DuckDbLog


def list_all(shelf: Shelf, *, as_json: bool) -> None:
    """Print them, in words or as JSON."""
    from studio.domain.sizes import size_text
    from studio.services.describe_model import file_facts, night_in_words, pace_of, room_for
    from studio.services.model_shelf import model_in_use, models_on
    from studio.settings import load_settings
    from studio.training.architectures import TRAINED

    settings = load_settings(shelf.workspace.settings_file)
    context = settings.model.context_tokens
    found = [
        (one, file_facts(one.path, context) if one.path else None) for one in models_on(shelf, model_in_use(shelf))
    ]
    speed, log = _speed(shelf, settings, found), _log(shelf)
    rows = [
        (one, facts, room_for(one, facts), pace_of(shelf.workspace, log, one, facts, speed)) for one, facts in found
    ]
    if as_json:
        print_json(
            [
                {
                    "name": model.name,
                    "state": model.place.value,
                    "in_use": model.in_use,
                    "path": str(model.path) if model.path else None,
                    "bytes": model.bytes,
                    "pulled_bytes": model.done,
                    "architecture": facts.architecture if facts else model.entry.architecture if model.entry else "",
                    "trainable": (facts.architecture if facts else model.entry.architecture if model.entry else "")
                    in TRAINED,
                    "context": facts.context if facts else model.entry.context if model.entry else 0,
                    "licence": _licence(model, facts.licence if facts else ""),
                    "program": model.program,
                    "fit": room.fit.value if room.fit else None,
                    "memory": room.words,
                    "expected_tokens_s": pace.expected,
                    "measured_tokens_s": pace.measured,
                    "speed": pace.words,
                    "night_memory": night_in_words(facts, settings.night),
                    "note": model.note or (facts.refusal if facts else ""),
                    "why": model.entry.why if model.entry else "",
                }
                for model, facts, room, pace in rows
            ]
        )
        return
    for model, facts, room, pace in rows:
        mark = "*" if model.in_use else " "
        state = f"partly pulled, {100 * model.done // max(1, model.bytes)}%" if model.done else model.place.value
        state = f"{state}: {model.program}" if model.program else state
        unfit = "cannot be used" if facts and facts.refusal else ""
        fit = unfit or (room.fit.value if room.fit else "in use" if model.in_use else "")
        about = [
            size_text(model.bytes),
            _licence(model, facts.licence if facts else ""),
            state,
            fit,
            pace.short,
        ]
        say(f"{mark} {one_line(model.name, 36):36} {one_line(' · '.join(filter(None, about)), 120)}")
        told = model.note or (facts.refusal if facts else "") or (model.entry.why if model.entry else room.words)
        say(f"    {one_line(told, 180)}")


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
    return DuckDbLog(workspace.log_file, workspace.backups) if workspace.log_file.is_file() else None


def _licence(model: ShelfModel, in_header: str) -> str:
    recorded = model.record.licence if model.record else ""
    return (model.entry.licence if model.entry else "") or recorded or in_header
