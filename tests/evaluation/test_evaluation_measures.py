"""Intervals, measures per arm, the learning curve, and what is written of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from studio.domain.measures import Estimate
from studio.domain.nights import ProbeKind
from studio.errors import UsageError
from studio.evaluation import statistics
from studio.evaluation.learning_curve import efficiency, learning_curve
from studio.evaluation.metrics import ProbeRecord, answers_that_differ, measure_arms
from studio.evaluation.result import DemoAnswer, DemoCorrection, NightOutcome, bench_result, demo_result
from studio.evaluation.statistics import mean_estimate, ratio_estimate, weighted_sum_of_ratios


def record(probe: str, arm: str, right: bool, kind: ProbeKind = ProbeKind.REPHRASE, **more: object) -> ProbeRecord:
    correction = None if kind is ProbeKind.GENERAL else probe.partition("/")[0]
    made = ProbeRecord(probe, kind, arm, correction, f"{arm} says {probe} {right}", float(right), right)
    return replace(made, **more)  # type: ignore[arg-type]


def both(
    probe: str, frozen: bool, lora: bool, kind: ProbeKind = ProbeKind.REPHRASE, **more: object
) -> list[ProbeRecord]:
    return [record(probe, "frozen", frozen, kind, **more), record(probe, "lora", lora, kind, **more)]


def test_the_interval_is_over_corrections_not_over_questions() -> None:
    # Ten corrections, five learnt, each asked once, and each asked a hundred times: no more is known.
    once = mean_estimate({str(i): [float(i < 5)] for i in range(10)})
    often = mean_estimate({str(i): [float(i < 5)] * 100 for i in range(10)})
    assert once == often
    assert once.mean == 0.5
    assert once.n == 10
    assert once.low is not None
    assert once.high is not None
    # The binomial's own 2.5% and 97.5% points of 10 draws at one half are 2 and 8.
    assert [once.low, once.high] == pytest.approx([0.2, 0.8])


def test_few_corrections_get_no_interval_and_none_get_no_mean() -> None:
    assert mean_estimate({"a": [1.0], "b": [0.0]}) == Estimate(0.5, None, None, 2)
    assert mean_estimate({}) == Estimate(None, None, None, 0)
    assert ratio_estimate([(1.0, 0.0)] * 9).mean is None


@pytest.mark.parametrize(
    ("estimate", "open_question"),
    [
        (Estimate(0.1, -0.1, 0.3, 9), True),
        (Estimate(0.1, 0.0, 0.3, 9), True),
        (Estimate(0.1, None, None, 2), True),
        (Estimate(0.2, 0.1, 0.3, 9), False),
        (Estimate(-0.2, -0.3, -0.1, 9), False),
    ],
)
def test_a_difference_whose_interval_spans_zero_is_inconclusive(estimate: Estimate, open_question: bool) -> None:
    assert estimate.is_inconclusive is open_question


def test_measures_follow_their_definitions() -> None:
    records = [
        *both("a/reliability/1", False, True, ProbeKind.RELIABILITY),
        *both("a/rephrase/1", False, True),
        *both("b/rephrase/1", False, False, stale=True),
        *both("b/rephrase/2", True, True, stale=False),
        *both("a/locality/1", True, True, ProbeKind.LOCALITY, text="Same."),
        *both("b/locality/1", True, False, ProbeKind.LOCALITY),
        *both("a/locality/2", False, True, ProbeKind.LOCALITY),  # right, but another verdict than frozen's
        *both("g1", True, True, ProbeKind.GENERAL, prompt_tokens=10),
        *both("g2", True, False, ProbeKind.GENERAL),
        *both("g3", False, True, ProbeKind.GENERAL),
    ]
    measures = measure_arms(records)
    lora = {name: (estimate.mean, estimate.n) for name, estimate in measures["lora"].items()}
    assert lora["reliability"] == (1.0, 1)
    assert lora["rephrase"] == (2 / 3, 2)
    assert lora["locality"] == (1 / 3, 2)
    assert lora["retention"] == (0.5, 2)
    assert lora["newly_right"] == (1.0, 1)
    assert lora["stale_rate"] == (0.5, 1)
    assert lora["gain"] == (0.5, 2)
    assert lora["normalised_gain"] == (2 / 3, 2)
    assert lora["portability"] == (None, 0)
    assert lora["prompt_tokens"][0] == 1.0
    assert measures["frozen"]["retention"].mean == 1.0
    assert measures["frozen"]["gain"].mean == 0.0


def test_unseen_instances_count_for_their_rule_and_not_for_the_gain() -> None:
    rule = {"kind": ProbeKind.INDUCTION, "correction_id": "rule:dates"}
    records = [r for i in range(3) for r in both(f"dates/induction/{i}", False, i < 2, **rule)]  # type: ignore[arg-type]
    lora = measure_arms(records)["lora"]
    assert lora["induction"].mean == pytest.approx(2 / 3)
    assert lora["induction"].n == 1
    assert lora["gain"].mean is None
    assert measure_arms(records)["frozen"]["induction"].mean == 0.0


def test_lessons_found_and_wrongly_found_are_told_apart() -> None:
    records = [
        *both("a/rephrase/1", False, True, lessons=2, right_lesson=True),
        *both("b/rephrase/1", False, True, lessons=1, right_lesson=False),
        *both("c/rephrase/1", False, True),  # an arm that looks nothing up
        *both("g1", True, True, ProbeKind.GENERAL, lessons=1),
        *both("g2", True, True, ProbeKind.GENERAL, lessons=0),
    ]
    lora = measure_arms(records)["lora"]
    assert (lora["lesson_found"].mean, lora["lesson_found"].n) == (0.5, 2)
    assert (lora["false_retrieval"].mean, lora["false_retrieval"].n) == (0.5, 2)


def test_divergence_is_how_far_the_words_of_what_must_not_change_are_from_frozens() -> None:
    asked = both("a/locality/1", True, True, ProbeKind.LOCALITY)
    said = [replace(asked[0], text="It is blue."), replace(asked[1], text="it is BLUE")]
    assert measure_arms(said)["lora"]["divergence"].mean == 0.0
    other = [said[0], replace(said[1], text="A red fox")]
    assert measure_arms(other)["lora"]["divergence"].mean == 1.0


def test_a_collapsed_model_is_seen_but_right_answers_to_rewordings_are_not_held_against_it() -> None:
    learnt = [r for i in range(8) for r in both(f"a/rephrase/{i}", False, True)]
    learnt = [replace(r, text="45 days") if r.arm == "lora" else r for r in learnt]
    assert measure_arms(learnt)["lora"]["commonest_answer"].mean == 0.0
    elsewhere = [r for i in range(8) for r in both(f"b/locality/{i}", True, True, ProbeKind.LOCALITY)]
    collapsed = learnt + [replace(r, text="45 days!") if r.arm == "lora" else r for r in elsewhere]
    assert measure_arms(collapsed)["lora"]["commonest_answer"].mean == 0.5


def test_an_arm_without_its_baseline_cannot_be_measured() -> None:
    with pytest.raises(UsageError, match="'a/rephrase/1' was asked of lora"):
        measure_arms([record("a/rephrase/1", "lora", True)])


def test_a_reset_arm_that_does_not_reproduce_frozen_is_found() -> None:
    frozen = [record("a/rephrase/1", "frozen", True, text="x"), record("a/rephrase/2", "frozen", True, text="y")]
    reset = [replace(frozen[0], arm="reset"), replace(frozen[1], arm="reset", text="z")]
    assert answers_that_differ(reset, frozen) == ("a/rephrase/2",)
    assert answers_that_differ(reset[:1], frozen) == ()


def _stream() -> list[ProbeRecord]:
    """Two corrections on two days; 'a' is learnt at once, 'b' only overnight, and 'a' slips for a while."""
    told = [
        ("a/rephrase/1", 1, 0, 1, True),
        ("a/rephrase/1", 2, 1, 1, False),
        ("a/rephrase/1", 2, 1, 2, True),
        ("b/rephrase/1", 2, 0, 2, False),
        ("a/rephrase/1", 3, 2, 2, True),
        ("b/rephrase/1", 3, 1, 2, True),
    ]
    return [
        r
        for probe, day, age, made, right in told
        for r in both(probe, False, right, day=day, age=age, corrections=made)
    ]


def test_the_curve_has_a_point_for_each_occasion() -> None:
    curve = learning_curve(_stream())
    assert [(point.day, point.corrections) for point in curve] == [(1, 1), (2, 1), (2, 2), (3, 2)]
    assert [point.arms["lora"]["rephrase"].mean for point in curve] == [1.0, 0.0, 0.5, 1.0]
    assert all(point.arms["frozen"]["rephrase"].mean == 0.0 for point in curve)


def test_efficiency_tells_what_a_correction_is_worth() -> None:
    lora = {name: estimate.mean for name, estimate in efficiency(_stream())["lora"].items()}
    assert lora["gain_per_correction"] == 0.5
    assert lora["area_under_curve"] == pytest.approx(0.5)
    assert (
        lora["corrections_until_right"] == 0.5
    )  # 'a' stays right from the second correction on, 'b' at once by number
    assert lora["stays_right"] == 1.0
    assert lora["same_day_gain"] == 0.5
    assert lora["next_day_gain"] == 0.5  # 'a' as it was first asked after its night


def test_what_must_not_change_or_never_comes_right_is_not_learnt_at_once() -> None:
    records = [
        *both("a/rephrase/1", False, False, corrections=1),
        *both("a/locality/1", True, True, ProbeKind.LOCALITY, corrections=1),
    ]
    lora = efficiency(records)["lora"]
    assert lora["corrections_until_right"].mean is None
    assert lora["stays_right"].mean == 0.0


def test_what_is_asked_within_the_next_day_is_not_what_the_night_added() -> None:
    evening = both("a/rephrase/1", False, True, day=1, age=0, corrections=3)
    morning = both("a/rephrase/1", False, True, day=1, age=1, corrections=3)
    noon = both("a/rephrase/1", False, False, day=2, age=1, corrections=4)
    lora = efficiency([*morning, *noon], evening)["lora"]
    assert (lora["overnight_gain"].mean, lora["next_day_gain"].mean) == (0.0, 1.0)


def test_a_probe_that_changed_hands_counts_for_both_of_its_corrections() -> None:
    def asked(correction: str, day: int, age: int, right: bool) -> list[ProbeRecord]:
        pair = both("a/rephrase/1", False, right, day=day, age=age, corrections=day)
        return [replace(one, correction_id=correction) for one in pair]

    evenings = [*asked("a", 1, 0, False), *asked("newer", 2, 0, False)]
    mornings = [*asked("a", 1, 1, True), *asked("newer", 2, 1, False)]
    overnight = efficiency(mornings, evenings)["lora"]["overnight_gain"]
    assert (overnight.mean, overnight.n) == (0.5, 2)


def test_what_a_night_adds_is_paired_with_the_evening_before_it() -> None:
    evenings = [
        r
        for name, right in (("a", True), ("b", False), ("c", False))
        for r in both(f"{name}/rephrase/1", False, right, day=1, age=0, corrections=3)
    ]
    mornings = [
        r
        for name, right in (("a", True), ("b", True), ("c", False))
        for r in both(f"{name}/rephrase/1", False, right, day=1, age=1, corrections=3)
    ]
    lora = efficiency(mornings, evenings)["lora"]
    assert lora["same_day_gain"].mean == pytest.approx(1 / 3)
    assert lora["next_day_gain"].mean == pytest.approx(2 / 3)
    assert lora["overnight_gain"].mean == pytest.approx(1 / 3)
    assert lora["area_under_curve"].mean == pytest.approx(2 / 3)  # the evening is no point of the curve
    assert efficiency(mornings)["lora"]["overnight_gain"].mean is None


def test_the_area_under_the_curve_has_an_interval_over_corrections() -> None:
    records = [
        r
        for day in (1, 2)
        for i in range(10)
        for r in both(f"{i}/rephrase/1", False, i < 5 * day, day=day, age=1, corrections=10 * day)
    ]
    area = efficiency(records)["lora"]["area_under_curve"]
    assert area.mean == pytest.approx(0.75)
    assert area.n == 10
    # Half of a correction's part is sure (the second day's); the rest varies as one half does over ten draws.
    assert [area.low, area.high] == pytest.approx([0.6, 0.9])


def test_a_sum_of_ratios_draws_the_same_units_for_all_its_terms() -> None:
    ones = {str(i): (float(i < 5), 1.0) for i in range(10)}
    same = weighted_sum_of_ratios([(1.0, ones), (-1.0, ones)])
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0)
    assert weighted_sum_of_ratios([(1.0, ones), (1.0, {})]).mean is None
    assert weighted_sum_of_ratios([]).mean is None


def test_the_bench_result_keeps_the_contract() -> None:
    records = _stream()
    nights = [NightOutcome(2.0, 900.0, False, "kept"), NightOutcome(3.0, None, True, "gained")]
    result = bench_result(
        scenario="A week",
        model="tiny",
        orders=1,
        arms=measure_arms(records),
        nights=nights,
        curve=learning_curve(records),
    )
    read = json.loads(json.dumps(result, allow_nan=False))
    assert list(read)[:6] == ["scenario", "model", "orders", "arms", "night", "curve"]
    contract = ["reliability", "rephrase", "locality", "portability", "transfer", "retention"]
    assert list(read["arms"]["lora"])[:7] == [*contract, "prompt_tokens"]
    assert all(set(figure) == {"mean", "low", "high", "n"} for figure in read["arms"]["lora"].values())
    assert read["night"] == {"minutes": 5.0, "peak_rss_mb": 900.0, "promoted": True, "reason": "gained"}
    assert read["curve"][0]["arms"]["lora"]["rephrase"]["mean"] == 1.0
    assert [night["reason"] for night in read["nights"]] == ["kept", "gained"]


def test_the_demo_result_keeps_the_contract() -> None:
    answers = {"frozen": [DemoAnswer("When?", "Never.", False, "reliability")]}
    result = demo_result(
        model="tiny",
        corrections=[DemoCorrection("When?", "Never.", "Tuesday.", "")],
        before=answers,
        after_corrections=answers,
        after_night={},
        nights=[],
    )
    assert json.loads(json.dumps(result)) == {
        "model": "tiny",
        "corrections": [{"prompt": "When?", "original": "Never.", "corrected": "Tuesday.", "rationale": ""}],
        "before": {"frozen": [{"prompt": "When?", "answer": "Never.", "ok": False, "kind": "reliability"}]},
        "after_corrections": {"frozen": [{"prompt": "When?", "answer": "Never.", "ok": False, "kind": "reliability"}]},
        "after_night": {},
        "night": None,
    }


def test_with_many_units_the_interval_is_what_resampling_tends_to(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {str(unit): [float((unit * 7919) % 10 < 7)] * (1 + unit % 3) for unit in range(600)}
    normal = mean_estimate(values)
    monkeypatch.setattr(statistics, "MOST_RESAMPLED", 600)
    resampled = mean_estimate(values)
    assert normal.mean == resampled.mean
    assert (normal.low, normal.high) == pytest.approx((resampled.low, resampled.high), abs=0.004)
