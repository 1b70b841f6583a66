"""What an arm's memory and adapter take besides the time of an answer: disk, and the nights that trained it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.domain.arms import ArmRecipe, Memory
from studio.domain.measures import Estimate
from studio.errors import AdapterError
from studio.evaluation.result import NightOutcome
from studio.services.adapters import adapter_file
from studio.services.reader import reader_of
from studio.services.studio import Studio, off_loop

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Holdings:
    """At the end of a run. Bytes on disk; `night_minutes` all nights together, `peak_rss_mb` the highest of them."""

    log_bytes: int = 0
    adapter_bytes: int = 0
    reader_bytes: int = 0
    night_minutes: float = 0.0
    peak_rss_mb: float | None = None


async def holdings(studio: Studio, nights: Sequence[NightOutcome]) -> Holdings:
    """What a studio holds now, and what its nights took."""
    peaks = [night.peak_rss_mb for night in nights if night.peak_rss_mb is not None]
    return Holdings(
        log_bytes=_size(studio.workspace.log_file),
        adapter_bytes=await _active_adapter_bytes(studio),
        reader_bytes=await _reader_bytes(studio),
        night_minutes=sum(night.minutes for night in nights),
        peak_rss_mb=max(peaks, default=None),
    )


async def _active_adapter_bytes(studio: Studio) -> int:
    facts = await studio.model()
    adapter = await off_loop(studio.log.adapters.active, facts.sha256)
    return _size(adapter_file(studio, adapter)) if adapter is not None else 0


async def _reader_bytes(studio: Studio) -> int:
    try:
        return _size((await reader_of(studio)).file)
    except AdapterError:  # there is none
        return 0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # nothing was ever written there
        return 0


def overhead(recipe: ArmRecipe, runs: Sequence[Holdings]) -> dict[str, Estimate]:
    """One arm's `disk_mb`, `night_minutes` and `night_peak_mb`, averaged over orders (the peak: the highest).

    An arm that remembers needs the log (corrections, lessons, vectors), one with an adapter the adapter's file and
    its nights, one with the reader the reader's file. n counts orders; so few get no interval.
    """
    disk = [
        (run.log_bytes if recipe.memory is not Memory.NONE else 0)
        + (run.adapter_bytes if recipe.uses_adapter else 0)
        + (run.reader_bytes if recipe.reader else 0)
        for run in runs
    ]
    trained = [run for run in runs if recipe.uses_adapter]
    peaks = [run.peak_rss_mb for run in trained if run.peak_rss_mb is not None]
    return {
        "disk_mb": _over_orders([size / _MB for size in disk], len(runs)),
        "night_minutes": _over_orders([run.night_minutes for run in trained], len(runs)),
        "night_peak_mb": Estimate(max(peaks, default=None), None, None, len(peaks)),
    }


def _over_orders(values: Sequence[float], orders: int) -> Estimate:
    return Estimate(sum(values) / orders if orders else None, None, None, orders)
