"""Plain-text tables: aligned by terminal cells, ASCII rules, no colour, readable by screen readers and in files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from studio.domain.measures import Estimate
from studio.reporting.terminal_text import printable

Arms = Mapping[str, Mapping[str, Estimate]]

SHARES = ("reliability", "rephrase", "locality", "portability", "transfer", "retention")
COSTS = ("prompt_tokens", "ttft_s", "latency_s")
GAINS = ("gain", "normalised_gain", "same_day_gain", "next_day_gain", "gain_per_correction", "area_under_curve")
SIDE_EFFECTS = ("corrections_until_right", "newly_right", "stale_rate", "commonest_answer")

# Factor and number format of what is not a share in whole percent.
_FORMS = {
    "prompt_tokens": (1, ".0f"),
    "ttft_s": (1, ".2f"),
    "latency_s": (1, ".2f"),
    "corrections_until_right": (1, ".1f"),
    "gain_per_correction": (100, ".1f"),
}
_LABELS = {
    "prompt_tokens": "prompt tokens",
    "ttft_s": "first token s",
    "latency_s": "latency s",
    "stale_rate": "stale rate",
    "newly_right": "newly right",
    "normalised_gain": "normalised gain",
    "commonest_answer": "commonest answer",
    "same_day_gain": "same-day gain",
    "next_day_gain": "next-day gain",
    "gain_per_correction": "gain/correction",
    "area_under_curve": "area under curve",
    "corrections_until_right": "until right",
}

_COLUMN_GAP = "  "


def plain_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """A header, a rule and the rows, aligned left but for the columns numbered in `right`.

    Widths are terminal cells, so that CJK and emoji align. Cells are made printable and put on one line.
    """
    table = [[" ".join(printable(cell).split()) for cell in row] for row in (header, *rows)]
    to_the_right = frozenset(right)
    widths = [max(cell_len(row[column]) for row in table) for column in range(len(header))]
    table.insert(1, ["-" * width for width in widths])
    return "\n".join(
        _COLUMN_GAP.join(
            _pad(cell, width, column in to_the_right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def arms_table(arms: Arms, measures: Sequence[str] = (*SHARES, *COSTS)) -> str:
    """Measures down, arms across: the mean with its 95% interval, shares in percent; n counts independent units.

    A measure that no arm has is left out. A difference from zero is for the reader to see: no interval, no claim.
    """
    shown = [name for name in measures if any(_measured(arm, name) for arm in arms.values())]
    rows = [
        [_LABELS.get(name, name), *(_cell(name, arm.get(name)) for arm in arms.values()), _units(arms, name)]
        for name in shown
    ]
    return plain_table(["", *arms, "n"], rows, right=range(1, len(arms) + 2))


def bench_tables(result: Mapping[str, Any]) -> str:
    """Everything in a `studio bench --json` result that a person compares arms by, table by table."""
    arms = {
        arm: {name: Estimate(**figure) for name, figure in measures.items()} for arm, measures in result["arms"].items()
    }
    parts = [
        f"{result['scenario']}, {result['model']}, {_count(result['orders'], 'order')}",
        "Percent right and cost per answer, with 95% intervals; n corrections (for retention, general probes).\n"
        + arms_table(arms),
        "Points gained over the frozen model, and side effects.\n" + arms_table(arms, (*GAINS, *SIDE_EFFECTS)),
        "Gain against overhead; * where no other arm is at least as good in everything.\n" + pareto_table(arms),
    ]
    if open_questions := [arm for arm, measures in arms.items() if _is_open(arm, measures)]:
        parts.append(f"Inconclusive, the gain's interval spans zero: {', '.join(open_questions)}.")
    if night := result["night"]:
        peak = f", {night['peak_rss_mb']:.0f} MB at most" if night["peak_rss_mb"] is not None else ""
        parts.append(f"Nights: {night['minutes']:.1f} minutes{peak}. {night['reason']}")
    else:
        parts.append("No night.")
    return "\n\n".join(printable(part) for part in parts)


def stages_table(stages: Mapping[str, Mapping[str, Sequence[bool | None]]]) -> str:
    """Stages across, arms down: how many questions each arm got right, of those that have a check.

    `stages` maps a stage's name ('before', 'after corrections', 'after the night') to verdicts by arm.
    """
    arms = list(dict.fromkeys(arm for verdicts in stages.values() for arm in verdicts))
    rows = [[arm, *(_right_of(verdicts.get(arm, ())) for verdicts in stages.values())] for arm in arms]
    return plain_table(["arm", *stages], rows, right=range(1, len(stages) + 1))


def pareto_table(arms: Arms, costs: Sequence[str] = COSTS) -> str:
    """Gain against overhead, cheapest prompt first. An arm is on the front (*) if no other is at least as good in
    everything and better in something; arms lacking a figure are not judged (?)."""
    figures = {arm: _objectives(measures, costs) for arm, measures in arms.items()}
    complete = {arm: values for arm, values in figures.items() if values is not None}

    def mark(arm: str) -> str:
        if arm not in complete:
            return "?"
        beaten = any(_dominates(other, complete[arm]) for name, other in complete.items() if name != arm)
        return "" if beaten else "*"

    ordered = sorted(arms, key=lambda arm: (arm not in complete, complete.get(arm, ())[1:]))
    rows = [[mark(arm), arm, *(_cell(name, arms[arm].get(name)) for name in ("gain", *costs))] for arm in ordered]
    header = ["front", "arm", *(_LABELS.get(name, name) for name in ("gain", *costs))]
    return plain_table(header, rows, right=range(2, len(header)))


def _objectives(measures: Mapping[str, Estimate], costs: Sequence[str]) -> tuple[float, ...] | None:
    """Loss of gain, then the costs: all the smaller the better."""
    means = [measures[name].mean if name in measures else None for name in ("gain", *costs)]
    known = [mean for mean in means if mean is not None]
    return (-known[0], *known[1:]) if len(known) == len(means) else None


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space


def _is_open(arm: str, measures: Mapping[str, Estimate]) -> bool:
    return arm != "frozen" and _measured(measures, "gain") and measures["gain"].is_inconclusive


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _measured(arm: Mapping[str, Estimate], name: str) -> bool:
    return name in arm and arm[name].mean is not None


def _cell(name: str, estimate: Estimate | None) -> str:
    if estimate is None or estimate.mean is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return _figure(name, estimate.mean)
    return f"{_figure(name, estimate.mean)} [{_figure(name, estimate.low)}, {_figure(name, estimate.high)}]"


def _figure(name: str, value: float) -> str:
    factor, form = _FORMS.get(name, (100, ".0f"))
    return f"{factor * value:{form}}"


def _units(arms: Arms, name: str) -> str:
    counts = sorted({arm[name].n for arm in arms.values() if _measured(arm, name)})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"


def _right_of(verdicts: Sequence[bool | None]) -> str:
    judged = [verdict for verdict in verdicts if verdict is not None]
    return f"{sum(judged)}/{len(judged)}" if judged else "-"
