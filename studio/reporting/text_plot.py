"""A plot in characters, for terminals: one letter an arm, bars for the intervals. The figures are in the tables."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from rich.cells import cell_len

from studio.reporting.report import PERCENT, LinePlot
from studio.reporting.terminal_text import printable

_LEFT = 5
"""Columns for the numbers at the y axis."""


def text_plot(plot: LinePlot, *, width: int = 72, height: int = 13) -> str:
    """The curves within `width` columns and `height` rows, below their title, above their legend.

    Arms stand a column apart where they share a place, so that none hides another.
    """
    low, high = _bounds(plot)
    places = sorted({at for series in plot.series for at in series.at})
    across = max(1, width - _LEFT - 2 - len(plot.series))
    grid = [[" "] * (across + len(plot.series) + 1) for _ in range(height)]

    def row(value: float) -> int:
        share = (min(max(value, low), high) - low) / (high - low)
        return height - 1 - round(share * (height - 1))

    def column(at: float) -> int:
        return round((at - places[0]) / (places[-1] - places[0]) * across) if len(places) > 1 else across // 2

    for number, series in enumerate(plot.series):
        for at, estimate in zip(series.at, series.values, strict=True):
            if estimate.mean is None:
                continue
            x = column(at) + number
            if estimate.low is not None and estimate.high is not None:
                for y in range(row(PERCENT * estimate.high), row(PERCENT * estimate.low) + 1):
                    grid[y][x] = "|"
            grid[row(PERCENT * estimate.mean)][x] = _letter(number)
    body = [_y_label(y, height, low, high) + "".join(cells).rstrip() for y, cells in enumerate(grid)]
    axis = " " * _LEFT + "+" + "-" * len(grid[0])
    legend = "  ".join(f"{_letter(number)} {printable(series.name)}" for number, series in enumerate(plot.series))
    ends = _ends(plot, places, len(grid[0]))
    return "\n".join([printable(plot.title), *body, axis, ends, legend, f"| 95% interval; {plot.y_label}"])


def _bounds(plot: LinePlot) -> tuple[float, float]:
    if plot.bounds is not None:
        return plot.bounds
    known = [PERCENT * v for s in plot.series for e in s.values for v in (e.mean, e.low, e.high) if v is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return (low, high) if high > low else (low - 1, high + 1)


def _letter(number: int) -> str:
    return ascii_uppercase[number % len(ascii_uppercase)]


def _y_label(y: int, height: int, low: float, high: float) -> str:
    labelled = y in (0, height // 2, height - 1)
    value = high - (high - low) * y / (height - 1)
    return f"{value:{_LEFT - 1}.0f} |" if labelled else " " * _LEFT + "|"


def _ends(plot: LinePlot, places: Sequence[float], width: int) -> str:
    """The first and the last place of the x axis, and what it is between them."""
    if not places:
        return ""
    first, last = (plot.ticks[int(at)] if plot.ticks else f"{at:g}" for at in (places[0], places[-1]))
    if len(places) == 1:
        first, last = "", first
    space = width - cell_len(first) - cell_len(last)
    return " " * (_LEFT + 1) + first + plot.x_label[: max(0, space - 2)].center(max(1, space)) + last
