"""The user's own log as a report: curves, what was learnt, forgotten and gone stale, and every night's verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from studio.domain.measures import Estimate
from studio.reporting.figures import cell, difference_cell
from studio.reporting.report import LinePlot, Report, Section, Series
from studio.reporting.tables import Table

TITLE = "What the studio learnt"
STATES = ("learnt", "forgotten", "stale", "never right")


@dataclass(frozen=True, slots=True)
class CurveStep:
    """One stretch of the log: `label` a date, or the corrections made by its end; `right` by arm."""

    label: str
    right: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class ArmStory:
    """One arm over the whole log: share right of corrected questions before and after, and how they stand now."""

    before: Estimate
    after: Estimate
    gain: Estimate
    stale_rate: Estimate
    states: Mapping[str, int]
    prompt_tokens: float | None
    first_token_s: float | None
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A question that was answered rightly once and is no more, or in an outdated way."""

    kind: str
    question: str
    arm: str
    answer: str
    at: str


@dataclass(frozen=True, slots=True)
class NightRow:
    """One night and its adapter; `state` and `reason` are the gate's verdict."""

    at: str
    version: int | None
    state: str
    reason: str
    corrections: int
    method: str
    minutes: float | None
    peak_rss_mb: float | None
    scale: float | None
    in_use: bool
    removed: bool


