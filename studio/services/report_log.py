"""The story of the user's own log, told in figures: what each arm got right before and after it was corrected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime

from studio.domain.lessons import LessonStatus
from studio.domain.log import Correction, Said
from studio.domain.measures import Estimate
from studio.domain.nights import Adapter, Night
from studio.domain.same_question import folded
from studio.domain.stores import Log
from studio.errors import NotFoundError
from studio.evaluation.statistics import mean_estimate
from studio.reporting.log_report import STATES, ArmStory, CurveStep, LabelStory, LogStory, Lost, NightRow, Standing
from studio.services.judge_log import JudgedAnswer, hear, judge_log
from studio.services.report_models import model_stories

MOST_STEPS = 10
MOST_LOST = 200
LESSON_STATES = ("active", "active but weak", "retired")


def read_standing(log: Log) -> Standing | None:
    """What a story begins with, counted in the log at once; None where nothing was ever corrected. Reads only."""
    _, states = log.query("SELECT state, count(*) FROM corrections GROUP BY state ORDER BY min(created_at)")
    if not states:
        return None
    _, ((active, weak, retired),) = log.query(
        "SELECT count(*) FILTER (status = 'active' AND NOT weak), count(*) FILTER (status = 'active' AND weak),"
        " count(*) FILTER (status <> 'active') FROM lesson"
    )
    lessons = zip(LESSON_STATES, (active, weak, retired), strict=True)
    return Standing(
        corrections={str(state): int(str(count)) for state, count in states},
        lessons={state: int(str(count)) for state, count in lessons},
        nights=_nights(log.nights.all(), log.adapters.all()),
    )


def read_story(log: Log, label: str = "") -> LogStory | None:
    """None where nothing was ever corrected. Reads only.

    With a label, the story of the questions of which a correction carries it. Raises NotFoundError naming the labels.
    """
    heard = hear(log)
    corrections = heard.corrections
    if not corrections:
        return None
    judged, labels = judge_log(heard), _by_label(corrections)
    made = sum(not correction.undone for correction in corrections)
    by_label = {name: _label_story(questions, judged) for name, questions in labels.items()}
    if label:
        chosen = _questions_with(label, labels)
        corrections = [correction for correction in corrections if folded(correction.prompt) in chosen]
        judged = [answer for answer in judged if folded(answer.question) in chosen]
    after = [answer for answer in judged if answer.after]
    standing = [correction for correction in corrections if not correction.undone]
    return LogStory(
        corrections=dict(Counter(map(_state_of_correction, corrections))),
        lessons=_lessons(log, {correction.id for correction in corrections} if label else None),
        questions=len({folded(correction.prompt) for correction in standing}),
        answers=len(judged),
        days=_steps(after, lambda answer: _date(answer.at)),
        steps=_by_corrections(after, made),
        arms=_arms(log, judged),
        lost=_lost(heard.said, after, standing),
        nights=_nights(log.nights.all(), log.adapters.all()),
        label=label,
        labels=by_label,
        models=model_stories(judged),
    )


def _by_label(corrections: Iterable[Correction]) -> dict[str, set[str]]:
    """The questions of each label, of corrections that were not undone."""
    labels: dict[str, set[str]] = {}
    for correction in corrections:
        for label in () if correction.undone else correction.labels:
            labels.setdefault(label, set()).add(folded(correction.prompt))
    return dict(sorted(labels.items()))


def _questions_with(label: str, labels: Mapping[str, set[str]]) -> set[str]:
    if label not in labels:
        known = f"There are: {', '.join(labels)}." if labels else "studio correct --label gives a correction one."
        raise NotFoundError(f"No correction has the label '{label}'.", known)
    return labels[label]


def _label_story(questions: set[str], judged: Sequence[JudgedAnswer]) -> LabelStory:
    own = [answer for answer in judged if answer.after and folded(answer.question) in questions]
    return LabelStory(len(questions), {arm: _share_right(answers) for arm, answers in _by_arm(own).items()})


def _state_of_correction(correction: Correction) -> str:
    return "undone" if correction.undone else "superseded" if correction.superseded_by else "in force"


def _lessons(log: Log, sources: Set[str] | None) -> dict[str, int]:
    """By how they stand; only those learnt from `sources`, where these are given."""
    lessons = [one for one in log.lessons.all() if sources is None or not sources.isdisjoint(one.source_ids)]
    active = [lesson for lesson in lessons if lesson.status is LessonStatus.ACTIVE]
    weak = sum(lesson.weak for lesson in active)
    return dict(zip(LESSON_STATES, (len(active) - weak, weak, len(lessons) - len(active)), strict=True))


def _by_corrections(after: Sequence[JudgedAnswer], total: int) -> list[CurveStep]:
    width = max(1, math.ceil(total / MOST_STEPS))
    return _steps(after, lambda answer: f"{min(total, math.ceil(answer.made / width) * width)}")


def _steps(answers: Sequence[JudgedAnswer], label: Callable[[JudgedAnswer], str]) -> list[CurveStep]:
    """Answers, oldest first, in stretches of one label."""
    by_label: dict[str, list[JudgedAnswer]] = {}
    for answer in answers:
        by_label.setdefault(label(answer), []).append(answer)
    return [
        CurveStep(name, {arm: _share_right(own) for arm, own in _by_arm(within).items()})
        for name, within in by_label.items()
    ]


def _by_arm(answers: Iterable[JudgedAnswer]) -> dict[str, list[JudgedAnswer]]:
    by_arm: dict[str, list[JudgedAnswer]] = {}
    for answer in answers:
        by_arm.setdefault(answer.arm, []).append(answer)
    return by_arm


def _share_right(answers: Iterable[JudgedAnswer]) -> Estimate:
    return _share(answers, lambda answer: answer.ok)


def _share(answers: Iterable[JudgedAnswer], holds: Callable[[JudgedAnswer], bool | None]) -> Estimate:
    by_question: dict[str, list[float]] = {}
    for answer in answers:
        if (held := holds(answer)) is not None:
            by_question.setdefault(folded(answer.question), []).append(float(held))
    return mean_estimate(by_question)


def _arms(log: Log, judged: Sequence[JudgedAnswer]) -> dict[str, ArmStory]:
    _, rows = log.query("SELECT arm, mean_prompt_tokens, mean_first_token_s, mean_latency_s FROM answers_by_arm")
    costs = {str(row[0]): [_number(value) for value in row[1:]] for row in rows}
    return {arm: _arm_story(answers, costs.get(arm, [None] * 3)) for arm, answers in _by_arm(judged).items()}


def _arm_story(answers: Sequence[JudgedAnswer], costs: Sequence[float | None]) -> ArmStory:
    before = [answer for answer in answers if not answer.after]
    after = [answer for answer in answers if answer.after]
    states = Counter(_state(history) for history in _histories(after))
    return ArmStory(
        before=_share_right(before),
        after=_share_right(after),
        gain=_gain(before, after),
        stale_rate=_share(after, lambda answer: answer.stale),
        states={state: states[state] for state in STATES},
        prompt_tokens=costs[0],
        first_token_s=costs[1],
        latency_s=costs[2],
    )


def _gain(before: Sequence[JudgedAnswer], after: Sequence[JudgedAnswer]) -> Estimate:
    """Share right after minus before, paired: only questions that were asked of the arm both times count."""
    then, now = (
        {folded(history[0].question): sum(a.ok for a in history) / len(history) for history in _histories(answers)}
        for answers in (before, after)
    )
    return mean_estimate({question: [now[question] - then[question]] for question in now if question in then})


def _histories(answers: Iterable[JudgedAnswer]) -> list[list[JudgedAnswer]]:
    """One arm's answers by question, oldest first."""
    histories: dict[str, list[JudgedAnswer]] = {}
    for answer in answers:
        histories.setdefault(folded(answer.question), []).append(answer)
    return list(histories.values())


