"""Scenario folders: what is read, what is refused and how, what is in force when, and in which orders it runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.domain.checks import Check
from studio.domain.nights import ProbeKind
from studio.errors import ScenarioError, UsageError
from studio.evaluation.judging import is_stale
from studio.evaluation.scenario import Scenario, ScenarioProbe, TaughtCorrection, given_and_shuffled_orders
from studio.evaluation.scenario_file import load_scenario

Lines = list[dict[str, Any]]


def correction(name: str, day: int = 1, answer: str = "Tuesday", supersedes: str | None = None) -> dict[str, Any]:
    return {
        "id": name,
        "day": day,
        "kind": "fact",
        "prompt": f"When do we close {name}?",
        "target": f"On {answer}.",
        "rationale": "",
        "include": [[answer]],
        "exclude": [],
        "pattern": None,
        "max_words": 12,
        "rephrase": ["Closing day?", "Which day is it shut?"],
        "locality": [{"prompt": "When do museums close?", "exclude": [answer]}],
        "portability": [{"prompt": "Can I come then?", "include": [["no"]]}],
        "transfer": [{"prompt": "Write a sign.", "include": [[answer]], "exclude": ["Sunday"]}],
        "supersedes": supersedes,
    }


def write(folder: Path, corrections: Lines, **files: str) -> Path:
    general = {"id": "g1", "prompt": "Capital of France?", "include": [["Paris"]]}
    contents = {
        "scenario.toml": 'title = "A week"\ndescription = "Of corrections."\nformat_version = 1\n',
        "corrections.jsonl": "\n".join(json.dumps(line, ensure_ascii=False) for line in corrections) + "\n",
        "general.jsonl": json.dumps(general) + "\n\n",
    } | {name.replace("_", "."): text for name, text in files.items()}
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def three_days(tmp_path: Path) -> Scenario:
    lines = [
        correction("a"),
        correction("b", answer="Monday"),
        correction("a2", day=2, answer="Friday", supersedes="a"),
        correction("c", day=2),
        correction("a3", day=3, answer="Sunday", supersedes="a2"),
    ]
    return load_scenario(write(tmp_path, lines))


def test_a_scenario_is_read_whole(three_days: Scenario) -> None:
    assert three_days.title == "A week"
    assert three_days.days == (1, 2, 3)
    first = three_days.corrections[0]
    assert first.check.include == (("Tuesday",),)
    assert first.check.max_words == 12
    assert first.transfer[0].check.exclude == ("Sunday",)
    assert three_days.general[0].kind is ProbeKind.GENERAL


def test_nothing_that_judges_is_in_what_a_learner_sees(three_days: Scenario) -> None:
    assert {field.name for field in dataclasses.fields(TaughtCorrection)} == {
        "id",
        "prompt",
        "target",
        "rationale",
        "supersedes",
    }
    seen = json.dumps([dataclasses.asdict(made.taught) for made in three_days.corrections])
    for judged in ("Closing day?", "museums", "Can I come", "Write a sign"):
        assert judged not in seen


def test_what_is_in_force_follows_the_days(three_days: Scenario) -> None:
    assert [made.id for made in three_days.in_force(1)] == ["a", "b"]
    assert [made.id for made in three_days.in_force(2)] == ["b", "a2", "c"]
    assert [made.id for made in three_days.in_force(9)] == ["b", "c", "a3"]


def test_a_superseded_prompt_is_judged_by_what_replaced_it(three_days: Scenario) -> None:
    asked = {probe.probe.id: probe for probe in three_days.probes(3)}
    old = asked["a/reliability/1"]
    assert old.probe.prompt == "When do we close a?"
    assert old.probe.check.include == (("Sunday",),)
    assert old.probe.correction_id == "a3"
    assert old.day == 3
    assert gives_old(old, "Closed on Tuesday.")
    assert gives_old(old, "Closed on Friday.")
    assert not gives_old(old, "Closed on Sunday, no more on Friday.")
    assert not gives_old(old, "No idea.")
    assert "a/portability/1" not in asked
    assert "a3/portability/1" in asked
    assert gives_old(asked["b/reliability/1"], "Closed on Friday.") is None
    assert not any(probe.superseded for probe in three_days.probes(1))


def test_what_is_right_again_is_not_stale_for_being_too_long(three_days: Scenario) -> None:
    forty, sixty = Check(include=(("45",),)), Check(include=(("60",),))
    again = Check(include=(("45",),), exclude=("60",), max_words=3)
    assert is_stale("It is 60 days.", again, [sixty, forty])
    assert not is_stale("It is 45 days now, for all.", again, [sixty, forty])
    assert is_stale("Was it 60 days or 45?", again, [sixty, forty])


def gives_old(probe: ScenarioProbe, text: str) -> bool | None:
    return is_stale(text, probe.probe.check, probe.superseded)


def test_probe_ids_are_unique(three_days: Scenario) -> None:
    ids = [probe.probe.id for probe in three_days.probes(3)]
    assert len(ids) == len(set(ids))


def test_orders_shuffle_within_days_and_keep_what_supersedes_behind(tmp_path: Path) -> None:
    lines = [correction(name) for name in "abcdef"]
    lines += [
        correction("a2", supersedes="a"),
        correction("a3", supersedes="a2"),
        *(correction(n, day=2) for n in "xyz"),
    ]
    made = load_scenario(write(tmp_path, lines)).corrections
    orders = given_and_shuffled_orders(made, 30, seed=1)
    assert orders[0] == made
    assert orders == given_and_shuffled_orders(made, 30, seed=1)
    assert len({tuple(one.id for one in order) for order in orders}) > 20
    for order in orders:
        ids = [one.id for one in order]
        assert sorted(ids) == sorted(one.id for one in made)
        assert [one.day for one in order] == sorted(one.day for one in made)
        assert ids.index("a") < ids.index("a2") < ids.index("a3")
    with pytest.raises(UsageError):
        given_and_shuffled_orders(made, 0, seed=1)


def _set(field: str, value: object) -> Callable[[Lines], None]:
    return lambda lines: lines[1].update({field: value})


def _drop(field: str) -> Callable[[Lines], None]:
    return lambda lines: lines[1].pop(field)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_drop("target"), "target: is missing"),
        (_drop("exclude"), "exclude: is missing"),
        (_set("day", "1"), "day: must be a whole number"),
        (_set("day", True), "day: must be a whole number"),
        (_set("day", 0), "day: must be a whole number"),
        (_set("kind", "opinion"), "kind: must be fact or style"),
        (_set("prompt", 5), "prompt: must be text, not a number"),
        (_set("prompt", " "), "prompt: is empty"),
        (_set("prompt", "\ud800"), "prompt: holds half"),
        (_set("id", "a"), "id: 'a' is already used in line 1"),
        (_set("supersedes", "zz"), "supersedes: no earlier correction is called 'zz'"),
        (_set("supersedes", "b"), "supersedes: no earlier correction is called 'b'"),
        (_set("supersedes", "c"), "supersedes: no earlier correction is called 'c'"),
        (_set("include", "Tuesday"), "include: must be a list, not text"),
        (_set("include", [[]]), "include[0]: is a group without alternatives"),
        (_set("include", [["ok", 3]]), "include[0][1]: must be text"),
        (_set("exclude", ["\u200b"]), "exclude[0]: has nothing to look for"),
        (_set("pattern", "("), "pattern: the pattern is no regular expression"),
        (_set("max_words", 2.5), "max_words: must be a whole number"),
        (_set("locality", [{"prompt": "x"}]), "locality[0].exclude: is missing"),
        (_set("transfer", {"prompt": "x"}), "transfer: must be a list, not an object"),
        (_set("portability", ["x"]), "portability[0]: must be an object"),
        (_set("portability", [{"prompt": "x", "include": []}]), "portability[0].include: the answer has no condition"),
        (_set("rephrased", []), "rephrased: is no field"),
    ],
)
def test_a_wrong_field_is_named_with_file_and_line(change: Callable[[Lines], None], told: str, tmp_path: Path) -> None:
    lines = [correction("a"), correction("b"), correction("c")]
    change(lines)
    folder = write(tmp_path, [])
    (folder / "corrections.jsonl").write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(folder)
    assert "corrections.jsonl, line 2, " in str(refusal.value)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_days_may_not_go_back(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="line 2, day: goes back from day 2 to day 1"):
        load_scenario(write(tmp_path, [correction("a", day=2), correction("b", day=1)]))


def test_a_correction_is_superseded_once(tmp_path: Path) -> None:
    lines = [correction("a"), correction("b", supersedes="a"), correction("c", supersedes="a")]
    with pytest.raises(ScenarioError, match="line 3, supersedes: 'a' was superseded before"):
        load_scenario(write(tmp_path, lines))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("corrections.jsonl", b'{"id": "a",\n', "line 1, column"),
        ("corrections.jsonl", b'\n{"id": "a", "id": "b"}', "line 2: the field 'id' is given twice"),
        ("corrections.jsonl", b"[" * 100_000, "line 1: nested too deeply"),
        ("corrections.jsonl", b"[1]", "line 1, the line: must be an object, not a list"),
        ("corrections.jsonl", b'\n\n{"id": "\xff"}', "line 3: is not UTF-8"),
        ("corrections.jsonl", "{}".encode("utf-16"), "is not UTF-8"),
        ("corrections.jsonl", b"\n", "holds no correction"),
        ("scenario.toml", b"title = \n", "is no valid TOML"),
        ("scenario.toml", b'title = "x"\ndescription = "y"\n', "format_version: none"),
        ("scenario.toml", b'title = "x"\ndescription = "y"\nformat_version = 2', "format_version: 2"),
        ("scenario.toml", b"title = 3\nformat_version = 1", "title: must be text"),
        ("general.jsonl", b'{"id": "g", "prompt": "x", "include": []}', "general.jsonl, line 1, include"),
    ],
)
def test_a_broken_file_is_named(name: str, content: bytes, told: str, tmp_path: Path) -> None:
    folder = write(tmp_path, [correction("a")])
    (folder / name).write_bytes(content)
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(folder)
    assert name in str(refusal.value)
    assert told in str(refusal.value)


@pytest.mark.parametrize("name", ["scenario.toml", "corrections.jsonl", "general.jsonl"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path, [correction("a")])
    (folder / name).unlink()
    with pytest.raises(ScenarioError, match=f"{name} cannot be read"):
        load_scenario(folder)
    with pytest.raises(ScenarioError, match="is no scenario folder"):
        load_scenario(folder / "nowhere")


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    line = correction("a") | {"rationale": "one\u2028two"}
    assert load_scenario(write(tmp_path, [line])).corrections[0].taught.rationale == "one\u2028two"


def test_the_shipped_session_is_a_valid_scenario() -> None:
    starter = Path(__file__).resolve().parents[2] / "sessions" / "starter"
    scenario = load_scenario(starter)
    assert len(scenario.corrections) == 10
    assert sum(len(made.rephrase) for made in scenario.corrections) == 20


def instance(name: str = "i1", **more: object) -> dict[str, object]:
    told = {"id": name, "rule": "closing days", "corrections": ["a", "b"], "prompt": "When is it shut?"}
    return {**told, "include": [["Tuesday"]], "exclude": [], **more}


def test_unseen_instances_of_a_rule_are_asked_once_all_that_share_it_were_made(tmp_path: Path) -> None:
    write(tmp_path, [correction("a"), correction("b", day=2), correction("c", day=3)])
    (tmp_path / "induction.jsonl").write_text("\n".join(json.dumps(instance(name)) for name in ("i1", "i2")))
    scenario = load_scenario(tmp_path)
    asked = [[p for p in scenario.probes(day) if p.probe.kind is ProbeKind.INDUCTION] for day in scenario.days]
    assert [len(probes) for probes in asked] == [0, 2, 2]
    assert {(p.probe.correction_id, p.day) for p in asked[2]} == {("rule:closing days", 2)}
    assert asked[1][0].probe.id == "closing days/induction/i1"


def test_a_rule_ends_with_the_last_of_its_corrections_that_is_superseded(tmp_path: Path) -> None:
    newer = [correction(f"{name}{day}", day, "Monday", supersedes=name) for day, name in ((2, "a"), (3, "b"))]
    write(tmp_path, [correction("a"), correction("b"), *newer])
    (tmp_path / "induction.jsonl").write_text(json.dumps(instance()))
    scenario = load_scenario(tmp_path)
    kinds = [{probe.probe.kind for probe in scenario.probes(day)} for day in scenario.days]
    assert [ProbeKind.INDUCTION in asked for asked in kinds] == [True, True, False]


def test_a_scenario_without_induction_has_none(three_days: Scenario) -> None:
    assert three_days.induction == ()


@pytest.mark.parametrize(
    ("lines", "line", "field", "problem"),
    [
        ([instance(corrections=["a", "zz"])], 1, "corrections[1]", "no correction is called 'zz'"),
        ([instance(corrections=["a"])], 1, "corrections", "shared by two"),
        ([instance(corrections=["a", "a"])], 1, "corrections", "shared by two"),
        ([instance(corrections="a")], 1, "corrections", "must be a list, not text"),
        ([instance(), instance()], 2, "id", "already used in line 1"),
        ([instance(), instance("i2", corrections=["b", "c"])], 2, "corrections", "other corrections further up"),
        ([instance(rule=7)], 1, "rule", "must be text, not a number"),
        ([instance(include=[])], 1, "include", "no condition"),
        ([instance(pattern="(")], 1, "pattern", ""),
        ([instance(day=1)], 1, "day", "is no field"),
        ([{"id": "i1"}], 1, "corrections", "is missing"),
    ],
)
def test_a_faulty_induction_file_is_told_with_line_and_field(
    tmp_path: Path, lines: Lines, line: int, field: str, problem: str
) -> None:
    write(tmp_path, [correction("a"), correction("b"), correction("c")])
    (tmp_path / "induction.jsonl").write_text("\n".join(json.dumps(one) for one in lines))
    with pytest.raises(ScenarioError) as told:
        load_scenario(tmp_path)
    assert f"induction.jsonl, line {line}, {field}: " in str(told.value)
    assert problem in str(told.value)
