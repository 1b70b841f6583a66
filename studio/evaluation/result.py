"""What `studio bench --json` and `studio demo --json` write: plain dicts in the form the command contract fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from studio.domain.measures import Estimate
from studio.evaluation.comparison import Difference, TwoByTwo
from studio.evaluation.learning_curve import CurvePoint

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class NightOutcome:
    """How one night went. `minutes` of wall clock, `peak_rss_mb` in MiB, None where it was not measured.

    `order` counts the scenario's runs from 0; `day` is the one before it, 0 where there are no days.
    """

    minutes: float
    peak_rss_mb: float | None
    promoted: bool
    reason: str
    order: int = 0
    day: int = 0


@dataclass(frozen=True, slots=True)
class ResetCheck:
    """That every arm, its memory emptied and its adapter off, answered as the frozen model, letter for letter."""

    arms: tuple[str, ...]
    questions: int


@dataclass(frozen=True, slots=True)
class ScenarioSize:
    """How much of what there was to learn and to ask; `rules` have unseen instances, `induction` of them in all."""

    days: int
    corrections: int
    general: int
    rules: int
    induction: int


@dataclass(frozen=True, slots=True)
class BenchDetail:
    """What a whole run adds to its arms' measures. `max_tokens` is what an answer may have at most."""

    size: ScenarioSize
    reset: ResetCheck
    differences: Sequence[Difference]
    tables: Sequence[TwoByTwo]
    max_tokens: int


@dataclass(frozen=True, slots=True)
class DemoAnswer:
    """One arm's answer in the demonstration; `ok` None where there is no check. `kind` is the probe's kind."""

    prompt: str
    answer: str
    ok: bool | None
    kind: str


@dataclass(frozen=True, slots=True)
class DemoCorrection:
    """A correction as the demonstration made it."""

    prompt: str
    original: str
    corrected: str
    rationale: str


@dataclass(frozen=True, slots=True)
class DemoAudience:
    """A question of the audience as it was corrected, and by arm what was answered to it in other words."""

    correction: DemoCorrection
    again: Mapping[str, DemoAnswer]


DemoAnswers = Mapping[str, Sequence[DemoAnswer]]


def bench_result(
    *,
    scenario: str,
    model: str,
    orders: int,
    arms: Mapping[str, Mapping[str, Estimate]],
    nights: Sequence[NightOutcome],
    curve: Sequence[CurvePoint],
    detail: BenchDetail | None = None,
) -> Json:
    """`{"scenario","model","orders","arms":{NAME:{MEASURE:{"mean","low","high","n"}}},"night","curve",..}`.

    An arm holds the contract's measures and whatever else was measured of it, all in the same form; a figure that
    could not be measured is null. Curve points are `{"day","corrections","arms":{NAME:{MEASURE:{..}}}}`.
    Besides `"nights"` one by one and, with `detail`: `"size"` and `"reset"` as the classes of these names,
    `"differences"` `[{"arm","against",MEASURE:{..}}]` paired per probe, `"two_by_two"`
    `[{"memory","adapter","arms":{CELL:NAME},"measures":{MEASURE:{CELL:{..}}}}]`, and `"max_tokens"`.
    """
    return {
        "scenario": scenario,
        "model": model,
        "orders": orders,
        "arms": _arms(arms),
        "night": night_result(nights),
        "curve": [{"day": point.day, "corrections": point.corrections, "arms": _arms(point.arms)} for point in curve],
        "nights": [asdict(night) for night in nights],
        **(_detail(detail) if detail else {}),
    }


def _detail(detail: BenchDetail) -> Json:
    return {
        "size": asdict(detail.size),
        "reset": asdict(detail.reset),
        "differences": [
            {"arm": one.arm, "against": one.against, **{name: asdict(e) for name, e in one.measures.items()}}
            for one in detail.differences
        ],
        "two_by_two": [asdict(table) for table in detail.tables],
        "max_tokens": detail.max_tokens,
    }


def night_result(nights: Sequence[NightOutcome]) -> Json | None:
    """`{"minutes","peak_rss_mb","promoted","reason"}`, or None without a night.

    Of several nights: their minutes together, the highest peak, and what the last one decided.
    """
    if not nights:
        return None
    peaks = [night.peak_rss_mb for night in nights if night.peak_rss_mb is not None]
    return {
        "minutes": sum(night.minutes for night in nights),
        "peak_rss_mb": max(peaks, default=None),
        "promoted": nights[-1].promoted,
        "reason": nights[-1].reason,
    }


def demo_result(
    *,
    model: str,
    corrections: Sequence[DemoCorrection],
    before: DemoAnswers,
    after_corrections: DemoAnswers,
    after_night: DemoAnswers,
    nights: Sequence[NightOutcome],
    audience: Sequence[DemoAudience] = (),
) -> Json:
    """`{"model","corrections","before":{ARM:[{"prompt","answer","ok"}]},"after_corrections","after_night","night"}`.

    With an audience also `"audience"`: `[{"correction","again":{ARM:{"prompt","answer","ok"}}}]`.
    """
    return {
        "model": model,
        "corrections": [asdict(correction) for correction in corrections],
        "before": _answers(before),
        "after_corrections": _answers(after_corrections),
        "after_night": _answers(after_night),
        "night": night_result(nights),
        **({"audience": [asdict(one) for one in audience]} if audience else {}),
    }


def _arms(arms: Mapping[str, Mapping[str, Estimate]]) -> Json:
    return {arm: {name: asdict(estimate) for name, estimate in measures.items()} for arm, measures in arms.items()}


def _answers(by_arm: DemoAnswers) -> Json:
    return {arm: [asdict(answer) for answer in answers] for arm, answers in by_arm.items()}