def _state(history: Sequence[JudgedAnswer]) -> str:
    """How a question stands with one arm by its latest answer: one of STATES."""
    last = history[-1]
    if last.ok:
        return "learnt"
    if last.stale:
        return "stale"
    # What was right before its correction was superseded is no sign that today's was ever known.
    return "forgotten" if any(answer.ok and answer.judged_by == last.judged_by for answer in history) else "never right"


def _lost(said: Iterable[Said], after: Sequence[JudgedAnswer], standing: Sequence[Correction]) -> list[Lost]:
    """Newest first: questions forgotten or stale, and accepted answers that were corrected later."""
    found: list[tuple[datetime, Lost]] = []
    for arm, answers in _by_arm(after).items():
        for history in _histories(answers):
            if (state := _state(history)) in ("forgotten", "stale"):
                last = history[-1]
                found.append((last.at, Lost(state, last.question, arm, last.text, _date(last.at))))
    corrected: dict[str, list[datetime]] = {}
    for correction in standing:
        corrected.setdefault(folded(correction.prompt), []).append(correction.created_at)
    for one in said:
        later = [at for at in corrected.get(folded(one.prompt), ()) if at > one.created_at] if one.accepted else []
        if later:
            lost = Lost("accepted, later corrected", one.prompt, one.arm, one.text, _date(later[0]))
            found.append((later[0], lost))
    return [lost for _, lost in sorted(found, key=lambda one: one[0], reverse=True)][:MOST_LOST]


def _nights(nights: Sequence[Night], adapters: Sequence[Adapter]) -> list[NightRow]:
    by_night = {adapter.night_id: adapter for adapter in adapters}
    return [_night(night, by_night.get(night.id)) for night in nights]


def _night(night: Night, adapter: Adapter | None) -> NightRow:
    peak = _number(night.metrics.get("peak_rss_bytes"))
    method = adapter.method if adapter else night.config.get("method", "")
    return NightRow(
        at=night.started_at.astimezone().strftime("%Y-%m-%d %H:%M"),
        version=adapter.version if adapter else None,
        state=night.state.value,
        reason=night.reason,
        corrections=len(night.correction_ids),
        method=str(method),
        minutes=(night.finished_at - night.started_at).total_seconds() / 60 if night.finished_at else None,
        peak_rss_mb=peak / 2**20 if peak is not None else None,
        scale=adapter.scale if adapter else None,
        in_use=adapter.active if adapter else False,
        removed=adapter.removed if adapter else False,
    )


def _date(at: datetime) -> str:
    """The day of the person who looks, not of UTC."""
    return at.astimezone().strftime("%Y-%m-%d")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
