"""One question through time: what was answered before its correction, after it, with each night's adapter, and now.

A station begins with something that was learnt: a correction of this question, or an adapter. Answers are those in the
log; where an arm was not asked at a station, `answer_at` tells what it would say with the adapter of that station. What
memory held then cannot be had again: lessons are edited, retired and embedded anew. So before its first correction a
question is asked without memory, and from then on with today's, and whoever shows the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from studio.domain.arms import NO_ADAPTER, ArmRecipe, Memory
from studio.domain.generation import FinishReason, Priority
from studio.domain.identity import utc_now
from studio.domain.log import Answer, Correction, Given
from studio.domain.nights import Adapter, NightState
from studio.errors import StudioError, UsageError
from studio.evaluation.checks import judge
from studio.services.ask_many import Ask, ask_many
from studio.services.record_correction import same_question
from studio.services.studio import Studio, off_loop


class StationKind(StrEnum):
    BEFORE = "before"
    CORRECTION = "correction"
    ADAPTER = "adapter"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Said:
    """What an arm answered. `ok` None where no correction of the question is in force; `kept`: it is in the log."""

    arm: str
    text: str
    at: datetime
    ok: bool | None
    given: Given
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Station:
    """From `at` on, until the next. `corrections`: those of any question that were in force; `own`: made of this one.

    `in_use` is the version of the adapter that answered then, `adapter` the one that came with this station, and can be
    asked whether or not it was promoted. `answers` by arm, the last of each.
    """

    kind: StationKind
    at: datetime
    label: str
    corrections: int = 0
    own: int = 0
    in_use: int | None = None
    adapter: Adapter | None = None
    correction: Correction | None = None
    answers: Mapping[str, Said] = field(default_factory=dict)


async def timeline(studio: Studio, prompt: str) -> list[Station]:
    """Oldest first. Raises UsageError where the question was never answered."""
    try:
        model = (await studio.model()).sha256
    except StudioError:
        model = ""  # without a model there are no adapters to speak of, but what was said is in the log

    def read() -> list[Station]:
        answers = [a for a in studio.log.answers.to_prompt(prompt) if a.finish_reason is not FinishReason.FAILED]
        corrections = [c for c in studio.log.corrections.all() if not c.undone]
        own = [c for c in corrections if same_question(c.prompt, prompt)]
        if not answers and not own:
            raise UsageError("This question has no past yet.", "Ask it first; every answer to it is kept.")
        began = min([*(a.created_at for a in answers), *(c.created_at for c in own)])
        adapters = studio.log.adapters.all(model)
        states = {night.id: night.state for night in studio.log.nights.all()}
        later = [_of_correction(correction) for correction in own]
        later += [_of_adapter(adapter, states.get(adapter.night_id)) for adapter in adapters]
        later.sort(key=lambda station: station.at)
        uses = _uses(adapters, studio.log.adapters.activations(model))
        ends = [*(station.at for station in later), None]
        stations = [
            _in_force(station, end, corrections, own, uses)
            for station, end in zip([Station(StationKind.BEFORE, began, "before"), *later], ends, strict=True)
        ]
        if uses and uses[-1][1] != stations[-1].in_use:
            since, version = uses[-1]
            now = replace(stations[-1], kind=StationKind.NOW, at=since, label="now", in_use=version)
            stations.append(replace(now, adapter=None, correction=None))
        stations = _numbered(stations)
        held = next((c for c in reversed(own) if c.in_force), None)
        return _with_answers(stations, answers, own, held)

    return await off_loop(read)


def recipe_at(station: Station, recipe: ArmRecipe) -> ArmRecipe:
    """The arm as it can be asked for this station."""
    memory = recipe.memory if station.own else Memory.NONE
    adapter = recipe.adapter
    if recipe.uses_adapter:
        version = station.adapter.version if station.adapter else station.in_use
        adapter = str(version) if version else NO_ADAPTER
    return replace(recipe, memory=memory, adapter=adapter, reader=recipe.reader and memory is Memory.LESSONS)


async def answer_at(studio: Studio, prompt: str, station: Station, recipe: ArmRecipe) -> Said:
    """What the arm says with this station's adapter. Not logged: it was not said then. Raises StudioError."""
    if station.adapter is not None and station.adapter.removed and recipe.uses_adapter:
        raise UsageError(f"Adapter v{station.adapter.version} was removed.", "It can no longer be asked.")
    (reply,) = await ask_many(studio, [Ask(prompt, recipe_at(station, recipe))], priority=Priority.INTERACTIVE)
    corrections = await off_loop(studio.log.corrections.in_force)
    checks = [c.check for c in corrections if same_question(c.prompt, prompt)]
    ok = judge(reply.text, checks[-1]).ok if checks else None
    return Said(recipe.name, reply.text, utc_now(), ok, reply.given, kept=False)


def _of_correction(correction: Correction) -> Station:
    return Station(StationKind.CORRECTION, correction.created_at, "after the correction", correction=correction)


def _numbered(stations: Sequence[Station]) -> list[Station]:
    """Of several corrections each says which it is."""
    several = sum(station.correction is not None for station in stations) > 1
    return [
        replace(station, label=f"after correction {station.own}") if several and station.correction else station
        for station in stations
    ]


def _of_adapter(adapter: Adapter, state: NightState | None) -> Station:
    fate = ", not promoted" if state is NightState.KEPT else ""
    return Station(StationKind.ADAPTER, adapter.created_at, f"night: v{adapter.version}{fate}", adapter=adapter)


_Uses = list[tuple[datetime, int | None]]


def _uses(adapters: Sequence[Adapter], activations: Sequence[tuple[datetime, str | None]]) -> _Uses:
    versions = {adapter.id: adapter.version for adapter in adapters}
    return [(at, versions.get(adapter or "")) for at, adapter in activations]


def _in_force(
    station: Station, end: datetime | None, corrections: Sequence[Correction], own: Sequence[Correction], uses: _Uses
) -> Station:
    """What held when this became the latest station; an adapter's own promotion, which follows it, included."""
    by_then = [version for at, version in uses if at <= station.at]
    in_use = by_then[-1] if by_then else None
    if station.adapter and any(version == station.adapter.version for at, version in uses if end is None or at < end):
        in_use = station.adapter.version
    if station.kind is StationKind.BEFORE:
        return replace(station, in_use=in_use)
    made = {c.id for c in corrections if c.created_at <= station.at}
    held = sum(c.id in made and c.superseded_by not in made for c in corrections)
    return replace(station, corrections=held, own=sum(c.id in made for c in own), in_use=in_use)


def _with_answers(
    stations: Sequence[Station], answers: Sequence[Answer], own: Sequence[Correction], held: Correction | None
) -> list[Station]:
    by_adapter = {station.adapter.id: at for at, station in enumerate(stations) if station.adapter is not None}
    corrected = {c.answer_id: c for c in own if c.answer_id}
    told: list[dict[str, Said]] = [{} for _ in stations]
    for answer in answers:
        before = corrected[answer.id].created_at if answer.id in corrected else answer.created_at
        at = max(index for index, station in enumerate(stations) if index == 0 or station.at < before)
        if stations[at].in_use != answer.given.adapter_version:
            at = by_adapter.get(answer.given.adapter_id or "", at)
        ok = judge(answer.text, held.check).ok if held else None
        told[at][answer.arm] = Said(answer.arm, answer.text, answer.created_at, ok, answer.given)
    return [replace(station, answers=said) for station, said in zip(stations, told, strict=True)]
