"""What a report holds, however it is shown: sections of text, tables and plots. Every plot has its table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.domain.measures import Estimate
from studio.reporting.tables import Table, wrapped
from studio.reporting.terminal_text import printable

PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Series:
    """One arm's points, left to right; `at` on the x axis."""

    name: str
    at: Sequence[float]
    values: Sequence[Estimate]


@dataclass(frozen=True, slots=True)
class LinePlot:
    """Curves with their intervals. Values are shares, drawn times PERCENT; `bounds` are of what is drawn."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    ticks: Sequence[str] = ()
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """One arm in a plane; `on_front` None where it could not be placed."""

    name: str
    x: Estimate
    y: Estimate
    on_front: bool | None


@dataclass(frozen=True, slots=True)
class ScatterPlot:
    """Arms by gain and cost, with the intervals of both. What is up is a share, drawn times PERCENT."""

    name: str
    title: str
    x_label: str
    y_label: str
    spots: Sequence[Spot]


Plot = LinePlot | ScatterPlot


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    paragraphs: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    lead: Sequence[str]
    sections: Sequence[Section]

    @property
    def plots(self) -> list[Plot]:
        return [plot for section in self.sections for plot in section.plots]

    def text(self, width: int | None = None) -> str:
        """Everything but the plots, for a terminal or a file; where a `width` is given, no line should be wider."""
        parts = ["\n".join((self.title, *(wrapped(words, width) for words in self.lead)))]
        for section in self.sections:
            parts.append(f"== {section.heading} ==")
            parts += [wrapped(words, width) for words in section.paragraphs]
            parts += [table.text(width) for table in section.tables]
        return "\n\n".join(printable(part) for part in parts)
