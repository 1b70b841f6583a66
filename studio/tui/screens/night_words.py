"""Nights and adapters in words: what the Nights screen says about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.domain.nights import Adapter, Night, NightProgress, NightState
from studio.domain.sizes import size_text

NO_NIGHT = (
    "No night has run yet. A night trains an adapter on your corrections, tests it, and keeps it only if it is better."
)
START = "Press n to start one; you can go on asking meanwhile, and even close the studio."
INTERRUPTED = (
    "Its process has ended without a word. Press n to take it up again from its last checkpoint, or x to give it up."
)
TOO_FEW = "There is nothing to train on yet: correct an answer in Chat (F2) first."

STATES: Mapping[NightState, str] = {
    NightState.PREPARING: "getting the examples ready",
    NightState.TRAINING: "training",
    NightState.EVALUATING: "testing the adapter",
    NightState.PROMOTED: "promoted",
    NightState.KEPT: "not promoted",
    NightState.CANCELLED: "cancelled",
    NightState.FAILED: "failed",
}

VERDICTS: Mapping[NightState, str] = {
    NightState.PROMOTED: "The new adapter answers from now on.",
    NightState.KEPT: "The new adapter was not better; what was in use stays.",
    NightState.CANCELLED: "What was in use stays.",
    NightState.FAILED: "What was in use stays.",
}


def duration(seconds: float) -> str:
    """Seconds for people: '40 s', '3 min 20 s', '1 h 5 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def headline(progress: NightProgress, *, gives_way: bool) -> str:
    """Where the night is, in one line; `gives_way` where it stands still because the user is being answered."""
    if progress.state.is_over:
        return f"Last night: {STATES[progress.state]}. {VERDICTS[progress.state]}"
    unit = "answer" if progress.state is NightState.EVALUATING else "step"
    steps = f", {unit} {progress.step} of {progress.steps}" if progress.steps else ""
    if progress.paused:
        return f"The night is paused{steps}."
    if gives_way:
        return f"The night stands still while you are being answered{steps}."
    return f"The night is {STATES[progress.state]}{steps}."


def figures(progress: NightProgress) -> str:
    """Loss, time, memory and speed, as far as they are known."""
    parts = []
    if progress.loss is not None:
        start = f" (began at {progress.losses[0]:.2f})" if progress.losses else ""
        parts.append(f"loss {progress.loss:.2f}{start}")
    if progress.elapsed_s:
        parts.append(f"{duration(progress.elapsed_s)} {'of training' if progress.state.is_over else 'so far'}")
    if progress.eta_s is not None and not progress.state.is_over:
        parts.append(f"about {duration(progress.eta_s)} left")
    if progress.rss_bytes:
        parts.append(f"{size_text(progress.rss_bytes)} of memory")
    if progress.tokens_per_s:
        parts.append(f"{progress.tokens_per_s:,.0f} tokens/s")
    return " · ".join(parts)


def verdict_of(night: Night) -> str:
    """What came of a night, and why where that is known."""
    return night.reason or VERDICTS.get(night.state, f"It is {STATES[night.state]}.")


def minutes_of(night: Night) -> str:
    if night.finished_at is None:
        return "-"
    return f"{(night.finished_at - night.started_at).total_seconds() / 60:.1f}"


def version_before(adapters: Sequence[Adapter], nights: Sequence[Night]) -> Adapter | None:
    """The newest adapter older than the one in use that its night did not refuse; None where there is none."""
    in_use = next((adapter.version for adapter in adapters if adapter.active), 0)
    refused = {night.adapter_id for night in nights if night.state is NightState.KEPT}
    older = [one for one in adapters if one.version < in_use and not one.removed and one.id not in refused]
    return max(older, key=lambda adapter: adapter.version, default=None)
