"""Measured figures in words: shares in percent, costs in their unit, each with its interval and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.domain.measures import Estimate

ArmFigures = Mapping[str, Estimate]
Arms = Mapping[str, ArmFigures]

SHARES = ("reliability", "rephrase", "locality", "portability", "transfer", "induction", "retention")
COSTS = ("prompt_tokens", "ttft_s", "latency_s")
HELD = ("night_minutes", "night_peak_mb", "disk_mb")
GAINS = ("gain", "normalised_gain", "same_day_gain", "next_day_gain", "overnight_gain")
EFFICIENCY = ("gain_per_correction", "area_under_curve", "corrections_until_right", "stays_right")
SIDE_EFFECTS = ("newly_right", "stale_rate", "divergence", "commonest_answer", "lesson_found", "false_retrieval")

# Factor and number format of what is not a share in whole percent.
_FORMS = {
    "prompt_tokens": (1, ".0f"),
    "ttft_s": (1, ".2f"),
    "latency_s": (1, ".2f"),
    "night_minutes": (1, ".1f"),
    "night_peak_mb": (1, ".0f"),
    "disk_mb": (1, ".1f"),
    "corrections_until_right": (1, ".1f"),
    "gain_per_correction": (100, ".1f"),
}
_LABELS = {
    "prompt_tokens": "prompt tokens",
    "ttft_s": "first token s",
    "latency_s": "latency s",
    "night_minutes": "night minutes",
    "night_peak_mb": "night peak MB",
    "disk_mb": "disk MB",
    "stale_rate": "stale rate",
    "newly_right": "newly right",
    "lesson_found": "right lesson given",
    "false_retrieval": "false retrieval",
    "normalised_gain": "normalised gain",
    "commonest_answer": "commonest answer",
    "same_day_gain": "same-day gain",
    "next_day_gain": "next-day gain",
    "overnight_gain": "overnight gain",
    "gain_per_correction": "gain/correction",
    "area_under_curve": "area under curve",
    "corrections_until_right": "until right",
    "stays_right": "stays right",
    "cut": "cut %",
}


def label(measure: str) -> str:
    """A measure's name as it is printed."""
    return _LABELS.get(measure, measure)


def scaled(measure: str, value: float) -> float:
    """A value in the unit in which it is shown: percent for shares."""
    return _FORMS.get(measure, (100, ""))[0] * value


def figure(measure: str, value: float, *, signed: bool = False) -> str:
    """One number; a difference with its sign."""
    form = _FORMS.get(measure, (100, ".0f"))[1]
    text = f"{scaled(measure, value):{'+' if signed else ''}{form}}"
    return "0" if text in ("-0", "+0") else text


def cell(measure: str, estimate: Estimate | None) -> str:
    """The mean with its interval, '-' where nothing was measured."""
    if estimate is None or estimate.mean is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return figure(measure, estimate.mean)
    return f"{figure(measure, estimate.mean)} [{figure(measure, estimate.low)}, {figure(measure, estimate.high)}]"


def difference_cell(measure: str, estimate: Estimate | None) -> str:
    """A difference with its interval and its verdict: '?' where it is inconclusive."""
    if estimate is None or estimate.mean is None:
        return "-"
    mean, low, high = estimate.mean, estimate.low, estimate.high
    if low is None or high is None:
        return f"{figure(measure, mean, signed=True)} ?"
    span = f"[{figure(measure, low)}, {figure(measure, high)}]"
    return f"{figure(measure, mean, signed=True)} {span}{' ?' if estimate.is_inconclusive else ''}"


def units(estimates: Sequence[Estimate | None]) -> str:
    """The n of several figures: one number, or the range."""
    counts = sorted({estimate.n for estimate in estimates if estimate is not None and estimate.mean is not None})
    if not counts:
        return "-"
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"


def is_measured(arm: ArmFigures, measure: str) -> bool:
    return measure in arm and arm[measure].mean is not None
