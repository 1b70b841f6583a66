"""How far a pull is, as values and in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from studio.domain.sizes import size_text


class Phase(StrEnum):
    """What a pull is doing, in words."""

    ASKING = "asking"
    PULLING = "pulling"
    WAITING = "interrupted, trying again"
    CHECKING = "checking"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """Bytes done of all, bytes a second, and seconds left; None where that is not known. `note` says what happened."""

    phase: Phase
    done: int = 0
    total: int = 0
    speed: float | None = None
    left_s: float | None = None
    note: str = ""


def progress_words(progress: PullProgress) -> str:
    """One line: how much of how much, how fast, how long still, and what happened."""
    if progress.phase is Phase.ASKING:
        return "asking the server…"
    parts = [progress.phase.value] if progress.phase is not Phase.PULLING else []
    if progress.total:
        share = 100 * progress.done // progress.total
        parts.append(f"{share}% of {size_text(progress.total)}")
    if progress.phase in (Phase.PULLING, Phase.WAITING):
        if progress.speed:
            parts.append(f"{progress.speed / 1e6:.1f} MB/s")
        if progress.left_s is not None:
            parts.append(f"{_time(progress.left_s)} left")
        parts.append(progress.note)
    return " · ".join(filter(None, parts))


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
