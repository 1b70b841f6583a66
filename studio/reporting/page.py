"""A report as one self-contained HTML page: no network, no script; whatever a person wrote is escaped."""

from __future__ import annotations

from importlib import resources

from studio.reporting.plots import svg
from studio.reporting.report import Report
from studio.reporting.terminal_text import printable


def html(report: Report) -> str:
    """The whole page, plots as SVG within it, each beside its tables."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["printable"] = printable
    # Only what matplotlib drew goes in as it is; it escapes the names it is given.
    environment.filters["drawn"] = lambda plot: Markup(svg(plot))  # noqa: S704
    template = resources.files("studio.reporting").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(report=report)
