"""docs/trust.md says which test holds which promise: it names no test that is not there, and leaves none without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "trust.md").read_text("utf-8")
ABOVE = ("same", "in the above", "the above")


def rows() -> Iterator[list[str]]:
    """The cells of each row of a table whose first column is of promises."""
    within = False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        within = line.startswith("|") and (within or cells[0] == "promise")
        if within and cells[0] != "promise" and set(cells[0]) != {"-"}:
            yield cells


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests|docs|studio|benchmarks)/[\w/.-]+)`", PAGE))
    assert len(named) > 15
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_promise_names_what_holds_it() -> None:
    found = list(rows())
    assert len(found) > 20
    for promise, held_by, *_ in found:
        assert "`tests/" in held_by or "`make check`" in held_by or any(word in held_by for word in ABOVE), promise
