"""The page and the images: whole without a network or scripts, each plot beside its table, all text escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from studio.domain.measures import Estimate
from studio.reporting.page import html
from studio.reporting.plots import png, svg, svg_file
from studio.reporting.report import LinePlot, Report, ScatterPlot, Section, Series, Spot
from studio.reporting.tables import Table
from studio.reporting.text_plot import text_plot

HOSTILE = "</svg><script>alert(1)</script> & \x1b[31m{{ 7*7 }} $x_1$ \udc00 '\""


def lines(name: str = "curve", arm: str = HOSTILE) -> LinePlot:
    values = [Estimate(0.2, 0.1, 0.3, 9), Estimate(0.6, None, None, 3)]
    series = [Series(arm, [1.0, 2.0], values), Series("_x", [2.0], values[:1])]
    return LinePlot(name, HOSTILE, HOSTILE, "percent", series)


def spots() -> ScatterPlot:
    y = Estimate(0.4, 0.3, 0.5, 9)
    placed = [Spot("lora", Estimate(40.0, None, None, 2), y, True), Spot(HOSTILE, Estimate(250, 240, 260, 9), y, False)]
    return ScatterPlot("pareto", "Gain", "tokens", "points", [*placed, Spot("mine", y, y, None)])


def report() -> Report:
    table = Table(HOSTILE, ["arm", HOSTILE], [[HOSTILE, "1"]], note=HOSTILE)
    section = Section(HOSTILE, [HOSTILE], [lines(), spots()], [table, Table("None", [], [], note="Nothing.")])
    return Report(HOSTILE, [HOSTILE], [section])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_escaped_and_needs_no_network() -> None:
    page = html(report())
    parsed = _Page()
    parsed.feed(page)
    assert not parsed.open
    names = [tag for tag, _ in parsed.tags]
    assert "script" not in names
    assert (names.count("svg"), names.count("table"), names.count("figure")) == (2, 2, 2)
    assert "{{ 7*7 }}" in page  # a text, not a template
    assert "49" not in page.partition("<main>")[0]
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for _, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert page.encode("utf-8")


def test_ids_are_unique_so_that_plots_do_not_borrow_from_each_other() -> None:
    parsed = _Page()
    parsed.feed(html(Report("Two", [], [Section("s", plots=[lines("one"), lines("two")])])))
    clips = [attributes["id"] for tag, attributes in parsed.tags if tag == "clippath"]
    assert clips
    assert len(clips) == len(set(clips))


@pytest.mark.parametrize("plot", [lines(), spots(), LinePlot("empty", "Empty", "x", "y", [])])
def test_a_plot_is_well_formed_svg_and_always_the_same(plot: LinePlot | ScatterPlot) -> None:
    assert ET.fromstring(svg_file(plot)).tag.endswith("svg")
    assert svg(plot) == svg(plot)
    assert "$x_1$" in svg(plot) or plot.name == "empty"  # not read as mathematics


def test_several_plots_make_one_image() -> None:
    one, two = png([lines()]), png([lines(), spots()])
    assert one[:8] == two[:8] == b"\x89PNG\r\n\x1a\n"
    height = [int.from_bytes(image[20:24], "big") for image in (one, two)]
    assert height[1] == 2 * height[0]


def test_the_same_report_reads_in_a_terminal() -> None:
    text = report().text()
    assert "\x1b" not in text
    assert "Nothing." in text


def test_a_plot_in_characters_keeps_to_its_width_and_shows_every_arm() -> None:
    values = [Estimate(0.0, 0.0, 0.0, 6), Estimate(1.0, 0.5, 1.0, 6)]
    series = [Series(name, [0.0, 1.0], values) for name in ("frozen", "lora", "mine\x1b[1m")]
    plot = LinePlot("right", "Right", "day", "percent", series, ["mon", "tue"], bounds=(0, 100))
    drawn = text_plot(plot, width=40, height=9).split("\n")
    assert max(map(len, drawn)) <= 40
    assert drawn[1].startswith(" 100 |")
    assert drawn[1].endswith("ABC")
    assert drawn[5].endswith("|||")
    assert drawn[9].startswith("   0 |ABC")
    assert drawn[11].split() == ["mon", "day", "tue"]
    assert drawn[12] == "A frozen  B lora  C mine"
    assert text_plot(LinePlot("none", "None", "day", "points", [])).startswith("None\n")
    assert "A" in text_plot(LinePlot("one", "One", "day", "points", [Series("a", [3.0], values[:1])]))
