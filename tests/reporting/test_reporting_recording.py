"""Recorded sessions: the cast as players read it, and the page that shows the stills without any network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest

from studio.errors import RecordingError
from studio.reporting.cast import CastFile
from studio.reporting.recorded_page import Still, recorded_page, without_fetching

HOSTILE = '</figcaption><script>alert(1)</script> "quoted" \x1b[31mred\x1b[0m \u202e'


def events_of(file: Path) -> list[tuple[float, str, str]]:
    header, *events = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(header)["version"] == 2
    return [tuple(json.loads(event)) for event in events]


def test_a_cast_holds_what_was_drawn_in_order_and_leaves_out_what_would_steer_a_viewers_terminal(
    tmp_path: Path,
) -> None:
    file = tmp_path / "session.cast"
    cast = CastFile(file, 80, 24, title="A title")
    cast.output("\x1b[?1049h\x1b[?1000h\x1b[?2004h\x1b[>1u\x1b[?2026$pdrawn \x1b[1mbold\x1b[0m\n")
    cast.output("\x1b[?1003h")
    cast.resized(100, 30)
    cast.mark("Chapter “one”")
    cast.output("grün")
    cast.close()
    header = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    assert (header["width"], header["height"], header["title"]) == (80, 24, "A title")
    events = events_of(file)
    assert [(kind, data) for _, kind, data in events] == [
        ("o", "\x1b[?1049hdrawn \x1b[1mbold\x1b[0m\n"),
        ("r", "100x30"),
        ("m", "Chapter “one”"),
        ("o", "grün"),
    ]
    times = [at for at, _, _ in events]
    assert times == sorted(times)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_cast_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "session.cast"
    file.write_text("mine")
    with pytest.raises(RecordingError, match="is there already"):
        CastFile(file, 80, 24, title="")
    assert file.read_text() == "mine"


@contextmanager
def full_disk(at: int) -> Iterator[None]:
    """Files cannot grow beyond so many bytes: what a full disk is to a program."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_ends_the_cast_with_one_sentence_and_leaves_whole_lines(tmp_path: Path) -> None:
    file, told = tmp_path / "session.cast", list[str]()
    with full_disk(2_000):
        cast = CastFile(file, 80, 24, title="", on_failure=lambda error: told.append(str(error)))
        for _ in range(100):
            cast.output("x" * 90)
        cast.close()
    assert len(told) == 1
    assert "cannot be written" in told[0]
    assert "The recording ends here." in told[0]
    assert 5 < len(events_of(file)) < 100


class Page(HTMLParser):
    """What a browser would fetch, run and show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts: list[str] = []
        self.captions: list[str] = []
        self.policy = ""
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._within = tag
        if tag == "script":
            self.scripts.append("")
        if tag == "figcaption":
            self.captions.append("")
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts[-1] += data
        if self._within == "figcaption":
            self.captions[-1] += data


def test_the_page_shows_stills_with_captions_and_fetches_and_runs_nothing_else() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><style>@font-face { src: url("https://x.invalid/f") }</style></svg>'
    still = Still(without_fetching(svg), HOSTILE)
    text = recorded_page("A <title>", [still, still], b'{"version": 2}\n')
    page = Page(text)
    assert len(page.scripts) == 1, "a caption cannot bring a script"
    digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy
    assert "default-src 'none'" in page.policy
    assert all(address.startswith("data:") for address in page.fetched)
    assert page.captions == ['</figcaption><script>alert(1)</script> "quoted" red '] * 2
    images = [a.partition("base64,")[2] for a in page.fetched if a.startswith("data:image")]
    assert len(images) == 2
    assert not re.search(r"url\(|@font-face", base64.b64decode(images[0]).decode())
    (cast,) = [a.partition("base64,")[2] for a in page.fetched if a.startswith("data:application")]
    assert base64.b64decode(cast) == b'{"version": 2}\n'


def test_a_page_without_stills_or_cast_says_so() -> None:
    text = recorded_page("Nothing", [], b"")
    assert "No still was kept." in text
    assert "asciinema" not in text
