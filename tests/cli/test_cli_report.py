"""`studio report`: from the user's log and from a bench result; files written, bad input told in a sentence."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from story_log import story_log

from studio.cli.root import run
from studio.domain.measures import Estimate


def report(workspace: Path, *arguments: str) -> int:
    return run(["--workspace", str(workspace), "report", *arguments])


def bench_file(folder: Path) -> Path:
    def arm(gain: float) -> dict[str, object]:
        figures = {"rephrase": gain, "gain": gain, "prompt_tokens": 40.0, "ttft_s": 0.1, "latency_s": 0.4}
        return {name: asdict(Estimate(value, value - 0.1, value + 0.1, 12)) for name, value in figures.items()}

    arms = {"frozen": arm(0.0), "lessons": arm(0.5)}
    curve = [{"day": day, "corrections": 6 * day, "arms": arms} for day in (1, 2)]
    file = folder / "out.json"
    told = {"scenario": "clinic", "model": "tiny", "orders": 1, "arms": arms, "night": None, "curve": curve}
    file.write_text(json.dumps(told))
    return file


def test_an_empty_log_is_told_in_one_friendly_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(tmp_path) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith("There is nothing to report yet")
    assert report(tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out) is None


def test_the_log_is_told_in_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story_log(tmp_path)
    assert report(tmp_path) == 0
    out = capsys.readouterr().out
    for told in ("Learning curves", "by day", "forgotten", "stale", "v2", "in use", "Kept: too little gain."):
        assert told in out
    assert "\x1b" not in out


def test_the_log_becomes_a_page_images_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story_log(tmp_path)
    out = tmp_path / "report"
    assert report(tmp_path, "--out", str(out), "--json", str(tmp_path / "figures.json")) == 0
    names = {file.name for file in out.iterdir()}
    plots = {f"{plot}.{kind}" for plot in ("right-by-corrections", "right-by-day") for kind in ("svg", "png")}
    assert names == {"report.html", *plots}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert (out / "report.html").stat().st_mode & 0o077 == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["arms"]["lessons"]["states"]["learnt"] == 2
    assert capsys.readouterr().err.count("Wrote ") == 6


def test_a_bench_result_becomes_a_page_and_an_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = bench_file(tmp_path)
    page, image = tmp_path / "bench.html", tmp_path / "bench.png"
    assert report(tmp_path, "--bench", str(file), "--html", str(page), "--png", str(image)) == 0
    text = page.read_text(encoding="utf-8")
    for told in ("clinic, tiny, 1 order", "Pareto", "Learning curves", "dominated by", "<svg"):
        assert told in text
    assert image.read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert report(tmp_path, "--bench", str(file)) == 0
    assert "clinic, tiny, 1 order" in capsys.readouterr().out


def test_what_cannot_be_read_or_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{")
    for content, word in (
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "no result of studio bench"),
        ('{"arms": 1}', "no result"),
    ):
        wrong.write_text(content)
        assert report(tmp_path, "--bench", str(wrong)) == 2
        assert word in capsys.readouterr().err
    assert report(tmp_path, "--bench", str(tmp_path / "none.json")) == 2
    assert "none.json cannot be read" in capsys.readouterr().err
    file = bench_file(tmp_path)
    assert report(tmp_path, "--bench", str(file), "--html", str(tmp_path / "no" / "a.html")) == 3
    assert "cannot be written" in capsys.readouterr().err
    assert report(tmp_path, "--bench", str(file), "--out", str(file / "x")) == 3
    assert "cannot be made" in capsys.readouterr().err


def test_an_exported_log_is_told_as_the_log_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story_log(tmp_path / "anna")
    shared = tmp_path / "anna's"
    exported = run(
        ["--workspace", str(tmp_path / "anna"), "export", "parquet", "--privacy", "off", "--out", str(shared)]
    )
    assert exported == 0
    before = {file.name: file.read_bytes() for file in shared.iterdir()}
    capsys.readouterr()
    assert report(tmp_path / "anna", "--json") == 0
    own = json.loads(capsys.readouterr().out)
    reader = tmp_path / "reader"
    assert report(reader, "--from", str(shared), "--json") == 0
    assert json.loads(capsys.readouterr().out) == own
    assert report(reader, "--from", str(shared), "--label", "tone") == 0
    assert "What the studio learnt of 'tone'" in capsys.readouterr().out
    assert not reader.exists()
    assert {file.name: file.read_bytes() for file in shared.iterdir()} == before

    assert report(reader, "--from", str(shared), "--bench", str(bench_file(tmp_path))) == 2
    assert "not both" in capsys.readouterr().err
    assert report(reader, "--from", str(tmp_path / "nowhere")) == 3
    assert "There is no exported log in" in capsys.readouterr().err
    (shared / "answers.parquet").write_bytes(b"PAR1 no more")
    assert report(reader, "--from", str(shared)) == 3
    assert "answers.parquet is no table of a log" in capsys.readouterr().err


def test_one_label_is_told_alone_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story_log(tmp_path)
    assert report(tmp_path) == 0
    assert "Percent right by label" in capsys.readouterr().out
    assert report(tmp_path, "--label", "tone") == 0
    out = capsys.readouterr().out
    assert "What the studio learnt of 'tone'" in out
    assert "Percent right by corrections made, label 'tone'" in out
    assert "Nights and adapters" not in out
    assert report(tmp_path, "--label", "tone", "--html", str(tmp_path / "page.html"), "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["label"], figures["questions"], figures["labels"]["tone"]["questions"]) == ("tone", 2, 2)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "label &#39;tone&#39;" in page
    assert "<script" not in page


def test_a_label_that_nothing_has_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story_log(tmp_path)
    assert report(tmp_path, "--label", "manner") == 2
    assert "No correction has the label 'manner'. There are: " in capsys.readouterr().err
    assert report(tmp_path, "--label", "tone", "--bench", str(bench_file(tmp_path))) == 2
    assert "not both" in capsys.readouterr().err