@dataclass(frozen=True, slots=True)
class LabelStory:
    """The questions of which a correction carries one label: how many, and the share right since, by arm."""

    questions: int
    after: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class ModelStory:
    """What one model learnt: the share right, by arm, of the corrected questions that it and the others were asked."""

    title: str
    right: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a story is known without its answers."""

    corrections: Mapping[str, int]
    lessons: Mapping[str, int]
    nights: Sequence[NightRow]


@dataclass(frozen=True, slots=True)
class LogStory:
    """With a `label`, of the questions with that label; `labels` and `nights` are of the whole log in any case."""

    corrections: Mapping[str, int]
    lessons: Mapping[str, int]
    questions: int
    answers: int
    days: Sequence[CurveStep]
    steps: Sequence[CurveStep]
    arms: Mapping[str, ArmStory]
    lost: Sequence[Lost]
    nights: Sequence[NightRow]
    label: str = ""
    labels: Mapping[str, LabelStory] = field(default_factory=dict)
    models: Sequence[ModelStory] = ()


def first_report(standing: Standing) -> Report:
    """How to show what is known before the answers were judged."""
    lead = [_counted(standing.corrections, standing.lessons), "Judging the answers to them…"]
    return Report(TITLE, lead, [_nights(standing.nights)])


def log_report(story: LogStory) -> Report:
    """How to show a story."""
    lead = [
        _counted(story.corrections, story.lessons),
        f"{_answered(story)} Each is judged by the correction that held then, and an arm only where it was asked.",
    ]
    if story.label:
        title = f"What the studio learnt of '{story.label}'"
        lead.insert(0, "Only the questions of which a correction carries this label.")
        return Report(title, lead, [_curves(story), _arms(story), *_models(story), _lost(story), *_labels(story)])
    sections = [_curves(story), _arms(story), *_models(story), *_labels(story), _lost(story), _nights(story.nights)]
    return Report(TITLE, lead, sections)


def _counted(corrections: Mapping[str, int], lessons: Mapping[str, int]) -> str:
    told, learnt = (", ".join(f"{n} {state}" for state, n in counts.items() if n) for counts in (corrections, lessons))
    return f"Corrections: {told}. Lessons: {learnt or 'none'}."


def _answered(story: LogStory) -> str:
    answers = "1 answer in the log is" if story.answers == 1 else f"{story.answers} answers in the log are"
    of_several = f"one of the {story.questions} corrected questions"
    return f"{answers} to {'the one corrected question' if story.questions == 1 else of_several}."


def _curves(story: LogStory) -> Section:
    arms = list(story.arms)
    of = f", label '{_short(story.label, 30)}'" if story.label else ""
    if not story.steps:
        return Section("Learning curves", ["No corrected question has been asked again yet: ask one to see a curve."])
    by_step = _curve_table(f"Percent right by corrections made{of}", "corrections", story.steps, arms)
    by_day = _curve_table(f"Percent right by day{of}", "day", story.days, arms)
    plots = [
        _curve_plot("right-by-corrections", f"Corrected questions right, by corrections made{of}", story.steps, arms),
        _curve_plot("right-by-day", f"Corrected questions right, by day{of}", story.days, arms),
    ]
    return Section("Learning curves", plots=plots, tables=[by_step, by_day])


def _curve_table(title: str, first: str, steps: Sequence[CurveStep], arms: Sequence[str]) -> Table:
    rows = [[step.label, *(_with_n(step.right.get(arm)) for arm in arms)] for step in steps]
    note = "Of the answers given then to questions corrected before: percent right, 95% interval, (n questions)."
    return Table(title, [first, *arms], rows, note=note)


def _with_n(estimate: Estimate | None) -> str:
    return "-" if estimate is None else f"{cell('right', estimate)} ({estimate.n})"


def _curve_plot(name: str, title: str, steps: Sequence[CurveStep], arms: Sequence[str]) -> LinePlot:
    series = []
    for arm in arms:
        known = [(float(i), step.right[arm]) for i, step in enumerate(steps) if arm in step.right]
        if known:
            series.append(Series(arm, [at for at, _ in known], [estimate for _, estimate in known]))
    every = max(1, len(steps) // 8)  # more labels than that run into each other
    ticks = [step.label if i % every == 0 else "" for i, step in enumerate(steps)]
    x_label = "day" if name.endswith("day") else "corrections made by then"
    return LinePlot(name, title, x_label, "percent right", series, ticks, bounds=(0, 100))


def _arms(story: LogStory) -> Section:
    rows, costs = [], []
    for name, arm in story.arms.items():
        rows.append(
            [
                name,
                _with_n(arm.before),
                _with_n(arm.after),
                difference_cell("gain", arm.gain),
                str(arm.gain.n),
                cell("stale_rate", arm.stale_rate),
                *(str(arm.states.get(state, 0)) for state in STATES),
            ]
        )
        times = [arm.prompt_tokens, arm.first_token_s, arm.latency_s]
        forms = (".0f", ".2f", ".2f")
        costs.append([name, *("-" if v is None else f"{v:{form}}" for v, form in zip(times, forms, strict=True))])
    if not rows:
        return Section("What was learnt", ["No arm has answered a corrected question yet."])
    header = ["arm", "right before", "right after", "gain", "n", "stale rate", *STATES]
    note = (
        "Before: answers given before the question was first corrected, mostly those found wrong. Gain: paired over "
        "n questions asked both before and after; ? inconclusive. The last columns count questions by the "
        "latest answer since: right; right once and wrong now; outdated; never right."
    )
    tables = [Table("Corrected questions, by arm", header, rows, note=note)]
    if not story.label:  # an answer costs what it costs, whatever the question is about
        header = ["arm", "prompt tokens", "first token s", "latency s"]
        tables.append(Table("What an answer costs", header, costs, note="Means over all its answers."))
    return Section("What was learnt", tables=tables)


def _labels(story: LogStory) -> list[Section]:
    """Which labels there are, and how the arms do with each; nothing where no correction carries one."""
    if not story.labels:
        return []
    arms = list(dict.fromkeys(arm for label in story.labels.values() for arm in label.after))
    rows = [
        [name, str(label.questions), *(_with_n(label.after.get(arm)) for arm in arms)]
        for name, label in story.labels.items()
    ]
    note = (
        "Of the answers since the correction: percent right, 95% interval, (n questions). A question counts for every "
        "label that a correction of it carries."
    )
    return [Section("Labels", tables=[Table("Percent right by label", ["label", "questions", *arms], rows, note=note)])]


def _models(story: LogStory) -> list[Section]:
    """Nothing where one model alone answered."""
    if not story.models:
        return []
    arms = list(dict.fromkeys(arm for model in story.models for arm in model.right))
    rows = [[_short(model.title, 40), *(_with_n(model.right.get(arm)) for arm in arms)] for model in story.models]
    note = (
        "By the latest answer since the correction, of the questions that each of the models was asked: percent right, "
        "95% interval, (n questions). A model asked fewer than half as many as another is not compared yet: in idle "
        "time the app asks the one in use."
    )
    return [
        Section(
            "Models", tables=[Table("What each learnt from the same corrections", ["model", *arms], rows, note=note)]
        )
    ]


def _lost(story: LogStory) -> Section:
    if not story.lost:
        return Section("Forgotten and gone stale", ["Nothing that the log tells of."])
    rows = [[one.kind, one.at, one.arm, _short(one.question), _short(one.answer)] for one in story.lost]
    note = "Forgotten: right once since the correction, wrong in the latest answer. Stale: what was right before."
    header = ["what", "when", "arm", "question", "answer"]
    return Section("Forgotten and gone stale", tables=[Table("Question by question", header, rows, range(5), note)])


def _nights(nights: Sequence[NightRow]) -> Section:
    if not nights:
        return Section("Nights and adapters", ["No night yet."])
    rows = [
        [
            night.at,
            "-" if night.version is None else f"v{night.version}",
            "in use" if night.in_use else "removed" if night.removed else "",
            night.state,
            night.method or "-",
            str(night.corrections),
            "-" if night.scale is None else f"{night.scale:.2f}",
            "-" if night.minutes is None else f"{night.minutes:.1f}",
            "-" if night.peak_rss_mb is None else f"{night.peak_rss_mb:.0f}",
            night.reason or "-",
        ]
        for night in nights
    ]
    header = ["night", "adapter", "", "gate", "method", "corrections", "scale", "minutes", "peak MB", "reason"]
    return Section("Nights and adapters", tables=[Table("Newest first", header, rows, (0, 1, 2, 3, 4, 9))])


def _short(text: str, width: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
