"""A `studio bench --json` result as a report: every measure with interval and n, arm against arm, gain and overhead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio.domain.measures import Estimate
from studio.domain.plural import plural
from studio.errors import UsageError
from studio.reporting.figures import (
    COSTS,
    EFFICIENCY,
    GAINS,
    HELD,
    SHARES,
    SIDE_EFFECTS,
    Arms,
    cell,
    difference_cell,
    is_measured,
    label,
    units,
)
from studio.reporting.pareto import beaten_by, measured_costs, pareto_table
from studio.reporting.report import LinePlot, Report, ScatterPlot, Section, Series, Spot
from studio.reporting.tables import Table

BASELINE = "frozen"
_COMPARED = ("score", "reliability", "rephrase", "locality", "portability", "transfer", "induction", "retention")
_CURVES = ("gain", "reliability", "rephrase", "locality", "transfer", "retention")
_CELLS = ("neither", "prompt", "weights", "both")


def bench_tables(result: Mapping[str, Any]) -> str:
    """Everything in a bench result that a person compares arms by, table by table."""
    return bench_report(result).text()


def bench_report(result: Mapping[str, Any]) -> Report:
    """Raises UsageError where `result` is not what `studio bench --json` writes; older results lack some sections."""
    try:
        arms = {arm: _estimates(measures) for arm, measures in result["arms"].items()}
        sections = [
            *_measures(arms),
            *_comparisons(result.get("differences", [])),
            *(_two_by_two(table) for table in result.get("two_by_two", [])),
            _overhead(arms, result.get("max_tokens")),
            *_curve(result["curve"]),
            _nights(result),
        ]
        return Report(
            f"{result['scenario']}, {result['model']}, {plural(result['orders'], 'order')}", _lead(result), sections
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"This is no result of studio bench ({type(error).__name__}: {error}).", "Write one with --json FILE."
        ) from error


def _lead(result: Mapping[str, Any]) -> list[str]:
    lead = []
    if size := result.get("size"):
        made = f"{plural(size['corrections'], 'correction')} in {plural(size['days'], 'day')}"
        rules = f", {size['induction']} unseen instances of {plural(size['rules'], 'rule')}" if size["rules"] else ""
        lead.append(f"{made}, {size['general']} general probes{rules}.")
    if (reset := result.get("reset")) and reset["arms"]:
        lead.append(
            f"Reset check: with nothing learnt, {', '.join(reset['arms'])} answered all"
            f" {reset['questions']} questions exactly as {BASELINE}; gains are over the same arm reset."
        )
    return lead


def _measures(arms: Arms) -> list[Section]:
    by_n = "95% bootstrap intervals over n units: corrections; rules for induction; general probes for retention."
    return [
        Section("Right answers", tables=[arms_table(arms, SHARES, "Percent right by free generation", by_n)]),
        Section(
            "Gain and efficiency",
            _open_questions(arms),
            tables=[
                arms_table(arms, (*GAINS, *EFFICIENCY), "Points gained over the same arm reset", _GAIN_NOTE),
                arms_table(arms, SIDE_EFFECTS, "Side effects, percent", _SIDE_NOTE),
            ],
        ),
    ]


_GAIN_NOTE = (
    "Normalised: of what there was to gain. Same day: before the first night; overnight: what that night added. "
    "Area: mean gain along the curve. Until right: corrections made before a probe stays right, of those that come to; "
    "stays right: their share."
)
_SIDE_NOTE = (
    "Stale: superseded answers still given. Divergence: how far the words of what must not change are from "
    "frozen's. Commonest answer: the one given most often where it does not belong. False retrieval: a lesson given "
    "to a general prompt."
)


def arms_table(arms: Arms, measures: Sequence[str], title: str = "", note: str = "") -> Table:
    """Measures down, arms across: the mean with its 95% interval, shares in percent; n counts independent units.

    A measure that no arm has is left out.
    """
    shown = [name for name in measures if any(is_measured(arm, name) for arm in arms.values())]
    rows = [
        [
            label(name),
            *(cell(name, arm.get(name)) for arm in arms.values()),
            units([a.get(name) for a in arms.values()]),
        ]
        for name in shown
    ]
    return Table(title, ["", *arms, "n"], rows, note=note if rows else "Nothing was measured.")


def _open_questions(arms: Arms) -> list[str]:
    unsure = {
        a: f["gain"] for a, f in arms.items() if a != BASELINE and is_measured(f, "gain") and f["gain"].is_inconclusive
    }
    spanning = [arm for arm, gain in unsure.items() if gain.low is not None]
    few = [arm for arm, gain in unsure.items() if gain.low is None]
    sentences = []
    if spanning:
        sentences.append(f"Inconclusive, the gain's interval spans zero: {', '.join(spanning)}.")
    if few:
        sentences.append(f"Inconclusive, too few corrections for an interval: {', '.join(few)}.")
    return sentences


def _comparisons(differences: Sequence[Mapping[str, Any]]) -> list[Section]:
    if not differences:
        return []
    pair = ("arm", "against")
    measured = [_estimates({name: one[name] for name in one if name not in pair}) for one in differences]
    shown = [name for name in _COMPARED if any(is_measured(figures, name) for figures in measured)]
    rows = [
        [f"{one['arm']} - {one['against']}", *(difference_cell(name, figures.get(name)) for name in shown)]
        for one, figures in zip(differences, measured, strict=True)
    ]
    rows.append(["n", *(units([figures.get(name) for figures in measured]) for name in shown)])
    note = "Points, paired per probe. ? inconclusive: the interval spans zero, or there are too few units for one."
    return [Section("Arm against arm", tables=[Table("Differences between arms", ["", *shown], rows, note=note)])]


def _two_by_two(table: Mapping[str, Any]) -> Section:
    arms = table["arms"]
    rows = []
    for name, cells in table["measures"].items():
        figures = _estimates(cells)
        shown = [cell(name, figures[key]) for key in _CELLS]
        rows.append([label(name), *shown, difference_cell(name, figures["interaction"]), units(list(figures.values()))])
    header = ["", *(f"{key}: {arms[key]}" for key in _CELLS), "interaction", "n"]
    note = (
        "Percent; score is the mean r. Interaction: both - prompt - weights + neither, paired; below zero, prompt and "
        "weights know partly the same; ? inconclusive."
    )
    title = f"Prompt ({table['memory']}) and weights (adapter {table['adapter']}), alone and together"
    return Section("Weights and prompt, two by two", tables=[Table(title, header, rows, note=note)])


def _overhead(arms: Arms, max_tokens: int | None) -> Section:
    costs = measured_costs(arms) or COSTS
    beaten = beaten_by(arms, costs)
    plots = [
        ScatterPlot(
            f"pareto-{cost.replace('_', '-')}",
            f"Gain against {label(cost)}",
            label(cost),
            "gain, points",
            [
                Spot(arm, figures[cost], figures["gain"], None if beaten[arm] is None else not beaten[arm])
                for arm, figures in arms.items()
                if is_measured(figures, cost) and is_measured(figures, "gain")
            ],
        )
        for cost in ("prompt_tokens", "latency_s")
        if any(is_measured(figures, cost) for figures in arms.values())
    ]
    cut = f" Cut: still going on after {max_tokens} tokens." if max_tokens else ""
    note = f"n: corrections and general probes, the questions timed, or orders.{cut}"
    tables = [
        arms_table(arms, (*COSTS, "cut", *HELD), "Per answer, and held", note),
        pareto_table(arms, costs),
    ]
    return Section("Overhead", plots=plots, tables=tables)


def _curve(points: Sequence[Mapping[str, Any]]) -> list[Section]:
    if not points:
        return []
    by_point = [{arm: _estimates(measures) for arm, measures in point["arms"].items()} for point in points]
    arms = list(dict.fromkeys(arm for point in by_point for arm in point))
    tables, plots = [], []
    for name in _CURVES:
        rows = [
            [f"{point['day']}", f"{point['corrections']}"]
            + [cell(name, measured.get(arm, {}).get(name)) for arm in arms]
            + [units([measured.get(arm, {}).get(name) for arm in arms])]
            for point, measured in zip(points, by_point, strict=True)
        ]
        series = [_series(arm, name, points, by_point) for arm in arms]
        if not any(one.at for one in series):
            continue
        tables.append(Table(f"{label(name).capitalize()} by day", ["day", "corrections", *arms, "n"], rows, left=()))
        title = f"{label(name).capitalize()} by corrections made"
        unit, bounds = ("points over frozen", None) if name == "gain" else ("percent", (0.0, 100.0))
        plots.append(LinePlot(f"curve-{name}", title, "corrections made", unit, series, bounds=bounds))
    return [Section("Learning curves", plots=plots, tables=tables)]


def _series(
    arm: str, name: str, points: Sequence[Mapping[str, Any]], by_point: Sequence[Mapping[str, Mapping[str, Estimate]]]
) -> Series:
    known = [
        (float(point["corrections"]), measured[arm][name])
        for point, measured in zip(points, by_point, strict=True)
        if is_measured(measured.get(arm, {}), name)
    ]
    return Series(arm, [at for at, _ in known], [estimate for _, estimate in known])


def _nights(result: Mapping[str, Any]) -> Section:
    night = result["night"]
    if not night:
        return Section("Nights", ["No night."])
    nights = result.get("nights", [])
    several = result["orders"] > 1
    peak = f", {night['peak_rss_mb']:.0f} MB at most" if night["peak_rss_mb"] is not None else ""
    over = f" over {result['orders']} orders" if several else ""
    # Of several orders the last night of one says nothing of the others.
    reason = "" if several and nights else f" {night['reason']}"
    sentence = f"Nights: {night['minutes']:.1f} minutes{over}{peak}.{reason}"
    rows = [
        [
            f"{one.get('order', 0) + 1}",
            str(one.get("day") or number),
            f"{one['minutes']:.1f}",
            "-" if one["peak_rss_mb"] is None else f"{one['peak_rss_mb']:.0f}",
            "promoted" if one["promoted"] else "kept",
            str(one["reason"]),
        ]
        for number, one in enumerate(nights, 1)
    ]
    tables = (
        [Table("Night by night", ["order", "day", "minutes", "peak MB", "gate", "reason"], rows, left=(4, 5))]
        if rows
        else []
    )
    return Section("Nights", [sentence], tables=tables)


def _estimates(measures: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate(**figure) for name, figure in measures.items()}
