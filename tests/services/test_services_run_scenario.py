"""A scenario run headless: what is written of it, and the check that an arm reset is the frozen model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from made_reader import make_reader
from studio_fakes import FakeEngine, fake_studio

from studio.domain.arms import CONTEXT, FROZEN, LESSONS, LORA, LORA_LESSONS, READER_LESSONS
from studio.domain.checks import Check
from studio.domain.log import Correction
from studio.errors import InterruptedNightError, ScenarioError, StudioError, TrainingError
from studio.reporting.bench_report import bench_tables
from studio.services import run_scenario as running
from studio.services.run_scenario import run_scenario
from studio.services.studio import Studio


def _correction(name: str, day: int, answer: str, supersedes: str | None = None) -> dict[str, Any]:
    return {
        "id": name,
        "day": day,
        "kind": "fact",
        "prompt": f"Where is the {name.rstrip('2')}?",
        "target": f"The {name.rstrip('2')} is in the {answer}.",
        "rationale": "",
        "include": [[answer]],
        "exclude": [],
        "rephrase": [f"Which place holds the {name.rstrip('2')}?"],
        "locality": [{"prompt": f"What is a {name}?", "exclude": [answer]}],
        "portability": [],
        "transfer": [{"prompt": f"Label the {name}.", "include": [[answer]]}],
        "supersedes": supersedes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    places = {"ladder": "shed", "kettle": "kitchen", "atlas": "study", "lamp": "hall", "rope": "cellar"}
    lines = [_correction(name, 1 + number // 3, place) for number, (name, place) in enumerate(places.items())]
    lines.append(_correction("ladder2", 2, "garage", supersedes="ladder"))
    rule = {"id": "i", "rule": "places", "corrections": ["ladder", "kettle"], "prompt": "Where is the Moon?"}
    files = {
        "scenario.toml": 'title = "Things"\ndescription = "Where they are."\nformat_version = 1\n',
        "corrections.jsonl": "\n".join(json.dumps(line) for line in lines),
        "general.jsonl": json.dumps({"id": "g", "prompt": "2 + 2?", "include": [["thirty"]]}),
        "induction.jsonl": json.dumps({**rule, "include": [["in the"]], "exclude": []}),
    }
    scenario = tmp_path / "things"
    scenario.mkdir()
    for name, text in files.items():
        (scenario / name).write_text(text)
    return scenario


def studios(base: Path) -> Callable[[str], Studio]:
    engine = FakeEngine()
    return lambda name: fake_studio(base / name, engine=engine)


async def test_a_run_measures_all_of_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_night(studio: Studio, **_: object) -> None:
        raise TrainingError("Nothing to train on.")

    monkeypatch.setattr(running, "run_night", no_night)
    result = await run_scenario(studios(tmp_path), folder, [FROZEN, CONTEXT, LESSONS, LORA, LORA_LESSONS], orders=2)
    read = json.loads(json.dumps(result, allow_nan=False))
    assert read["size"] == {"days": 2, "corrections": 6, "general": 1, "rules": 1, "induction": 1}
    assert read["reset"]["arms"] == ["context", "lessons", "lora", "lora+lessons"]
    assert read["reset"]["questions"] > 15
    context = read["arms"]["context"]
    assert context["reliability"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "n": 5}
    assert context["induction"]["mean"] == 1.0
    assert context["stale_rate"]["mean"] == 0.0
    assert context["gain"]["mean"] == 1.0
    # The evening before the first night already knows what the prompt is given; the night adds nothing to it.
    assert context["same_day_gain"]["mean"] == 1.0
    assert context["overnight_gain"]["mean"] == 0.0
    assert context["area_under_curve"]["mean"] == 1.0
    assert context["disk_mb"]["mean"] > 0
    assert read["arms"]["frozen"]["disk_mb"]["mean"] == 0
    assert read["arms"]["frozen"]["gain"]["mean"] == 0
    assert read["arms"]["lora"]["gain"]["mean"] == 0  # no adapter came of the nights
    assert context["lesson_found"]["mean"] is None  # no lessons are looked up there
    found = read["arms"]["lessons"]["lesson_found"]
    assert 0.2 < found["mean"] <= 1.0
    assert found["n"] == 5
    assert read["arms"]["lessons"]["false_retrieval"] == {"mean": 0.0, "low": None, "high": None, "n": 1}
    assert read["two_by_two"][0]["arms"]["both"] == "lora+lessons"
    assert len(read["differences"]) == 10
    assert len(read["nights"]) == 4
    text = bench_tables(read)
    assert "answered all" in text
    assert "dominated by" in text
    assert [(night["order"], night["day"]) for night in read["nights"]] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert "over 2 orders" in text
    assert "still going on after 96 tokens" in " ".join(text.split())


async def test_a_correction_that_cannot_be_learnt_is_refused_before_anything_runs(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "corrections.jsonl").read_text().splitlines()
    lines[-1] = json.dumps(_correction("vase", 2, "attic") | {"target": "attic " * 4_000})
    (folder / "corrections.jsonl").write_text("\n".join(lines))
    with pytest.raises(ScenarioError, match=r"corrections\.jsonl, correction 'vase': .* 24,000 characters"):
        await run_scenario(studios(tmp_path), folder, [FROZEN, CONTEXT])
    lines[-1] = json.dumps(_correction("vase", 2, "attic") | {"target": "Up there."})
    (folder / "corrections.jsonl").write_text("\n".join(lines))
    told: list[str] = []
    result = await run_scenario(studios(tmp_path), folder, [FROZEN], tell=told.append)
    assert "Correction 'vase': its own target fails its check, for it does not say 'attic'." in told
    assert "Reset check" not in bench_tables(result)


async def test_a_night_that_is_killed_is_taken_up_before_the_next_day(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = 0

    async def killed_at_first(studio: Studio, **_: object) -> None:
        nonlocal nights
        nights += 1
        raise (InterruptedNightError if nights == 1 else TrainingError)("It ended.")

    monkeypatch.setattr(running, "run_night", killed_at_first)
    result = await run_scenario(studios(tmp_path), folder, [LORA])
    assert nights == len(result["nights"]) + 1 == 3


async def test_the_reader_needs_no_night_and_reset_it_is_the_frozen_model(folder: Path, tmp_path: Path) -> None:
    make_reader(tmp_path / "readers")
    made = studios(tmp_path)
    result = await run_scenario(
        lambda name: replace(made(name), reader_folders=(tmp_path / "readers",)), folder, [LESSONS, READER_LESSONS]
    )
    assert result["reset"]["arms"] == ("lessons", "reader+lessons")
    assert result["nights"] == []
    arms = result["arms"]
    size = len(b"weights") / 1e6
    assert arms["reader+lessons"]["disk_mb"]["mean"] == pytest.approx(arms["lessons"]["disk_mb"]["mean"] + size)
    assert arms["reader+lessons"]["lesson_found"] == arms["lessons"]["lesson_found"]


async def test_asking_within_days_makes_the_curve_finer_and_leaves_the_measures(folder: Path, tmp_path: Path) -> None:
    plain = await run_scenario(studios(tmp_path / "plain"), folder, [FROZEN, CONTEXT])
    finer = await run_scenario(studios(tmp_path / "finer"), folder, [FROZEN, CONTEXT], every=1)
    assert [(point["day"], point["corrections"]) for point in plain["curve"]] == [(1, 3), (2, 6)]
    days = [(point["day"], point["corrections"]) for point in finer["curve"]]
    assert days == [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6)]
    assert "retention" not in finer["curve"][0]["arms"]["context"]
    for name in ("reliability", "gain", "same_day_gain", "overnight_gain"):
        assert finer["arms"]["context"][name] == plain["arms"]["context"][name]


async def test_an_arm_that_is_not_the_frozen_model_once_reset_fails_the_run(folder: Path, tmp_path: Path) -> None:
    make = studios(tmp_path)
    check = Check(include=(("attic",),))
    left_over = Correction("c", "Where?", "In the attic.", "No.", datetime.now(UTC), check)

    def leaking(name: str) -> Studio:
        studio = make(name)
        studio.log.corrections.in_force = lambda: [left_over]  # type: ignore[method-assign]
        return studio

    with pytest.raises(StudioError, match=r"With nothing learnt, the arm context answers .* than the frozen model"):
        await run_scenario(leaking, folder, [FROZEN, CONTEXT])
