"""Plots as SVG and PNG. The only importer of matplotlib; figures are drawn without its global state.

Lines differ by marker and dash as well as by colour (Okabe and Ito's palette), so that they can be told apart in print
and by the colour-blind.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from studio.domain.measures import Estimate
from studio.reporting.report import PERCENT, LinePlot, Plot, ScatterPlot
from studio.reporting.terminal_text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "osD^vPX"
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 2)))
_SIZE = (7.0, 4.0)  # inches
_DPI = 150


def svg(plot: Plot) -> str:
    """One plot as an <svg> element whose text stays text, fit to stand in a page."""
    with _style(plot.name):
        written = io.StringIO()
        _figure([plot]).savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    drawn = written.getvalue()
    # The XML and document type declarations have no place inside a page.
    return drawn[drawn.index("<svg") :].strip()


def svg_file(plot: Plot) -> str:
    """One plot as a file of its own."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + svg(plot) + "\n"


def png(plots: Sequence[Plot]) -> bytes:
    """One plot, or several below each other, as one image."""
    with _style("png"):
        written = io.BytesIO()
        _figure(plots).savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


@contextmanager
def _style(salt: str) -> Iterator[None]:
    import matplotlib as mpl

    chosen: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,  # the same plot is the same file, and two in one page share no id
        "text.parse_math": False,  # a user's arm may have dollars in its name
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(chosen), warnings.catch_warnings():
        # A character that its font lacks is drawn as a box; no reason to write to the terminal.
        warnings.simplefilter("ignore", UserWarning)
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        yield


def _figure(plots: Sequence[Plot]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_SIZE[0], _SIZE[1] * len(plots)), dpi=_DPI, layout="constrained")
    for number, plot in enumerate(plots, 1):
        axes = figure.add_subplot(len(plots), 1, number)
        if isinstance(plot, LinePlot):
            _draw_lines(axes, plot)
        else:
            _draw_spots(axes, plot)
        axes.set_title(_label(plot.title), loc="left")
        axes.set_xlabel(_label(plot.x_label))
        axes.set_ylabel(_label(plot.y_label))
        axes.grid(visible=True, alpha=0.3)
    return figure


def _draw_lines(axes: Axes, plot: LinePlot) -> None:
    # Points of arms at the same place would hide each other: each arm stands a little aside.
    places = sorted({at for series in plot.series for at in series.at})
    width = min((b - a for a, b in pairwise(places)), default=1.0)
    for number, series in enumerate(plot.series):
        aside = width * 0.03 * (number - (len(plot.series) - 1) / 2)
        means, errors = _with_errors(series.values, PERCENT)
        axes.errorbar(
            [at + aside for at in series.at],
            means,
            yerr=errors,
            label=_label(series.name),
            color=_COLOURS[number % len(_COLOURS)],
            marker=_MARKERS[number % len(_MARKERS)],
            linestyle=_DASHES[number % len(_DASHES)],
            markersize=4,
            linewidth=1.3,
            elinewidth=0.8,
            capsize=2,
        )
    if plot.bounds:
        margin = (plot.bounds[1] - plot.bounds[0]) * 0.03
        axes.set_ylim(plot.bounds[0] - margin, plot.bounds[1] + margin)
    if plot.ticks:
        axes.set_xticks(range(len(plot.ticks)), [_label(tick) for tick in plot.ticks])
    elif places and all(place.is_integer() for place in places):
        axes.set_xticks(places)
    if plot.series:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _draw_spots(axes: Axes, plot: ScatterPlot) -> None:
    axes.ticklabel_format(useOffset=False)
    for number, spot in enumerate(plot.spots):
        (x,), x_errors = _with_errors([spot.x], 1.0)
        (y,), y_errors = _with_errors([spot.y], PERCENT)
        colour = _COLOURS[number % len(_COLOURS)]
        axes.errorbar(
            [x],
            [y],
            xerr=x_errors,
            yerr=y_errors,
            color=colour,
            marker=_MARKERS[number % len(_MARKERS)],
            # Hollow: beaten by another arm, or not to be placed.
            markerfacecolor=colour if spot.on_front else "white",
            linestyle="none",
            markersize=7,
            elinewidth=0.8,
            capsize=2,
            label=_label(spot.name) + ("" if spot.on_front else " (dominated)" if spot.on_front is False else " (?)"),
        )
    if plot.spots:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _with_errors(estimates: Sequence[Estimate], scale: float) -> tuple[list[float], list[list[float]]]:
    """Means, and how far the interval reaches below and above each; nothing where there is none."""
    means = [scale * (estimate.mean or 0.0) for estimate in estimates]
    below = [mean - scale * e.low if e.low is not None else 0.0 for mean, e in zip(means, estimates, strict=True)]
    above = [scale * e.high - mean if e.high is not None else 0.0 for mean, e in zip(means, estimates, strict=True)]
    return means, [[max(0.0, value) for value in below], [max(0.0, value) for value in above]]


def _label(text: str) -> str:
    """One safe line; an underscore at its beginning would hide it from the legend."""
    line = re.sub(r"\s+", " ", printable(text)).strip()[:60]
    return f" {line}" if line.startswith("_") else line
